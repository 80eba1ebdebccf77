package acts_test

import (
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

// forgotten makes a store that was put back to an older copy: this node's index
// has heard of rules that the store does not hold. It returns the head that was.
func (r *rig) forgotten(rules ...revocation.Rule) revocation.Cursor {
	r.Helper()
	seen := r.head()
	for _, rule := range rules {
		seen.Seq++
		r.must(r.index.Apply(revocation.Entry{Cursor: seen, At: evening, Rule: rule}))
	}
	return seen
}

func loggedOut(i session.Issued) revocation.Rule {
	return revocation.SessionEnded(i.Session.ID, "logout", evening.Add(time.Hour))
}

func (r *rig) recovers(seen revocation.Cursor) acts.Recovery {
	r.Helper()
	done, err := r.Recover(r.Context(), evening, seen)
	r.must(err)
	return done
}

func (r *rig) head() revocation.Cursor {
	r.Helper()
	head, err := r.backend.Set().Revocations.Head(r.Context())
	r.must(err)
	return head
}

func TestALogThatLostNothingStaysAsItIs(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	r.must(r.EndSession(t.Context(), evening, "1", first.Session.ID, "logout", ""))
	for _, seen := range []revocation.Cursor{{}, {Epoch: 1}, {Epoch: 1, Seq: 1}} {
		if done := r.recovers(seen); done.Opened || done.Head != (revocation.Cursor{Epoch: 1, Seq: 1}) {
			t.Errorf("having seen %v: %+v", seen, done)
		}
	}
}

// A node that ran on knows what the copy lacks.
func TestWhatANodeKnowsComesBackAfterARestore(t *testing.T) {
	r := build(t)
	thief := r.signUp("ada")
	honest, err := r.LogIn(t.Context(), evening, acts.LogIn{Username: "ada", Password: good, Login: login})
	r.must(err)
	key := r.keys.Stats().Signing
	seen := r.forgotten(loggedOut(thief), revocation.KeyCompromised(key, "key", evening.Add(time.Hour)))

	done := r.recovers(seen)
	if !done.Opened || done.Head.Epoch != 2 || done.Rules != 2 || done.Sessions != 1 {
		t.Errorf("%+v", done)
	}
	if r.live("1") != 1 || r.keys.Stats().Signing == key {
		t.Errorf("%d sessions live, %s signs", r.live("1"), r.keys.Stats().Signing)
	}
	if err := terminal(r.sessions.Refresh(t.Context(), evening, thief.Refresh, session.Request{})); err != nil {
		t.Error(err)
	}
	// Nobody else is logged out: their next token comes after the rule.
	fresh, err := r.sessions.Refresh(t.Context(), evening, honest.Refresh, session.Request{})
	r.must(err)
	if r.verdict(fresh) != revocation.None {
		t.Errorf("what is signed afterwards is %v", r.verdict(fresh))
	}
	if again := r.recovers(done.Head); again.Needed {
		t.Errorf("a second time: %+v", again)
	}
}

// A node that starts knows only that something is lost: what was signed before
// is refused, all of it, and sessions go on.
func TestANodeThatKnowsNothingKillsWhatWasSigned(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	done := r.recovers(revocation.Cursor{Epoch: 1, Seq: 7})
	if !done.Opened || done.Rules != 0 || done.Head != (revocation.Cursor{Epoch: 2, Seq: 1}) {
		t.Errorf("%+v", done)
	}
	if r.verdict(first) != revocation.Revoke {
		t.Error("a token from before is accepted")
	}
	fresh, err := r.sessions.Refresh(t.Context(), evening, first.Refresh, session.Request{})
	r.must(err)
	if r.verdict(fresh) != revocation.None {
		t.Error("the token of the refresh is refused")
	}
}

// What a node appends again must not make a log that is behind look complete.
func TestRulesComeBackInANewEpochThoughTheyFillTheGap(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	seen := r.forgotten(loggedOut(first))
	if done := r.recovers(seen); !done.Opened || done.Head.Epoch != 2 {
		t.Errorf("%+v", done)
	}
}

// Of two nodes one opens the epoch; the other adds what only it has heard.
func TestTheSecondNodeAddsWhatItKnows(t *testing.T) {
	r := build(t)
	r.signUp("ada")
	seen := revocation.Cursor{Epoch: 1, Seq: 9}
	r.recovers(seen)
	r.must(r.index.Apply(revocation.Entry{Cursor: seen, At: evening, Rule: revocation.SubjectEnded("1", "lock", evening.Add(time.Hour))}))
	before := r.head()
	done := r.recovers(seen)
	if done.Opened || done.Rules != 1 || done.Head != (revocation.Cursor{Epoch: before.Epoch, Seq: before.Seq + 1}) {
		t.Errorf("%+v, the head was %v", done, before)
	}
	if again := r.recovers(seen); again.Rules != 0 || r.head() != done.Head {
		t.Errorf("asked again it adds %+v", again)
	}
}

// A recovery is whole or it has not begun, and the next try is the first.
func TestARecoveryThatIsLostIsTriedAgain(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	seen := r.forgotten(loggedOut(first))
	before := r.everything()
	r.backend.lost = true
	if _, err := r.Recover(t.Context(), evening, seen); !acts.Unavailable(err) {
		t.Errorf("got %v, want unavailable", err)
	}
	if after := r.everything(); after != before {
		t.Errorf("it left something behind:\n%s\n%s", before, after)
	}
	r.backend.lost = false
	if done := r.recovers(seen); !done.Opened || done.Sessions != 1 {
		t.Errorf("%+v", done)
	}
}
