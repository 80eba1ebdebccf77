package keyring_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
)

// A door is a store that can be shut: then a reading waits until it is told
// what came of it.
type door struct {
	keyring.Store
	shut  chan error
	reads atomic.Int32
}

func (d *door) Keys(ctx context.Context) ([]keyring.Record, error) {
	d.reads.Add(1)
	if d.shut == nil {
		return d.Store.Keys(ctx)
	}
	select {
	case err := <-d.shut:
		if err != nil {
			return nil, err
		}
		return d.Store.Keys(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer tells whoever reads by now.
func (d *door) answer(err error) {
	synctest.Wait()
	select {
	case d.shut <- err:
	default:
	}
}

// A crowd is what twenty are told who ask at once.
type crowd struct {
	told [20]error
	all  sync.WaitGroup
}

// gather returns when all twenty wait, or were told.
func gather(ask func() error) *crowd {
	c := &crowd{}
	for i := range c.told {
		c.all.Go(func() { c.told[i] = ask() })
	}
	synctest.Wait()
	return c
}

// hears wants each of them to be told the same.
func (c *crowd) hears(t *testing.T, want jwt.Reason) {
	t.Helper()
	c.all.Wait()
	for _, err := range c.told {
		if jwt.ReasonOf(err) != want || want == "" && err != nil {
			t.Errorf("one of twenty was told %v, want reason %q", err, want)
		}
	}
}

// suspended is a ring whose machine slept for eight hours, and its store, shut.
func suspended(t *testing.T) (*keyring.Ring, *door) {
	d := &door{Store: &shelf{}}
	r := open(t, time.Now(), config(d))
	<-time.After(8 * time.Hour)
	d.shut = make(chan error)
	d.reads.Store(0)
	return r, d
}

func signer(r *keyring.Ring) func() error {
	return func() error { _, err := trySign(r, time.Now()); return err }
}

// A machine wakes, and twenty tabs want a token at once: one of them reads the
// store, and the others wait for what it finds.
func TestSignersWaitForTheOneWhoReads(t *testing.T) {
	for what, c := range map[string]struct {
		answer error
		want   jwt.Reason
	}{"the store answers": {nil, ""}, "the store is down": {errDown, jwt.Unavailable}} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, d := suspended(t)
				tabs := gather(signer(r))
				d.answer(c.answer)
				tabs.hears(t, c.want)
				if n := d.reads.Load(); n != 1 {
					t.Errorf("the store was read %d times", n)
				}
			})
		})
	}
}

func TestSignersDoNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := suspended(t)
		asked := time.Now()
		gather(signer(r)).hears(t, jwt.Unavailable)
		if waited := time.Since(asked); waited != 2*time.Second {
			t.Errorf("a store that hangs made them wait %v, want 2 s", waited)
		}
	})
}

// A request with another node's new key has the store read and hangs up. That
// is read to its end for the twenty who wait by now: signers, and requests
// with the same key.
func TestWhoHangsUpReadsForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, d := suspended(t)
		there := open(t, time.Now(), config(d.Store))
		if err := there.Rotate(t.Context(), time.Now(), jwt.RS256); err != nil {
			t.Fatal(err)
		}
		kid := slices.DeleteFunc(published(there), func(kid string) bool { return slices.Contains(published(here), kid) })[0]
		missing := func(ctx context.Context) error { return here.Missing(ctx, time.Now(), kid) }

		ctx, hangUp := context.WithCancel(t.Context())
		go missing(ctx)
		synctest.Wait()
		tabs := gather(signer(here))
		requests := gather(func() error { return missing(t.Context()) })
		hangUp()
		d.answer(nil)
		tabs.hears(t, "")
		requests.hears(t, "")
		if n := d.reads.Load(); n != 1 {
			t.Errorf("the store was read %d times", n)
		}
	})
}

// What is read may be older than the question of those who wait for it: they
// do not hear that there is no such key.
func TestAKeyIsNotDeniedByAnOlderReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := suspended(t)
		requests := gather(func() error { return r.Missing(t.Context(), time.Now(), "k") })
		d.answer(nil)
		requests.all.Wait()
		told := map[jwt.Reason]int{}
		for _, err := range requests.told {
			told[jwt.ReasonOf(err)]++
		}
		if told[jwt.BadKey] != 1 || told[jwt.Unavailable] != 19 {
			t.Errorf("they were told %v, want one bad_key", told)
		}
	})
}
