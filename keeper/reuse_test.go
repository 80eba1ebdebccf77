package keeper_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// The first sight of the successor gives the old token a grace, at every node.
// After that it is dead, and showing it ends the session.
func TestFirstSightThenReuse(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		node := h.node()
		old := h.login()
		next := h.rotated(old)
		h.pass(10*time.Minute, node)
		h.finds(old.Text()) // nobody has seen the successor
		h.wantRules()
		h.visits(next.Text())
		h.wantRules("jti revoke renewed")
		entries, err := h.wire.Log.Read(t.Context(), revocation.Cursor{}, 1)
		h.must(err)
		if r := entries[0].Rule; r.ID != old.ID() || !r.From.Equal(h.clock.read().Add(10*time.Second)) || r.Until.Before(old.Expires()) {
			t.Errorf("the rule is %+v", r)
		}
		h.pass(10*time.Second-time.Microsecond, node)
		h.visits(next.Text())
		h.visits(old.Text()) // a request that was under way
		h.pass(time.Microsecond, node)
		h.refuses(old.Text(), jwt.Reused)
		h.wantRules("jti revoke renewed", "sid revoke reused")
		h.must(node.CatchUp(t.Context()))
		for _, text := range []string{old.Text(), next.Text()} {
			h.refuses(text, jwt.Reused)
			if _, err := node.Find(t.Context(), text); jwt.ReasonOf(err) != jwt.Reused {
				t.Errorf("another node: %v", err)
			}
		}
		h.wantRules("jti revoke renewed", "sid revoke reused")
		if got := h.Stats(); got.Sighted != 1 || got.Reused != 1 {
			t.Errorf("counted %+v", got)
		}
	})
}

// Repeating does not move the grace (A089), and many first sights at once are one.
func TestA089GraceDoesNotSlide(t *testing.T) {
	h := newHouse(t)
	old := h.login()
	next := h.rotated(old)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, err := h.Find(t.Context(), next.Text()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := len(h.rules())
	for range 9 {
		h.pass(time.Second)
		h.visits(next.Text())
		h.visits(old.Text())
	}
	if n := len(h.rules()); n != seen {
		t.Errorf("%d rules, after %d", n, seen)
	}
	h.pass(time.Second)
	h.refuses(old.Text(), jwt.Reused)
}

// A thief who renews first, and one who comes second, are both found as soon as
// the two have gone separate ways.
func TestThievesAreFound(t *testing.T) {
	for name, first := range map[string]bool{"the thief renews first": true, "the owner renews first": false} {
		h := newHouse(t)
		stolen := h.login()
		h.pass(30 * time.Minute)
		renewed := h.visits(stolen.Text()) // by one of them
		h.visits(renewed.Text())
		h.pass(11 * time.Second)
		h.refuses(stolen.Text(), jwt.Reused) // by the other
		h.refuses(renewed.Text(), jwt.Reused)
		if first && h.Stats().Reused != 1 {
			t.Errorf("%s: counted %+v", name, h.Stats())
		}
	}
}

// Reuse is answered only when the end of the session is durable: the honest one
// of two would go and log in, and leave the thief alone.
func TestReuseWithTheStoreDown(t *testing.T) {
	h := newHouse(t)
	old := h.login()
	next := h.rotated(old)
	h.visits(next.Text())
	h.pass(11 * time.Second)
	h.wire.set(errCut, nil)
	h.refuses(old.Text(), jwt.Unavailable)
	h.finds(next.Text())
	h.wire.set(nil, nil)
	h.refuses(old.Text(), jwt.Reused)
	h.refuses(next.Text(), jwt.Reused)
}

// A session that was ended for another reason is not said to be stolen.
func TestRevokedIsNotReused(t *testing.T) {
	for name, revoke := range map[string]func(h *house, x *keeper.Token) error{
		"logout":     func(h *house, x *keeper.Token) error { return h.Revoke(h.Context(), x) },
		"everywhere": func(h *house, x *keeper.Token) error { return h.RevokeSubject(h.Context(), "ada") },
	} {
		h := newHouse(t)
		old := h.login()
		next := h.rotated(old)
		h.visits(next.Text())
		h.must(revoke(h, next))
		h.pass(11 * time.Second)
		h.refuses(old.Text(), jwt.Revoked)
		if n := len(h.rules()); n != 2 {
			t.Errorf("%s: the log has %q", name, h.rules())
		}
	}
}

func TestInsecureKeepReused(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.InsecureKeepReused = true })
	old := h.login()
	next := h.rotated(old)
	h.visits(next.Text())
	h.pass(11 * time.Second)
	h.refuses(old.Text(), jwt.Reused)
	h.finds(next.Text())
	h.wantRules("jti revoke renewed")
}

// A first sight that cannot be written down harms no request, and does not keep
// one after another waiting for a store that is away. It is written down later.
func TestFirstSightWithTheStoreDown(t *testing.T) {
	h := newHouse(t)
	next := h.rotated(h.login())
	h.wire.set(errCut, nil)
	if calls := h.wire.counted(func() { h.finds(next.Text()); h.finds(next.Text()) }); calls != "append" {
		t.Errorf("two requests made the calls %q", calls)
	}
	h.clock.add(time.Second)
	if calls := h.wire.counted(func() { h.finds(next.Text()) }); calls != "append" {
		t.Errorf("a second later: %q", calls)
	}
	h.wire.set(nil, nil)
	h.pass(time.Second)
	h.finds(next.Text())
	h.wantRules("jti revoke renewed")
}

// A request whose context ends does not take the first sight, or the end of a
// stolen session, for done.
func TestGivingUpIsNotDone(t *testing.T) {
	h := newHouse(t)
	old := h.login()
	next := h.rotated(old)
	gone, stop := context.WithCancel(t.Context())
	stop()
	if _, err := h.Find(gone, next.Text()); err != nil {
		t.Errorf("finding: %v", err)
	}
	h.wantRules()
	h.pass(2 * time.Second)
	h.finds(next.Text())
	h.pass(11 * time.Second)
	if _, err := h.Find(gone, old.Text()); jwt.ReasonOf(err) != jwt.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("reuse: %v", err)
	}
	h.refuses(old.Text(), jwt.Reused)
}
