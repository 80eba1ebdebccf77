package revocation

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	beat      = 500 * time.Millisecond // longest time without a Read: Wait is only a hint
	breath    = 5 * time.Millisecond   // after a Wait that woke for nothing
	backoff   = 50 * time.Millisecond  // after the first failure, then doubled
	maxWait   = time.Second            // between two failures at most
	sweepEach = time.Minute
)

// Follow keeps an index up with a source: it reads, merges, waits, and reads
// again. It returns only when ctx ends, with ctx's error.
//
// Trouble at the source never ends it and never takes a rule out of the index:
// it asks again, at least once a second, while the index grows [Index.Stale].
// A source that no longer knows the index's cursor (ErrSnapshotRequired: a new
// epoch, a restored backup, a long absence) is read from the start and merged.
// An index that was loaded goes on from where it was saved.
func Follow(ctx context.Context, src Source, x *Index) error {
	f := follower{reading: reading{src: src, index: x, owner: true}, fresh: x.Cursor() == (Cursor{})}
	defer f.sweeps.Wait()
	pause := time.Duration(0)
	for ctx.Err() == nil {
		if err := f.round(ctx); err != nil && ctx.Err() == nil {
			x.counts.failures.Add(1)
			pause = min(max(2*pause, backoff), maxWait)
			sleep(ctx, pause)
			continue
		}
		pause = 0
	}
	return ctx.Err()
}

type follower struct {
	reading
	fresh bool      // nothing was read yet, or all of it must be read again
	swept time.Time // when rules were last swept

	sweeps sync.WaitGroup // they go on beside the reading

	hinted bool // the last Wait said that there may be more
}

// round reads until there is nothing more, then waits for more.
func (f *follower) round(ctx context.Context) error {
	now, before := time.Now(), f.index.Cursor()
	f.sweep(now)
	if err := f.toEnd(ctx); err != nil {
		return err
	}
	f.index.Heard(now)
	return f.wait(ctx, f.index.Cursor() == before)
}

func (f *follower) toEnd(ctx context.Context) (err error) {
	if f.fresh {
		err = f.all(ctx)
		f.fresh = err != nil
		return err
	}
	err = f.rest(ctx, f.index.Cursor())
	f.fresh = errors.Is(err, ErrSnapshotRequired)
	return err
}

// wait returns when there may be more to read, after a beat at the latest. A
// source that wakes for nothing is given a breath, lest the two spin.
func (f *follower) wait(ctx context.Context, idle bool) error {
	if idle && f.hinted {
		sleep(ctx, breath)
	}
	bound, cancel := context.WithTimeout(ctx, beat)
	defer cancel()
	err := f.src.Wait(bound, f.index.Cursor())
	f.hinted = err == nil
	if bound.Err() != nil {
		return nil
	}
	return err
}

// sweep forgets old rules now and then. A clock that stands before the last
// sweep was wrong then, so what was forgotten may still be needed: everything
// is read again.
func (f *follower) sweep(now time.Time) {
	if f.index.SweptAfter(now) {
		f.fresh = true
	}
	if since := now.Sub(f.swept); since >= sweepEach {
		f.swept = now
		f.sweeps.Go(func() { f.index.Sweep(now) })
	}
}

// Reached notes that the index holds every rule up to a cursor, as whoever
// follows for it has read them. A source that lost its end moves it back.
func (x *Index) Reached(c Cursor) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.place(c)
	x.holey = false
}

// Advance is Reached for who reads beside a follower: the cursor never moves back.
func (x *Index) Advance(c Cursor) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.Cursor().Before(c) {
		x.place(c)
	}
}

// SweptAfter tells, once, whether rules were swept by a clock ahead of now:
// whoever follows for the index then reads everything again, and until it says
// what it has Reached nothing is saved. A sweep that still goes on by that clock
// ends first, lest it take away what is read again.
func (x *Index) SweptAfter(now time.Time) bool {
	if !x.sweptLater(now) {
		return false
	}
	x.sweeping.Lock()
	defer x.sweeping.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.swept, x.holey = now.Round(0), true
	return true
}

func (x *Index) sweptLater(now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.swept.After(now.Round(0))
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
