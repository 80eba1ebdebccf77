package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// How often a server looks after itself. Rules of other processes come at once,
// by the store's own wake-up.
const (
	followHead = 250 * time.Millisecond // whether the log went back to an older state
	followKeys = 500 * time.Millisecond // what other processes did to the keys
	lookAtDisk = 10 * time.Second       // whether the rules could be saved
	sweepEach  = 10 * time.Minute       // what is over and has been explained long enough
)

// keepUp starts what runs beside the requests. stop ends it, Wait waits for the end.
func (h *house) keepUp(ctx context.Context, log *slog.Logger) (chores *sync.WaitGroup, stop func()) {
	ctx, stop = context.WithCancel(ctx)
	chores = &sync.WaitGroup{}
	keeping, kept := context.WithCancel(context.WithoutCancel(ctx))
	chores.Go(func() {
		defer kept()
		_ = revocation.Follow(ctx, h.backend.Set().Revocations, h.index)
		h.readOut(keeping)
	})
	chores.Go(func() { h.disk.Keep(keeping) })
	chores.Go(func() { h.keys.Run(ctx) })
	chores.Go(func() { h.clock.Run(ctx) })
	chores.Go(func() {
		each(ctx, followHead, func(now time.Time) error {
			return h.watchHead(ctx, now, func(text string) { log.Warn(text) })
		}, quiet(log, "log"))
	})
	chores.Go(func() {
		each(ctx, followKeys, func(now time.Time) error { return h.keys.Reload(ctx, now) }, quiet(log, "keys"))
	})
	chores.Go(func() {
		each(ctx, lookAtDisk, func(time.Time) error { return h.saved() }, quiet(log, "rules"))
	})
	chores.Go(func() {
		each(ctx, sweepEach, func(now time.Time) error { return h.sweep(ctx, now) }, quiet(log, "sweep"))
	})
	return chores, stop
}

// readOut reads the log to its end, so that what is saved last knows how far it
// goes: a rule of the last moment is in force here before it was read.
func (h *house) readOut(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = revocation.CatchUp(ctx, h.backend.Set().Revocations, h.index) // else the next start reads more
}

// each calls do again and again until ctx ends.
func each(ctx context.Context, every time.Duration, do func(now time.Time) error, report func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if err := do(now); ctx.Err() == nil {
				report(err)
			}
		}
	}
}

// quiet logs a trouble when it begins and when it is over, not at every turn.
func quiet(log *slog.Logger, chore string) func(error) {
	var last string
	return func(err error) {
		switch {
		case err == nil && last != "":
			log.Info("chore: well again", "chore", chore)
			last = ""
		case err != nil && err.Error() != last:
			last = err.Error()
			log.Error("chore: failed, will be tried again", "chore", chore, "error", last)
		}
	}
}

// saved tells why the rules could not be saved.
func (h *house) saved() error {
	if why := h.disk.Stats().Trouble; why != "" {
		return errors.New(why)
	}
	return nil
}

// sweep removes what is over.
func (h *house) sweep(ctx context.Context, now time.Time) error {
	_, err := h.sessions.Sweep(ctx, now)
	_, cerr := h.backend.Set().Revocations.Compact(ctx, now)
	h.index.Sweep(now)
	return errors.Join(err, cerr)
}

// caughtUp waits until every rule in the store is in force here, and can be
// followed: a server that answered before would let a revoked token pass, and
// send followers away.
func (h *house) caughtUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for h.index.Stale(time.Now()) || h.feed.Ready() != nil {
		select {
		case <-ctx.Done():
			return fail(exitOutside, "the revocation rules cannot be read from "+h.set.databasePath(), "jotkeeper doctor")
		case <-look.C:
		}
	}
	return nil
}
