package keeper_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"pgregory.net/rapid"
)

// A person logs out on one device. Another node hears of it from the log.
func TestLogout(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		phone, laptop, node := h.login(), h.login(), h.node()
		h.must(h.Revoke(t.Context(), phone))
		h.refuses(phone.Text(), jwt.Revoked)
		h.finds(laptop.Text())
		h.must(node.CatchUp(t.Context()))
		if _, err := node.Find(t.Context(), phone.Text()); jwt.ReasonOf(err) != jwt.Revoked {
			t.Errorf("on another node: %v", err)
		}
		h.wantRules("sid revoke logout")
	})
}

// JK13, JK16: by ID alone, in force at once.
func TestJK13RevokeID(t *testing.T) {
	h := newHouse(t)
	one, other := h.login(), h.login()
	h.must(h.RevokeID(t.Context(), one.ID()))
	h.refuses(one.Text(), jwt.Revoked)
	h.finds(other.Text())
	h.wantRules("jti revoke revoked")
}

// JK14: twice, after it expired, of what never was: no error, nobody else harmed.
func TestJK14RevokeIsIdempotent(t *testing.T) {
	h := newHouse(t)
	gone, other := h.creates(keeper.Claims{Subject: "ada", Lifetime: 2 * time.Second}), h.login()
	h.pass(time.Minute)
	for range 2 {
		h.must(h.Revoke(t.Context(), gone))
		h.must(h.RevokeID(t.Context(), gone.ID()))
		h.must(h.RevokeSession(t.Context(), "never was"))
	}
	h.finds(other.Text())
}

// A096: a revocation that is not known to be written is not acknowledged.
func TestA096RevokeWithTheStoreDown(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	for _, cut := range []func(){func() { h.wire.set(errCut, nil) }, func() { h.wire.set(nil, errCut) }} {
		cut()
		for _, err := range []error{
			h.Revoke(t.Context(), token), h.RevokeID(t.Context(), "a"), h.RevokeSession(t.Context(), "b"),
			h.RevokeSubject(t.Context(), "c"), h.RotateID(t.Context(), "d"), h.RotateSubject(t.Context(), "e"),
		} {
			if jwt.ReasonOf(err) != jwt.Unavailable || !errors.Is(err, errCut) {
				t.Errorf("the answer is %v", err)
			}
		}
	}
}

// Whoever is thrown out everywhere and logs in again within the same request
// stays in, though every token of before is dead; even while other nodes append.
func TestLogInRightAfterLogOutEverywhere(t *testing.T) {
	h := newHouse(t)
	old := h.login()
	_, err := h.wire.Log.Append(t.Context(), evening, revocation.SessionEnded("by another node", "logout", evening.Add(time.Hour)))
	h.must(err)
	h.must(h.RevokeSubject(t.Context(), "ada"))
	fresh := h.login()
	h.refuses(old.Text(), jwt.Revoked)
	h.finds(fresh.Text())
	h.must(h.RotateSubject(t.Context(), "ada"))
	later := h.login()
	if h.finds(fresh.Text()).Due() != "rotate" || h.finds(later.Text()).Due() != "" {
		t.Errorf("due are %q and %q", h.finds(fresh.Text()).Due(), h.finds(later.Text()).Due())
	}
}

// JK15, JK16: asked for by ID, renewed at the next sight, never refused.
func TestJK15RotateIDRenewsAtTheNextSight(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	if due := h.finds(token.Text()).Due(); due != "" {
		t.Errorf("a new token is due: %s", due)
	}
	h.must(h.RotateID(t.Context(), token.ID()))
	if due := h.finds(token.Text()).Due(); due != "rotate" {
		t.Errorf("it is due: %q", due)
	}
	next := h.visits(token.Text())
	if next.ID() == token.ID() || h.finds(next.Text()).Due() != "" {
		t.Errorf("it became %v, due %q", next, h.finds(next.Text()).Due())
	}
}

// B1: a weaker rule never takes back a stronger one, in either order.
func TestB1RotateDoesNotReviveTheRevoked(t *testing.T) {
	h := newHouse(t)
	first, second := h.login(), h.login()
	h.must(h.RevokeID(t.Context(), first.ID()))
	h.must(h.RotateID(t.Context(), first.ID()))
	h.must(h.RotateID(t.Context(), second.ID()))
	h.must(h.RevokeID(t.Context(), second.ID()))
	for _, token := range []*keeper.Token{first, second} {
		h.refuses(token.Text(), jwt.Revoked)
		if next, err := h.Rotate(t.Context(), token, nil); jwt.ReasonOf(err) != jwt.Revoked || next != nil {
			t.Errorf("rotating gave %v, %v", next, err)
		}
	}
}

// B5, B12: a rule outlives every token that it could match, and not by years.
// Whatever the life of a token, and whenever it is revoked, it stays dead.
func TestB5RulesOutliveTokens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		retention := time.Duration(rapid.IntRange(3600, 30*24*3600).Draw(rt, "retention")) * time.Second
		life := time.Duration(rapid.IntRange(2, int(retention/time.Second)).Draw(rt, "life")) * time.Second
		h := newHouse(t, func(c *keeper.Config) { c.Retention = retention })
		token := h.creates(keeper.Claims{Subject: "ada", Lifetime: life})
		h.pass(time.Duration(rapid.Int64Range(0, int64(life)-1).Draw(rt, "age")))
		revoke := rapid.SampledFrom([]func() error{
			func() error { return h.RevokeID(t.Context(), token.ID()) }, func() error { return h.Revoke(t.Context(), token) },
			func() error { return h.RevokeSubject(t.Context(), "ada") }, func() error { return h.RotateSubject(t.Context(), "ada") },
		}).Draw(rt, "revoke")
		h.must(revoke())
		entries, err := h.wire.Log.Read(t.Context(), revocation.Cursor{}, 9)
		h.must(err)
		until := entries[0].Rule.Until
		if until.Before(token.Expires().Add(time.Second)) || until.After(h.clock.read().Add(retention+2*time.Minute)) {
			rt.Fatalf("the rule ends at %v, the token at %v, retention is %v", until, token.Expires(), retention)
		}
	})
}

// A204: an ID is compared whole, and speaks of one scope.
func TestA204RulesDoNotReachOthers(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	for _, id := range []string{token.ID()[:21], token.ID() + "|", "|" + token.ID(), token.SessionID()} {
		h.must(h.RevokeID(t.Context(), id))
	}
	h.must(h.RevokeSession(t.Context(), token.ID()))
	h.must(h.RevokeSubject(t.Context(), "ad"))
	h.must(h.RevokeSubject(t.Context(), token.SessionID()))
	h.finds(token.Text())
}
