package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

var errOnPurpose = errors.New("on purpose")

var togetherPromises = []promise{
	{"together/epoch", "An epoch that is opened in a transaction that fails was not opened, and its rules are where they were.", func(c *check) {
		sub := jti("ada")
		sub.Scope = revocation.ScopeSubject
		head := c.append(jti("a"), sub)
		rules := c.read(revocation.Cursor{}, 9)
		err := c.backend.Together(c.ctx, func(tx store.Set) error {
			if _, _, err := tx.Revocations.NewEpoch(c.ctx, head.Epoch+1); err != nil {
				return err
			}
			return errOnPurpose
		})
		c.wants(err, errOnPurpose, "the transaction")
		c.equal(c.head(), head, "the head")
		c.equal(c.read(revocation.Cursor{}, 9), rules, "the rules")
	}},
	{"together/all", "Together runs f in one transaction over all contracts; f sees what it did.", func(c *check) {
		c.must(c.backend.Together(c.ctx, func(tx store.Set) error {
			in := c.within(tx)
			id := in.register(person("ada"))
			in.account(id)
			in.must(tx.Keys.Insert(c.ctx, signingKey("a", 1)), "inserting a key")
			in.insert(login("s1"))
			in.rotates(renewal("old", "new"))
			last := in.append(jti("a"))
			_, head, err := tx.Sessions.Find(c.ctx, "s1")
			in.must(err, "finding")
			in.equal(head, last, "the head inside")
			return nil
		}), "changing everything")
		c.rotated("old")
		c.that(len(c.listed(0, 9)) == 1 && len(c.keys()) == 1 && c.session("s1").Revision == 1 && c.head().Seq == 1, "something is missing afterwards")
	}},
	{"together/error", "An error of f undoes what it did and is returned as it is.", func(c *check) {
		id, head := c.register(person("ada")), c.append(jti("before"))
		c.insert(login("s1"))
		renewed := c.rotates(renewal("kept", "after"))
		err := c.backend.Together(c.ctx, func(tx store.Set) error {
			in := c.within(tx)
			in.register(person("bob"))
			in.must(tx.Accounts.Swap(c.ctx, in.account(id), person("eve")), "swapping")
			in.failed(id, at(0))
			in.must(tx.Keys.Insert(c.ctx, signingKey("a", 1)), "inserting a key")
			in.insert(login("s2"))
			in.rotates(renewal("old", "new"))
			_, err := tx.Keepers.Rekey(c.ctx, "kept", "key 1", "key 2")
			in.must(err, "replacing a key")
			in.end(session.Ending{Account: "ada", Epoch: true, Reason: "logout", Now: at(0), Until: at(time.Hour)})
			_, err = tx.Revocations.Compact(c.ctx, at(1000*time.Hour))
			in.must(err, "compacting")
			_, err = tx.Keepers.Sweep(c.ctx, at(1000*time.Hour))
			in.must(err, "sweeping renewals")
			_, err = tx.Sessions.Sweep(c.ctx, at(1000*time.Hour))
			in.must(err, "sweeping")
			return errOnPurpose
		})
		c.that(err == errOnPurpose, "it returned %v", err)
		c.equal(c.account(id).Identifier, "ada", "the identifier")
		c.equal(c.account(id).Failures, 0, "the count of failures")
		_, err = c.set.Accounts.FindIdentifier(c.ctx, "bob")
		c.wants(err, account.ErrNotFound, "finding an account that was undone")
		c.that(len(c.keys()) == 0, "a key is left")
		c.equal(c.rotated("kept"), renewed, "the renewal")
		_, err = c.set.Keepers.Rotated(c.ctx, "old")
		c.wants(err, keeper.ErrNotFound, "looking up a renewal that was undone")
		c.gone("s2")
		c.equal(c.session("s1").State, session.Active, "the state of the session")
		c.equal(c.epoch("ada"), int64(0), "the epoch")
		c.equal(c.head(), head, "the head")
		c.equal(len(c.rules(revocation.Cursor{})), 1, "the number of rules")
	}},
	{"together/call", "A call that fails inside Together leaves nothing behind, even if f goes on.", func(c *check) {
		c.insert(login("p"))
		head := c.head()
		c.must(c.backend.Together(c.ctx, func(tx store.Set) error {
			in := c.within(tx)
			_, err := tx.Sessions.Insert(c.ctx, child("c1", "p"), 0, session.Cap{Limit: 1})
			in.wants(err, session.ErrConflict, "a child under a cap of 1")
			_, _, err = tx.Sessions.End(c.ctx, session.Ending{Account: "ada", Epoch: true, Rules: []revocation.Rule{{}}})
			in.wants(err, revocation.ErrBadRule, "ending with a bad rule")
			in.gone("c1")
			in.register(person("ada"))
			return nil
		}), "going on after errors")
		c.gone("c1")
		c.that(c.session("p").State == session.Active && c.epoch("ada") == 0 && c.head() == head, "a failed call left something behind")
		c.equal(len(c.listed(0, 9)), 1, "the number of accounts")
	}},
	{"together/panic", "A panic of f undoes what it did, and nothing else.", func(c *check) {
		errs := c.beside(32, func(i int) (err error) {
			defer func() {
				if v := recover(); v != nil && v != any(errOnPurpose) {
					err = fmt.Errorf("the caller saw the panic %v", v)
				}
			}()
			return c.backend.Together(c.ctx, func(tx store.Set) error {
				_, err := tx.Accounts.Insert(c.ctx, person(fmt.Sprint("p", i)))
				if i%4 == 0 {
					panic(errOnPurpose)
				}
				return err
			})
		})
		for _, err := range errs {
			c.must(err, "a neighbour of a panic")
		}
		c.equal(len(c.listed(0, 99)), 24, "the number of accounts")
	}},
	{"together/neighbours", "What fails undoes only itself, whoever else is changing something at that moment.", func(c *check) {
		errs := c.beside(64, func(i int) error {
			return c.backend.Together(c.ctx, func(tx store.Set) error {
				_, err := tx.Accounts.Insert(c.ctx, person(fmt.Sprint("p", i/2)))
				if err == nil && i%8 > 5 {
					err = errOnPurpose
				}
				return err
			})
		})
		done := 0
		for _, err := range errs {
			if err == nil {
				done++
				continue
			}
			c.that(errors.Is(err, account.ErrTaken) || err == errOnPurpose, "one failed with %v", err)
		}
		c.equal(len(c.listed(0, 99)), done, "the number of accounts")
		c.that(done == 24, "%d succeeded, want 24", done)
	}},
	{"together/cancelled", "A caller that gives up harms nobody else: it is done or it never was, and what it is told is the truth.", func(c *check) {
		told := make([]error, 64)
		for i, err := range c.beside(64, func(i int) error {
			ctx, stop := context.WithCancel(c.ctx)
			defer stop()
			err := c.backend.Together(ctx, func(tx store.Set) error {
				_, err := tx.Accounts.Insert(ctx, person(fmt.Sprint("p", i)))
				if i%2 == 0 {
					stop() // in the middle of it
				}
				if err == nil {
					_, err = tx.Accounts.List(ctx, 0, 1)
				}
				return err
			})
			if i%2 == 0 {
				told[i] = err
				return nil
			}
			return err
		}) {
			c.must(err, fmt.Sprint("neighbour ", i, " of a caller that gave up"))
		}
		for i, err := range told {
			_, found := c.set.Accounts.FindIdentifier(c.ctx, fmt.Sprint("p", i))
			c.that((err == nil) == (found == nil), "caller %d was told %v, and finding gives %v", i, err, found)
		}
	}},
	{"together/too-late", "A caller whose context has ended gets its error, and f does not run.", func(c *check) {
		ctx, stop := context.WithCancel(c.ctx)
		stop()
		ran := false
		err := c.backend.Together(ctx, func(store.Set) error { ran = true; return nil })
		c.wants(err, context.Canceled, "a change after the end of its context")
		c.wants(err, store.ErrUnavailable, "a change after the end of its context")
		c.that(!ran, "f ran")
	}},
	{"together/queued", "A caller whose context ends while it waits for its turn gets its error, and f does not run.", func(c *check) {
		inside, leave := make(chan struct{}), make(chan struct{})
		first := make(chan error, 1)
		go func() {
			first <- c.backend.Together(c.ctx, func(store.Set) error {
				close(inside)
				<-leave
				return nil
			})
		}()
		<-inside
		ctx, stop := context.WithCancel(c.ctx)
		ran, second := false, make(chan error, 1)
		go func() {
			second <- c.backend.Together(ctx, func(store.Set) error { ran = true; return nil })
		}()
		stop()
		err := <-second
		close(leave)
		c.must(<-first, "the one who was in the way")
		c.wants(err, context.Canceled, "giving up")
		c.that(!ran, "f ran")
	}},
	{"together/sequence", "A transaction that fails takes no sequence number: the log stays dense.", func(c *check) {
		start := c.head()
		errs := c.beside(40, func(i int) error {
			return c.backend.Together(c.ctx, func(tx store.Set) error {
				if _, err := tx.Revocations.Append(c.ctx, at(0), jti(fmt.Sprint(i))); err != nil || i%2 == 0 {
					return errors.Join(err, errOnPurpose)
				}
				return nil
			})
		})
		for i, err := range errs {
			c.that((err == nil) == (i%2 == 1), "change %d gave %v", i, err)
		}
		for i, e := range c.read(start, 99) {
			c.equal(e.Cursor, place(start, uint64(i+1)), "a cursor")
		}
		c.equal(c.head(), place(start, 20), "the head")
	}},
	{"together/wake", "Wait returns after a transaction that appended.", func(c *check) {
		start := c.head()
		woken := make(chan error, 1)
		go func() { woken <- c.set.Revocations.Wait(c.ctx, start) }()
		c.must(c.backend.Together(c.ctx, func(tx store.Set) error {
			_, err := tx.Revocations.Append(c.ctx, at(0), jti("a"))
			return err
		}), "appending")
		c.must(<-woken, "waiting")
	}},
	{"backend/ping", "Ping tells whether the backend answers.", func(c *check) {
		c.must(c.backend.Ping(c.ctx), "an open backend")
		c.must(c.backend.Close(), "closing")
		c.wants(c.backend.Ping(c.ctx), store.ErrUnavailable, "a closed backend")
	}},
	{"backend/A185-closed", "Every error of a backend that is closed wraps ErrUnavailable; Close ends every Wait; closing twice is no error.", func(c *check) {
		woken := make(chan error, 1)
		head := c.head()
		go func() { woken <- c.set.Revocations.Wait(c.ctx, head) }()
		c.must(c.backend.Close(), "closing")
		c.wants(<-woken, store.ErrUnavailable, "Wait")
		c.must(c.backend.Close(), "closing again")
		for doing, err := range c.everyCall() {
			c.wants(err, store.ErrUnavailable, doing)
		}
	}},
}

// within is a check of the contracts inside a transaction.
func (c *check) within(tx store.Set) *check { return &check{ctx: c.ctx, set: tx} }

// everyCall makes each call of each contract once.
func (c *check) everyCall() map[string]error {
	a, k, s, r, l := c.set.Accounts, c.set.Keys, c.set.Sessions, c.set.Keepers, c.set.Revocations
	errs := map[string]error{}
	_, errs["Accounts.Insert"] = a.Insert(c.ctx, person("x"))
	_, errs["Accounts.Find"] = a.Find(c.ctx, 1)
	_, errs["Accounts.FindIdentifier"] = a.FindIdentifier(c.ctx, "x")
	errs["Accounts.Swap"] = a.Swap(c.ctx, person("x"), person("x"))
	_, errs["Accounts.List"] = a.List(c.ctx, 0, 1)
	_, errs["Accounts.Fail"] = a.Fail(c.ctx, 1, at(0))
	errs["Accounts.Forgive"] = a.Forgive(c.ctx, 1, 1)
	_, errs["Keys.Keys"] = k.Keys(c.ctx)
	errs["Keys.Insert"] = k.Insert(c.ctx, signingKey("a", 1))
	errs["Keys.Swap"] = k.Swap(c.ctx, signingKey("a", 1), signingKey("a", 1))
	_, errs["Keys.Sweep"] = k.Sweep(c.ctx, at(0))
	_, errs["Sessions.Epoch"] = s.Epoch(c.ctx, "ada")
	_, errs["Sessions.Insert"] = s.Insert(c.ctx, login("x"), 0, session.Cap{})
	_, _, errs["Sessions.Find"] = s.Find(c.ctx, "x")
	errs["Sessions.Swap"] = s.Swap(c.ctx, login("x"), login("x"))
	_, _, errs["Sessions.End"] = s.End(c.ctx, session.Ending{Account: "ada"})
	_, errs["Sessions.List"] = s.List(c.ctx, "ada", at(0))
	_, errs["Sessions.Sweep"] = s.Sweep(c.ctx, at(0))
	_, errs["Keepers.Rotate"] = r.Rotate(c.ctx, renewal("old", "new"), revocation.Query{})
	_, errs["Keepers.Rotated"] = r.Rotated(c.ctx, "old")
	_, errs["Keepers.Rekey"] = r.Rekey(c.ctx, "old", "key 1", "key 2")
	_, errs["Keepers.Sweep"] = r.Sweep(c.ctx, at(0))
	_, errs["Revocations.Head"] = l.Head(c.ctx)
	_, errs["Revocations.Read"] = l.Read(c.ctx, revocation.Cursor{}, 1)
	errs["Revocations.Wait"] = l.Wait(c.ctx, revocation.Cursor{})
	_, errs["Revocations.Append"] = l.Append(c.ctx, at(0), jti("a"))
	_, errs["Revocations.State"] = l.State(c.ctx, at(0), revocation.ScopeToken, "a")
	_, errs["Revocations.Compact"] = l.Compact(c.ctx, at(0))
	errs["Together"] = c.backend.Together(c.ctx, func(store.Set) error { return nil })
	return errs
}
