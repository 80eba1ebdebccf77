package session_test

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/session"
)

// A crowd is twenty requests that meet in the store.
type crowd struct {
	mu    sync.Mutex
	come  int
	gate  chan struct{}
	first func() // happens when all have read, before any of them writes
	laps  int    // how often they meet
}

const many = 20

// meet lets nobody go on who has read until all have, and so often as there are
// laps.
func (c *crowd) meet(*session.Row) {
	c.mu.Lock()
	if c.come == many*c.laps {
		c.mu.Unlock()
		return
	}
	if c.come%many == 0 {
		c.gate = make(chan struct{})
	}
	gate := c.gate
	if c.come++; c.come == many && c.first != nil {
		c.first()
	}
	if c.come%many == 0 {
		close(gate)
	}
	c.mu.Unlock()
	<-gate
}

// refresh is what all are told; each comes a moment after the other.
func (c *crowd) refresh(h *house, now time.Time, raw string) (outcomes map[string]int, given map[string]int) {
	h.Helper()
	outcomes, given = map[string]int{}, map[string]int{}
	h.wire.counts()
	h.wire.found = c.meet
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			issued, err := h.Refresh(h.Context(), now.Add(time.Duration(i)*time.Millisecond), raw, session.Request{})
			if err != nil {
				h.Errorf("one of %d was told: %v", many, err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			outcomes[issued.Outcome]++
			given[issued.Refresh]++
		})
	}
	all.Wait()
	h.wire.found = nil
	return outcomes, given
}

// A199: a browser wakes, and twenty tabs refresh in the same moment. One of them
// rotates, and nobody is told to come again.
func TestA199ACrowdIsAnswered(t *testing.T) {
	onEachUnhurried(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		outcomes, given := (&crowd{laps: 1}).refresh(h, evening.Add(8*time.Hour), first.Refresh)
		if want := map[string]int{"rotate": 1, "replay": many - 1}; !maps.Equal(outcomes, want) || len(given) != 1 {
			t.Errorf("they were answered %v with %d refresh tokens", outcomes, len(given))
		}
		if got := h.wire.counts(); got != [3]int{2*many - 1, many, 0} {
			t.Errorf("%v reads, writes, ends", got)
		}
	})
}

// The answer to a refresh was lost, eight hours ago: twenty tabs repeat it.
func TestA199ACrowdWhoseAnswerWasLost(t *testing.T) {
	onEachUnhurried(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		lost := h.refreshes(evening, first.Refresh, "rotate")
		outcomes, given := (&crowd{laps: 1}).refresh(h, evening.Add(8*time.Hour), first.Refresh)
		if outcomes["replay"] != many || given[lost.Refresh] != many {
			t.Errorf("they were answered %v with %d refresh tokens", outcomes, len(given))
		}
		if got := h.wire.counts(); got != [3]int{2*many - 1, many, 0} {
			t.Errorf("%v reads, writes, ends", got)
		}
		if row := h.row(first.Session.ID); row.State != session.Active || !row.LateNow {
			t.Errorf("%s, late: %v", row.State, row.LateNow)
		}
	})
}

// A report of a verifier is written between what twenty tabs read and what they
// write.
func TestA199ACrowdAndASighting(t *testing.T) {
	onEachUnhurried(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		c := &crowd{laps: 2}
		c.first = func() {
			set := h.backend.Set().Sessions
			row, _, err := set.Find(t.Context(), first.Session.ID)
			if err != nil {
				t.Error(err)
			}
			seen := row
			seen.ConfirmedAt = evening.Add(time.Hour)
			if err := set.Swap(t.Context(), row, seen); err != nil {
				t.Error(err)
			}
		}
		outcomes, given := c.refresh(h, evening.Add(8*time.Hour), first.Refresh)
		if want := map[string]int{"rotate": 1, "replay": many - 1}; !maps.Equal(outcomes, want) || len(given) != 1 {
			t.Errorf("they were answered %v with %d refresh tokens", outcomes, len(given))
		}
		if got := h.wire.counts(); got != [3]int{3*many - 1, 2 * many, 0} {
			t.Errorf("%v reads, writes, ends", got)
		}
	})
}
