package acts_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

func pushed(scope revocation.Scope, id string) revocation.Rule {
	return revocation.Rule{Scope: scope, ID: id, Action: revocation.Revoke, Reason: "x"}
}

func (r *rig) push(now time.Time, rules ...revocation.Rule) error {
	_, err := r.Push(r.Context(), now, "r1", rules...)
	return err
}

// A109: an account that is shut from outside is refused at its next refresh, and
// each of its tokens at once, by this node without waiting for its own feed.
func TestA109APushedAccountIsRefusedAtTheNextRefresh(t *testing.T) {
	r := build(t)
	ada, bob := r.signUp("ada"), r.signUp("bob")
	head, err := r.Push(t.Context(), evening, "r1", revocation.Rule{Scope: "sub", ID: "1", Action: revocation.Revoke})
	r.must(err)
	if r.index.Cursor().Before(head) {
		// What was merged is in force, whatever the cursor says.
		q := revocation.Query{Issuer: issuer, Subject: "1", HasRev: true}
		if r.index.Check(evening, &q).Action != revocation.Revoke {
			t.Error("this node has not heard of it")
		}
	}
	_, err = r.sessions.Refresh(t.Context(), evening.Add(time.Minute), ada.Refresh, session.Request{})
	if e, ok := errors.AsType[*session.Error](err); !ok || !e.Terminal() || e.Reason != jwt.Revoked {
		t.Errorf("a refresh: %v", err)
	}
	if r.verdict(ada) != revocation.Revoke || r.verdict(bob) != revocation.None {
		t.Errorf("verdicts %v %v", r.verdict(ada), r.verdict(bob))
	}
	row, err := r.sessions.Find(t.Context(), ada.Session.ID)
	if err != nil || row.EndReason != "pushed" {
		t.Errorf("it ended because of %q, %v", row.EndReason, err)
	}
}

// A pushed key signs no more, or every token that we sign would be refused.
func TestAPushedKeySignsNoMore(t *testing.T) {
	r := build(t)
	bad := r.keys.Stats().Signing
	r.must(r.push(evening, pushed("kid", bad)))
	if now := r.keys.Stats().Signing; now == bad || now == "" {
		t.Errorf("signing: %q", now)
	}
}

// A rule is kept for as long as a token can live that it matches, and no longer,
// unless whoever pushes says so.
func TestPushedRulesEnd(t *testing.T) {
	r := build(t)
	later, year := evening.Add(24*time.Hour), evening.Add(365*24*time.Hour)
	head := r.head()
	r.must(r.push(evening, pushed("jti", "a"),
		revocation.Rule{Scope: "jti", ID: "b", Action: revocation.Revoke, From: later},
		revocation.Rule{Scope: "jti", ID: "c", Action: revocation.Revoke, Until: year}))
	entries, err := r.backend.Set().Revocations.Read(t.Context(), head, 10)
	r.must(err)
	for i, want := range []time.Time{evening.Add(time.Hour + time.Minute), later.Add(time.Hour + time.Minute), year} {
		if got := entries[i].Rule.Until; !got.Equal(want) {
			t.Errorf("%s until %v, want %v", entries[i].Rule.ID, got, want)
		}
	}
}

func TestAPushIsAllOrNothing(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	before := r.everything()
	if err := r.push(evening, pushed("sub", "1"), pushed("planet", "earth")); !errors.Is(err, revocation.ErrBadRule) {
		t.Errorf("got %v", err)
	}
	if r.everything() != before || r.live("1") != 1 || r.verdict(first) != revocation.None {
		t.Error("half of it happened")
	}
	r.must(r.backend.Close())
	if err := r.push(evening, pushed("sub", "1")); !acts.Unavailable(err) {
		t.Errorf("with the store closed: %v", err)
	}
}

// A rule that refuses nothing is no success: whoever pushed it would sleep well.
func TestAPushedIssuerIsOurs(t *testing.T) {
	r := build(t)
	ada := r.signUp("ada")
	for _, other := range []string{issuer + "/", "id.example.com"} {
		if err := r.push(evening, pushed("iss", other)); !errors.Is(err, revocation.ErrBadRule) || !strings.Contains(err.Error(), issuer) {
			t.Errorf("%s: %v", other, err)
		}
	}
	r.must(r.push(evening, pushed("iss", issuer)))
	if r.verdict(ada) != revocation.Revoke {
		t.Error("a token of before is good")
	}
}

// A key that is to be revoked later would sign until then, and after: a server
// whose every token is refused. To renew what it signed is another matter.
func TestAKeyIsRevokedAtOnce(t *testing.T) {
	r := build(t)
	later := revocation.Rule{Scope: "kid", ID: r.keys.Stats().Signing, Action: revocation.Revoke, From: evening.Add(time.Hour)}
	if err := r.push(evening, later); !errors.Is(err, revocation.ErrBadRule) {
		t.Errorf("got %v", err)
	}
	now := evening.Add(2 * time.Hour)
	q := revocation.Query{Issuer: issuer, KeyID: r.keys.Stats().Signing}
	if r.index.Check(now, &q).Action != revocation.None {
		t.Error("what is signed from now on is refused")
	}
	later.Action = revocation.Rotate
	r.must(r.push(evening, later))
}
