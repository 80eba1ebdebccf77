package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A call is one operation on a session: a refresh with a token of some
// generation, or an end.
type call struct {
	end        bool
	generation uint32
	now        time.Time
}

// A result is its answer: the line of the table, and the generation of the
// refresh token that came with it, -1 for none.
type result struct {
	outcome string
	renewed int64
}

// oneAtATime is the refresh table, asked by one caller after another. Whatever
// many callers see at once must be explained by some order of it.
var oneAtATime = porcupine.Model{
	Init: func() any { return lived{state: session.Active, rotated: evening.UTC(), held: evening.UTC()} },
	Step: func(state, input, output any) (bool, any) {
		s, c, r := state.(lived), input.(call), output.(result)
		if c.end {
			want := "ended"
			if s.state == session.Ended {
				want = "not found"
			}
			s.state = session.Ended
			return r.outcome == want, s
		}
		row, outcome := session.Table(s.row(), c.generation, c.now, session.DefaultPolicy())
		renewed := int64(-1)
		if outcome == "rotate" || outcome == "replay" {
			renewed = int64(row.Generation)
		}
		return r == result{outcome, renewed}, livedOf(row)
	},
}

// lived is what the table looks at, in a shape that can be compared.
type lived struct {
	state                    session.State
	generation               uint32
	rotated, held, confirmed time.Time
	late                     int
	lateNow                  bool
}

func livedOf(r session.Row) lived {
	return lived{r.State, r.Generation, r.RotatedAt, r.HeldAt, r.ConfirmedAt, r.Late, r.LateNow}
}

func (l lived) row() session.Row {
	return session.Row{
		State: l.state, Generation: l.generation, RotatedAt: l.rotated, HeldAt: l.held, ConfirmedAt: l.confirmed, Late: l.late, LateNow: l.lateNow,
	}
}

// history has four callers at a time use one session, in rounds.
func (h *house) history(rounds int) []porcupine.Operation {
	h.Helper()
	first := h.login(evening)
	id, master := h.cfg.Master.Signing()
	var mu sync.Mutex
	var ops []porcupine.Operation
	start := time.Now()
	for round := range rounds {
		current := h.row(first.Session.ID).Generation
		var wg sync.WaitGroup
		ready := make(chan struct{})
		for caller := range 4 {
			c := call{end: round == rounds-1 && caller == 0, now: evening.Add(time.Duration(round) * 25 * time.Second).UTC()}
			c.generation = current
			if current > 0 && rand.IntN(3) == 0 {
				c.generation--
			}
			raw, err := session.RefreshToken(master, id, first.Session.ID, c.generation)
			if err != nil {
				h.Fatal(err)
			}
			called := time.Since(start)
			wg.Go(func() {
				<-ready
				r := h.perform(c, first.Session.ID, raw)
				mu.Lock()
				defer mu.Unlock()
				ops = append(ops, porcupine.Operation{ClientId: caller, Input: c, Call: int64(called), Output: r, Return: int64(time.Since(start))})
			})
		}
		close(ready)
		wg.Wait()
	}
	return ops
}

func (h *house) perform(c call, sid, raw string) result {
	ctx := context.WithoutCancel(h.Context())
	if c.end {
		switch err := h.End(ctx, c.now, "ada", sid, "logout", ""); {
		case err == nil:
			return result{"ended", -1}
		case errors.Is(err, session.ErrNotFound):
			return result{"not found", -1}
		default:
			return result{err.Error(), -1}
		}
	}
	issued, err := h.Refresh(ctx, c.now, raw, session.Request{})
	if e := (*session.Error)(nil); errors.As(err, &e) {
		return result{e.Outcome, -1}
	}
	if issued.Refresh == "" {
		return result{issued.Outcome, -1}
	}
	renewed, err := session.ParseRefresh(issued.Refresh)
	if err != nil {
		return result{err.Error(), -1}
	}
	return result{issued.Outcome, int64(renewed.Generation)}
}

// overlapping returns how many in a hundred operations ran beside another.
func overlapping(ops []porcupine.Operation) int {
	n := 0
	for i, a := range ops {
		for j, b := range ops {
			if i != j && a.Call < b.Return && b.Call < a.Return {
				n++
				break
			}
		}
	}
	return 100 * n / len(ops)
}

// TestA085HistoriesAreLinearizable checks that many refreshes and an end at
// once look as if they had come one after another.
func TestA085HistoriesAreLinearizable(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		for range 10 {
			ops := h.history(20)
			if share := overlapping(ops); share < 30 {
				t.Errorf("%d %% of the operations overlap, want at least 30 %%", share)
			}
			if !porcupine.CheckOperations(oneAtATime, ops) {
				for _, op := range ops {
					t.Logf("%v → %v", op.Input, op.Output)
				}
				t.Fatal("no order explains this history")
			}
		}
	})
}

// TestAWrongStoreIsCaught gives the check a store whose Swap compares nothing.
func TestAWrongStoreIsCaught(t *testing.T) {
	h := newHouse(t, memory.New())
	lossy := &lastWriteWins{wire: h.wire, both: make(chan struct{})}
	h.cfg.Store = lossy
	h.rebuild()
	if porcupine.CheckOperations(oneAtATime, h.history(2)) {
		t.Error("a store that loses writes passed for a right one")
	}
}

// lastWriteWins holds the first Swap until a second one has read the same row.
type lastWriteWins struct {
	*wire
	mu    sync.Mutex
	swaps int
	both  chan struct{}
}

func (w *lastWriteWins) Swap(ctx context.Context, _, to session.Row) error {
	w.mu.Lock()
	if w.swaps++; w.swaps == 2 {
		close(w.both)
	}
	w.mu.Unlock()
	select {
	case <-w.both:
	case <-ctx.Done():
		return fmt.Errorf("nobody else wrote: %w", ctx.Err())
	}
	w.mu.Lock() // one after the other: who came first must not be told of a conflict
	defer w.mu.Unlock()
	now, _, err := w.wire.Store.Find(ctx, to.ID)
	if err != nil {
		return err
	}
	return w.wire.Store.Swap(ctx, now, to)
}
