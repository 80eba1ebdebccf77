package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

// Backend checks every contract of a backend and its transactions. open returns
// an empty backend; the suite closes it.
func Backend(t *testing.T, open func(t *testing.T) store.Backend) {
	for _, p := range slices.Concat(accountPromises, keyPromises, oneTimePromises, sessionPromises, keeperPromises, revocationPromises, togetherPromises) {
		t.Run(p.name, func(t *testing.T) {
			b := open(t)
			defer b.Close()
			p.report(t, &check{backend: b, set: b.Set()})
		})
	}
}

// Accounts checks an account.Store. open returns an empty one.
func Accounts(t *testing.T, open func(t *testing.T) account.Store) {
	some(t, accountPromises, func(t *testing.T) store.Set { return store.Set{Accounts: open(t)} })
}

// Keys checks a keyring.Store. open returns an empty one.
func Keys(t *testing.T, open func(t *testing.T) keyring.Store) {
	some(t, keyPromises, func(t *testing.T) store.Set { return store.Set{Keys: open(t)} })
}

// OneTimes checks a onetime.Store. open returns an empty one.
func OneTimes(t *testing.T, open func(t *testing.T) onetime.Store) {
	some(t, oneTimePromises, func(t *testing.T) store.Set { return store.Set{OneTimes: open(t)} })
}

// Sessions checks a session.Store with the log that it appends to. open
// returns an empty pair.
func Sessions(t *testing.T, open func(t *testing.T) (session.Store, revocation.Log)) {
	some(t, sessionPromises, func(t *testing.T) store.Set {
		s, l := open(t)
		return store.Set{Sessions: s, Revocations: l}
	})
}

// Keepers checks a keeper.Store with the log that it looks at. open returns an
// empty pair.
func Keepers(t *testing.T, open func(t *testing.T) (keeper.Store, revocation.Log)) {
	some(t, keeperPromises, func(t *testing.T) store.Set {
		k, l := open(t)
		return store.Set{Keepers: k, Revocations: l}
	})
}

// Revocations checks a revocation.Log. open returns an empty one.
func Revocations(t *testing.T, open func(t *testing.T) revocation.Log) {
	some(t, revocationPromises, func(t *testing.T) store.Set { return store.Set{Revocations: open(t)} })
}

func some(t *testing.T, promises []promise, open func(t *testing.T) store.Set) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.report(t, &check{set: open(t)}) })
	}
}

// A promise is one sentence of a contract with a way to find out.
type promise struct {
	name     string // contract/what
	sentence string
	keep     func(c *check)
}

func (p promise) report(t *testing.T, c *check) {
	t.Helper()
	if err := p.broken(c); err != nil {
		t.Errorf("a promise of %s is broken:\n\t%s\nbut: %v", p.name, p.sentence, err)
	}
}

// broken runs the promise and returns how it was broken, nil if it was kept.
func (p promise) broken(c *check) error {
	// A call that hangs fails here instead of hanging the suite.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c.ctx = ctx
	return attempt(func() { p.keep(c) })
}

// A check is one run of a promise. Its methods end the run when they find it
// broken.
type check struct {
	ctx     context.Context
	backend store.Backend // nil when a contract is checked alone
	set     store.Set
}

// A finding ends a check.
type finding struct{ error }

func attempt(f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			found, ok := v.(finding)
			if !ok {
				panic(v)
			}
			err = found.error
		}
	}()
	f()
	return nil
}

func (c *check) fail(format string, args ...any) { panic(finding{fmt.Errorf(format, args...)}) }

func (c *check) that(ok bool, format string, args ...any) {
	if !ok {
		c.fail(format, args...)
	}
}

func (c *check) must(err error, doing string) {
	c.that(err == nil, "%s: %v", doing, err)
}

// wants demands an error of a kind.
func (c *check) wants(err, want error, doing string) {
	c.that(errors.Is(err, want), "%s gave the error %v, want %v", doing, err, want)
}

func (c *check) equal(got, want any, what string) {
	c.that(reflect.DeepEqual(got, want), "%s is\n\t%+v\nwant\n\t%+v", what, got, want)
}

// beside runs f on n goroutines at once and returns their errors, by number.
func (c *check) beside(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWinner demands that exactly one succeeded and the others lost to it.
func (c *check) oneWinner(errs []error, lost error) {
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		c.wants(err, lost, "losing the race")
	}
	c.that(won == 1, "%d of %d won the race, want 1", won, len(errs))
}

// at is a moment on a made-up evening, in whole microseconds as stores keep it.
func at(d time.Duration) time.Time {
	return time.Date(2030, 5, 17, 20, 15, 0, 123456000, time.UTC).Add(d)
}
