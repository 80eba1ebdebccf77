package keeper_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// sightWait is for how long a log that failed is left alone.
const sightWait = time.Second

// set sets the clock, and no time passes.
func (h *house) set(by time.Duration, nodes ...*keeper.Keeper) {
	h.Helper()
	h.clock.add(by)
	h.pass(0, nodes...)
}

// A089, A192: a clock that is set back by minutes gives no token that is dead a
// second grace. Who shows it is told to come again: nobody can know. One that is
// set back by less gives it its one successor, not another.
func TestA192AClockThatIsSetBackRevivesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		node := h.node()
		old := h.login()
		h.pass(30*time.Minute, node)
		next := h.visits(old.Text())
		h.visits(next.Text())
		h.pass(30*time.Second, node)
		h.set(-5*time.Minute, node)
		h.refuses(old.Text(), jwt.Unavailable)
		if _, err := node.Find(t.Context(), old.Text()); jwt.ReasonOf(err) != jwt.Unavailable {
			t.Errorf("another node: %v", err)
		}
		h.set(5*time.Minute-40*time.Second, node)
		if again := h.rotated(h.finds(old.Text())); again.Text() != next.Text() {
			t.Errorf("it was renewed to %v, and then to %v", next, again)
		}
		h.set(time.Minute, node)
		h.refuses(old.Text(), jwt.Reused)
		h.set(-90*time.Second, node)
		h.refuses(old.Text(), jwt.Reused) // an end has no beginning that a clock could take back
		h.refuses(next.Text(), jwt.Reused)
	})
}

// A192: a clock that jumps ahead and is put right revokes nobody but whose
// requests were under way in the moment; what had expired by it is good again.
func TestA192AClockThatJumpsAheadIsForgiven(t *testing.T) {
	h := newHouse(t)
	node := h.node()
	gone, token := h.login(), h.login()
	h.must(h.Revoke(t.Context(), gone))
	for _, jump := range []time.Duration{5 * time.Minute, 2 * time.Hour, 10 * 365 * 24 * time.Hour} {
		h.set(jump, node)
		h.Find(t.Context(), token.Text())
		h.set(-jump, node)
		h.finds(token.Text())
		h.refuses(gone.Text(), jwt.Revoked)
	}
}

// A192: what a clock ten years ahead forgets is missed when it is right again. In
// the hour in which it was set nothing is swept.
func TestA192AWrongClockSweepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		h := newHouse(t, func(c *keeper.Config) {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			c.Lifetime, c.Retention = 24*time.Hour, 24*time.Hour
		})
		k, err := keeper.New(h.cfg)
		h.must(err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		synctest.Wait()
		token, err := k.Create(ctx, keeper.Claims{Subject: "ada"})
		h.must(err)
		next, err := k.Rotate(ctx, token, nil)
		h.must(err)
		h.must(k.Revoke(ctx, next))
		time.Sleep(30 * time.Minute)
		ahead.Store(int64(10 * 365 * 24 * time.Hour))
		time.Sleep(time.Hour)
		ahead.Store(0)
		time.Sleep(2 * time.Hour)
		h.wantRules("sid revoke logout")
		if r, err := h.wire.store.Rotated(ctx, token.ID()); err != nil || r.Successor != next.ID() {
			t.Errorf("the renewal is forgotten: %v, %v", r.Successor, err)
		}
		time.Sleep(24 * time.Hour)
		h.wantRules()
		stop()
		<-ended
	})
}

// The grace is for requests under way, and for clocks that stand apart: where a
// node is as far ahead as the grace is long, a request that meets it looks like
// theft. A longer grace covers both.
func TestTheGraceCoversClocksThatStandApart(t *testing.T) {
	for grace, want := range map[time.Duration]jwt.Reason{10 * time.Second: jwt.Reused, 20 * time.Second: ""} {
		h := newHouse(t, func(c *keeper.Config) { c.Grace = grace })
		ahead := h.node(func(c *keeper.Config) { c.Now = func() time.Time { return h.clock.read().Add(10 * time.Second) } })
		old := h.login()
		next := h.rotated(old)
		h.visits(next.Text())
		h.must(ahead.CatchUp(t.Context()))
		if _, err := ahead.Find(t.Context(), old.Text()); jwt.ReasonOf(err) != want {
			t.Errorf("a grace of %v: %v, want %q", grace, err, want)
		}
	}
}
