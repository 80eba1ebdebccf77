package keeper_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func release(versions ...string) func(*keeper.Config) {
	return func(c *keeper.Config) { c.Versions = versions }
}

// visit is one request at one of several nodes.
func visit(t *testing.T, k *keeper.Keeper, raw string) *keeper.Token {
	t.Helper()
	found, err := k.Find(t.Context(), raw)
	if err == nil {
		found, err = k.Renew(t.Context(), found)
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// B3, JK17: after a release each token is renewed once, never refused.
func TestB3AReleaseRenewsOnce(t *testing.T) {
	h := newHouse(t, release("1"))
	token := h.login()
	next := h.node(release("1", "2"))
	renewed := visit(t, next, token.Text())
	if renewed.ID() == token.ID() || renewed.Version() != "2" {
		t.Fatalf("it became %v of version %q", renewed, renewed.Version())
	}
	for range 5 {
		h.pass(time.Minute, next)
		if again := visit(t, next, renewed.Text()); again.Text() != renewed.Text() {
			t.Fatal("it is renewed again")
		}
	}
}

// JK21, A102: requests bounce between two releases while one is rolled out, and
// back: renewed once, nobody is refused.
func TestJK21TwoReleasesSideBySide(t *testing.T) {
	h := newHouse(t, release("1", "2"))
	older, newer := h.Keeper, h.node(release("1", "2", "3"))
	token, renewals := h.login(), 0
	for i := range 20 {
		h.pass(time.Minute, newer, older)
		before := token.ID()
		token = visit(t, []*keeper.Keeper{newer, older}[i%2], token.Text())
		if token.ID() != before {
			renewals++
		}
	}
	if renewals != 1 || token.Version() != "3" {
		t.Errorf("20 requests made %d renewals, up to version %q", renewals, token.Version())
	}
	h.pass(time.Minute)
	rolledBack := h.node(func(c *keeper.Config) { c.Versions, c.Retired = []string{"1", "2"}, []string{"3"} })
	if back := visit(t, rolledBack, token.Text()); back.Version() != "2" {
		t.Errorf("a version that was withdrawn stays %q", back.Version())
	}
}

// A token of before there were versions is older than all of them.
func TestJK17TheFirstVersion(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	if token.Version() != "" || h.finds(token.Text()).Due() != "" {
		t.Errorf("version %q, due %q", token.Version(), h.finds(token.Text()).Due())
	}
	if renewed := visit(t, h.node(release("1")), token.Text()); renewed.Version() != "1" {
		t.Errorf("it became version %q", renewed.Version())
	}
}

// JK11: a trusted issuer's tokens are taken as they are, asked about by its own
// rules, and never renewed or revoked here.
func TestJK11ForeignTokens(t *testing.T) {
	theirs := newHouse(t, func(c *keeper.Config) { c.Issuer = "https://other.example.com" })
	others := newHouse(t, func(c *keeper.Config) { c.Issuer = "https://third.example.com" })
	rules := revocation.NewIndex("https://other.example.com")
	h := newHouse(t, func(c *keeper.Config) {
		c.Versions = []string{"9"}
		c.Foreign = []keeper.Foreign{
			{Issuer: "https://third.example.com", Keys: others.ring, InsecureUnrevocable: true, Audience: []string{books}},
			{Issuer: "https://other.example.com", Keys: theirs.ring, Checker: rules},
		}
	})
	token := theirs.login()
	h.clock.add(40 * time.Minute) // past half of its life
	h.pass(0)
	found := h.finds(token.Text())
	if !found.Foreign() || found.Issuer() != "https://other.example.com" || found.Due() != "" || found.Claims().Subject != "ada" {
		t.Errorf("found %v of %s, due %q", found, found.Issuer(), found.Due())
	}
	for _, renew := range []func() (*keeper.Token, error){
		func() (*keeper.Token, error) { return h.Renew(t.Context(), found) },
		func() (*keeper.Token, error) { return h.Rotate(t.Context(), found, &keeper.Claims{Subject: "eve"}) },
	} {
		if same, err := renew(); err != nil || same != found {
			t.Errorf("renewed to %v, %v", same, err)
		}
	}
	if err := h.Revoke(t.Context(), found); !errors.Is(err, keeper.ErrForeign) {
		t.Errorf("revoked with %v", err)
	}
	h.must(h.RevokeSession(t.Context(), token.SessionID())) // ours of that name, if any
	h.must(h.RevokeSubject(t.Context(), "ada"))
	h.finds(token.Text())
	h.refuses(others.login().Text(), jwt.BadAud)
	h.must(rules.Apply(revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: 1}, Rule: revocation.SessionEnded(token.SessionID(), "logout", time.Time{})}))
	h.refuses(token.Text(), jwt.Revoked)
}

// A029: a key speaks for its own issuer only.
func TestA029TrustedKeysDoNotSpeakForUs(t *testing.T) {
	theirs := newHouse(t, func(c *keeper.Config) { c.Issuer = "https://other.example.com" })
	h := newHouse(t, func(c *keeper.Config) {
		c.Foreign = []keeper.Foreign{{Issuer: "https://other.example.com", Keys: theirs.ring, InsecureUnrevocable: true}}
	})
	h.refuses(theirs.signs(func(c *jwt.Session) { c.Issuer = issuer }), jwt.Issuer)
	h.refuses(h.signs(func(c *jwt.Session) { c.Issuer = "https://other.example.com" }), jwt.Issuer)
	h.refuses(theirs.signs(func(c *jwt.Session) {
		c.Issuer = "https://other.example.com"
		c.Confirmation = &jwt.Confirmation{Lock: "l"}
	}), jwt.Binding)
	h.refuses(newHouse(t).login().Text(), jwt.BadKey)
}

// B7, B8, A035: a token that says it is locked is never taken without its lock,
// and one that is not has nothing that could get out of step.
func TestB8LockedTokensAreRefusedWithoutTheirLock(t *testing.T) {
	h := newHouse(t)
	for _, cnf := range []jwt.Confirmation{{Lock: "x"}, {Thumbprint: "x"}} {
		h.refuses(h.signs(func(c *jwt.Session) { c.Confirmation = &cnf }), jwt.Binding)
	}
	h.finds(h.signs(func(*jwt.Session) {}))
}

// B13: no name stands twice in what is signed, nor is such a token taken.
func TestB13NoDuplicateMembers(t *testing.T) {
	h := newHouse(t)
	for name, v := range map[string]any{"raw": rawJSON(`{"a":1,"a":2}`), "broken": rawJSON(`{`)} {
		if _, err := h.Create(t.Context(), keeper.Claims{Subject: "ada", Private: map[string]any{name: v}}); !errors.Is(err, keeper.ErrClaims) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }
