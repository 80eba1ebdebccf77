package sqlite

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
	"github.com/jotkeeper/jotkeeper/store"
)

// A change is one closure on its way through the writer.
type change struct {
	state atomic.Int32
	turn  chan *sqldb.Handle // the writer hands over the connection …
	back  chan outcome       // … and gets it back
	done  chan error         // what the caller is told, once
	outcome
}

// An outcome is what became of a closure: its error, or that it never returned
// (it panicked or ended its goroutine) and nobody waits for an answer.
type outcome struct {
	err  error
	gone bool
}

// The states of a change. Only one of taken and left ever follows.
const (
	queued int32 = iota
	taken        // it runs, and its caller waits for the truth
	left         // its caller gave up before: it never runs
)

func newChange() *change {
	return &change{turn: make(chan *sqldb.Handle, 1), back: make(chan outcome, 1), done: make(chan error, 1)}
}

func (c *change) take() bool  { return c.state.CompareAndSwap(queued, taken) }
func (c *change) leave() bool { return c.state.CompareAndSwap(queued, left) }

// do has f run in a transaction and returns what became of it. A caller whose
// context ends while its change waits gets an error and the change never runs;
// later the context is ignored, because a cancelled statement would undo the
// neighbours' changes as well.
func (w *writer) do(ctx context.Context, f func(context.Context, *sqldb.Handle) error) error {
	c := newChange()
	if err := w.enter(ctx, c); err != nil {
		return err
	}
	steady, gone := context.WithoutCancel(ctx), ctx.Done()
	for {
		select {
		case h := <-c.turn:
			c.run(steady, h, f)
		case err := <-c.done:
			return err
		case <-gone:
			if c.leave() {
				return gaveUp(ctx)
			}
			gone = nil
		}
	}
}

// run runs f and gives the connection back, even if f panics.
func (c *change) run(ctx context.Context, h *sqldb.Handle, f func(context.Context, *sqldb.Handle) error) {
	o := outcome{gone: true}
	defer func() { c.back <- o }()
	o.err = f(ctx, h)
	o.gone = false
}

func (w *writer) enter(ctx context.Context, c *change) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.over {
		return sqldb.Unavailable(sqldb.ErrClosed)
	}
	if ctx.Err() != nil {
		return gaveUp(ctx)
	}
	select {
	case w.queue <- c:
		return nil
	case <-ctx.Done():
		return gaveUp(ctx)
	}
}

func gaveUp(ctx context.Context) error {
	return fmt.Errorf("%w: the caller gave up waiting: %w", store.ErrUnavailable, context.Cause(ctx))
}
