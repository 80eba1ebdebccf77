package account_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
)

func TestRightPasswordOpens(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("Ada", phrase)
	got, err := o.logIn(" ADA ", phrase)
	if err != nil || got.ID != ada.ID || !got.LastLoginAt.Equal(noon) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if stored := o.row(ada.ID); stored.Revision != got.Revision || !stored.LastLoginAt.Equal(noon) || stored.Failures != 0 || stored.Credential != 1 {
		t.Errorf("returned %+v, kept %+v", got, stored)
	}
}

// Whoever does not know a password learns nothing about the account: the same
// error, for the same work. (Time is not measured here: work is counted.)
func TestA133NobodyTellsAStrangerFromAMember(t *testing.T) {
	o := newTown(t)
	o.signUp("ada", phrase)
	for name, change := range map[string]func(*account.Row){
		"locked":   func(r *account.Row) { r.Locked = true },
		"expired":  func(r *account.Row) { r.RequireNew = true },
		"deleted":  func(r *account.Row) { r.DeletedAt = noon },
		"unarmed":  func(r *account.Row) { r.Password = "" },
		"both":     func(r *account.Row) { r.Locked, r.RequireNew = true, true },
		"archived": func(r *account.Row) { r.Locked, r.DeletedAt = true, noon },
	} {
		o.edit(o.signUp(name, phrase).ID, change)
	}
	type work struct{ hashes, attempts, failed, looks, fails, forgives, swaps int64 }
	count := func() work {
		s := o.Stats()
		return work{int64(s.Hashes), int64(s.Attempts), int64(s.Failed), o.store.looks.Load(), o.store.fails.Load(), o.store.forgives.Load(), o.store.swaps.Load()}
	}
	for _, who := range []string{"ada", "locked", "expired", "deleted", "unarmed", "both", "archived", "nobody", "NOBODY", "no body at all"} {
		for _, guess := range []string{"wrong-password-1", "", strings.Repeat("x", 5000), "short"} {
			before := count()
			row, err := o.logIn(who, guess)
			after := count()
			if err != account.ErrFailed || row.ID != 0 {
				t.Errorf("%s with a wrong password: %+v, %v; want ErrFailed itself", who, row, err)
			}
			spent := work{
				after.hashes - before.hashes, after.attempts - before.attempts, after.failed - before.failed,
				after.looks - before.looks, after.fails - before.fails, after.forgives - before.forgives, after.swaps - before.swaps,
			}
			want := work{hashes: 1, attempts: 1, failed: 1, looks: 1, fails: 1}
			if who == "no body at all" {
				want.looks = 0 // its form is no secret
			}
			if spent != want {
				t.Errorf("%s with %.9q: the work is %+v, want %+v", who, guess, spent, want)
			}
		}
	}
}

func TestA133WhatIsSaidToTheOwner(t *testing.T) {
	o := newTown(t)
	for name, c := range map[string]struct {
		change func(*account.Row)
		want   error
	}{
		"locked":  {func(r *account.Row) { r.Locked = true }, account.ErrLocked},
		"expired": {func(r *account.Row) { r.RequireNew = true }, account.ErrExpired},
		"both":    {func(r *account.Row) { r.Locked, r.RequireNew = true, true }, account.ErrLocked},
		"deleted": {func(r *account.Row) { r.Locked, r.DeletedAt = true, noon }, account.ErrFailed},
		"unarmed": {func(r *account.Row) { r.Password = "" }, account.ErrFailed},
	} {
		id := o.signUp(name, phrase).ID
		o.edit(id, c.change)
		if row, err := o.logIn(name, phrase); !errors.Is(err, c.want) || row.ID != 0 {
			t.Errorf("%s: %+v, %v; want %v", name, row, err, c.want)
		}
		if r := o.row(id); !r.LastLoginAt.IsZero() {
			t.Errorf("%s: a login is written down: %+v", name, r)
		}
	}
}

func TestA134SignUpCostsTheSameForATakenName(t *testing.T) {
	o := newTown(t)
	o.signUp("ada", phrase)
	for _, name := range []string{"ada", "grace"} {
		before := o.Stats().Hashes
		if _, err := o.Prepare(t.Context(), noon, name, phrase); err != nil {
			t.Errorf("%s: %v; whether it is taken is for Insert to say", name, err)
		}
		if n := o.Stats().Hashes - before; n != 1 {
			t.Errorf("%s costs %d hashes", name, n)
		}
	}
}

// Every guess is on the books before its answer is known, so however many come
// at once, none is judged without being counted.
func TestA136ParallelGuessesAreAllCountedBeforeTheyAreJudged(t *testing.T) {
	o := newTown(t, func(c *account.Config) { c.Queue = 200 })
	ada := o.signUp("ada", phrase)
	hashesBefore := int64(o.Stats().Hashes)
	o.store.before = func(call string) error {
		if judged := int64(o.Stats().Hashes) - hashesBefore; call == "Fail" && judged >= o.store.fails.Load() {
			t.Errorf("%d judged, %d counted", judged, o.store.fails.Load())
		}
		return nil
	}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := o.logIn("ada", "not-her-password"); !errors.Is(err, account.ErrFailed) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if r := o.row(ada.ID); r.Failures != 100 || !r.FailedAt.Equal(noon) {
		t.Errorf("%d of 100 guesses on the books, the last at %v", r.Failures, r.FailedAt)
	}
}

func TestA136NothingIsJudgedThatCannotBeCounted(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	down := errors.New("the store is down")
	o.store.before = func(call string) error {
		if call == "Fail" {
			return down
		}
		return nil
	}
	hashes := o.Stats().Hashes
	for _, who := range []string{"ada", "nobody"} {
		if _, err := o.logIn(who, phrase); !errors.Is(err, down) {
			t.Errorf("%s: %v", who, err)
		}
	}
	if _, err := o.PrepareChange(t.Context(), noon, ada, phrase, "another-good-one"); !errors.Is(err, down) {
		t.Errorf("change: %v", err)
	}
	if n := o.Stats().Hashes - hashes; n != 0 {
		t.Errorf("%d passwords judged", n)
	}
}

func TestA137EveryDoorSharesOneCounter(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	for i := range 3 {
		_, _ = o.logIn("ada", "wrong-at-login")
		if _, err := o.PrepareChange(t.Context(), noon, ada, "wrong-at-change", "another-good-one"); !errors.Is(err, account.ErrFailed) {
			t.Fatalf("got %v", err)
		}
		if n := o.row(ada.ID).Failures; n != 2*(i+1) {
			t.Fatalf("%d failures after %d", n, 2*(i+1))
		}
	}
	if _, err := o.logIn("ada", phrase); err != nil || o.row(ada.ID).Failures != 0 {
		t.Errorf("%v; %d failures after a right one", err, o.row(ada.ID).Failures)
	}
}

func TestA141OnesOwnLoginForgivesNobodyElse(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	o.signUp("eve", phrase)
	for range 5 {
		_, _ = o.logIn("ada", "guess-of-eve")
		if _, err := o.logIn("eve", phrase); err != nil {
			t.Fatal(err)
		}
	}
	if n := o.row(ada.ID).Failures; n != 5 {
		t.Errorf("%d of 5 guesses are left on Ada's account", n)
	}
}

// A guess that comes between the count and the pardon of a login stays counted.
func TestA141ALoginForgivesOnlyItself(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	once := sync.OnceFunc(func() { _, _ = o.store.Store.Fail(t.Context(), ada.ID, noon) })
	o.store.before = func(call string) error {
		if call == "Forgive" {
			once()
		}
		return nil
	}
	if _, err := o.logIn("ada", phrase); err != nil {
		t.Fatal(err)
	}
	if n := o.row(ada.ID).Failures; n == 0 {
		t.Error("the guess beside the login is forgiven with it")
	}
}

func TestA142FailuresLockNobodyOut(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	for range 200 {
		_, _ = o.logIn("ada", "guess-of-eve")
	}
	if n := o.row(ada.ID).Failures; n != 200 {
		t.Errorf("%d failures shown", n)
	}
	if _, err := o.logIn("ada", phrase); err != nil {
		t.Errorf("Ada herself: %v", err)
	}
}

func TestLoginBringsTheHashUpToDate(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	strong, err := account.New(account.Config{Store: o.store, Hash: account.Params{Memory: 16, Time: 2, Threads: 1}, InsecureHash: true})
	if err != nil {
		t.Fatal(err)
	}
	defer strong.Close()
	if _, err := strong.Authenticate(t.Context(), noon, "ada", "wrong-password"); !errors.Is(err, account.ErrFailed) || strong.Stats().Rehashed != 0 {
		t.Fatalf("a wrong password: %v, %+v", err, strong.Stats())
	}
	got, err := strong.Authenticate(t.Context(), noon, "ada", phrase)
	if err != nil || !strings.HasPrefix(got.Password, "$argon2id$v=19$m=16,t=2,p=1$") || got.Credential != ada.Credential {
		t.Fatalf("got %+v, %v", got, err)
	}
	if o.row(ada.ID).Password != got.Password || strong.Stats().Rehashed != 1 {
		t.Errorf("kept %+v; %+v", o.row(ada.ID), strong.Stats())
	}
	again, err := strong.Authenticate(t.Context(), noon, "ada", phrase)
	if err != nil || again.Password != got.Password || strong.Stats().Hashes != 4 {
		t.Errorf("the next login: %v, %+v", err, strong.Stats())
	}
}

// What changes an account between the judgement and the login's own write wins.
func TestAChangeBesideALoginWins(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*account.Row)
		want   error
	}{
		"another password": {func(r *account.Row) {
			r.Password = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		}, account.ErrFailed},
		"a lock":     {func(r *account.Row) { r.Locked = true }, account.ErrLocked},
		"an expiry":  {func(r *account.Row) { r.RequireNew = true }, account.ErrExpired},
		"a deletion": {func(r *account.Row) { r.DeletedAt = noon }, account.ErrFailed},
		"new rights": {func(r *account.Row) { r.Scope = "read" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := newTown(t)
			id := o.signUp("ada", phrase).ID
			once := sync.OnceFunc(func() { o.edit(id, c.change) })
			o.store.before = func(call string) error {
				if call == "Swap" {
					once()
				}
				return nil
			}
			got, err := o.logIn("ada", phrase)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			want := account.Row{}
			c.change(&want)
			if r := o.row(id); r.Scope != want.Scope || r.Locked != want.Locked || (want.Password != "" && r.Password != want.Password) {
				t.Errorf("the change is lost: %+v", r)
			}
			if err == nil && got.Scope != "read" {
				t.Errorf("the login hands out old rights: %+v", got)
			}
		})
	}
}

func TestStoreTroubleIsNoWrongPassword(t *testing.T) {
	o := newTown(t)
	o.signUp("ada", phrase)
	down := errors.New("the store is down")
	for _, broken := range []string{"FindIdentifier", "Fail", "Forgive", "Swap"} {
		o.store.before = func(call string) error {
			if call == broken {
				return down
			}
			return nil
		}
		if _, err := o.logIn("ada", phrase); !errors.Is(err, down) || account.Fields(err) != nil {
			t.Errorf("%s: %v", broken, err)
		}
	}
	conflict := 0
	o.store.before = func(call string) error {
		if call == "Swap" {
			conflict++
			return account.ErrConflict
		}
		return nil
	}
	if _, err := o.logIn("ada", phrase); !errors.Is(err, account.ErrConflict) || conflict != 4 {
		t.Errorf("a row that never holds still: %v after %d tries", err, conflict)
	}
}

// The pool has room for one at work and one that waits; the third is told at once.
func TestFloodIsTurnedAway(t *testing.T) {
	o := newTown(t, func(c *account.Config) { c.Workers, c.Queue = 1, 1 })
	o.signUp("ada", phrase)
	entered, proceed := make(chan struct{}), make(chan struct{})
	var gate atomic.Int64
	o.store.before = func(call string) error {
		if call == "Fail" && gate.Add(1) <= 2 {
			entered <- struct{}{}
			<-proceed
		}
		return nil
	}
	var inside sync.WaitGroup
	for range 2 {
		inside.Go(func() {
			if _, err := o.logIn("ada", phrase); err != nil {
				t.Error(err)
			}
		})
		<-entered
	}
	hashes, looks := o.Stats().Hashes, o.store.looks.Load()
	_, err := o.logIn("ada", phrase)
	if !errors.Is(err, account.ErrBusy) {
		t.Errorf("a third login: %v", err)
	}
	if _, err := o.Prepare(t.Context(), noon, "grace", phrase); !errors.Is(err, account.ErrBusy) {
		t.Errorf("a sign-up: %v", err)
	}
	if _, err := o.PrepareChange(t.Context(), noon, account.Row{ID: 1}, phrase, phrase); !errors.Is(err, account.ErrBusy) {
		t.Errorf("a change: %v", err)
	}
	if s := o.Stats(); s.Refused != 3 || s.Inside != 2 || s.Hashes != hashes || o.store.looks.Load() != looks {
		t.Errorf("turning away costs something: %+v", s)
	}
	close(proceed)
	inside.Wait()
	o.store.before = nil
	if _, err := o.logIn("ada", phrase); err != nil || o.Stats().Inside != 0 {
		t.Errorf("afterwards: %v, %+v", err, o.Stats())
	}
}

func TestWhoGivesUpWaitingCostsNoHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newTown(t, func(c *account.Config) { c.Workers = 1 })
		ada := o.signUp("ada", phrase)
		free := o.Occupy()
		hashes := o.Stats().Hashes
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := o.Authenticate(ctx, noon, "ada", phrase); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if _, err := o.Authenticate(ctx, noon, "ada", phrase); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if s := o.Stats(); s.Hashes != hashes || s.Inside != 0 || o.row(ada.ID).Failures == 0 {
			t.Errorf("%+v, %d failures", s, o.row(ada.ID).Failures)
		}
		free()
	})
}

func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newTown(t, func(c *account.Config) { c.Workers = 1 })
		o.signUp("ada", phrase)
		free := o.Occupy()
		answered, closed := make(chan error, 1), make(chan struct{})
		go func() {
			_, err := o.logIn("ada", phrase)
			answered <- err
		}()
		synctest.Wait()
		go func() {
			o.Close()
			close(closed)
		}()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed while somebody waits")
		default:
		}
		if _, err := o.logIn("ada", phrase); !errors.Is(err, account.ErrBusy) {
			t.Errorf("after Close began: %v", err)
		}
		free()
		if err := <-answered; err != nil {
			t.Errorf("who was inside: %v", err)
		}
		<-closed
	})
}

func TestConfigurationErrorsComeAtOnce(t *testing.T) {
	_, err := account.New(account.Config{Workers: -1, MinLength: 7, Hash: account.Params{Memory: 7, Time: 99, Threads: 1}})
	for _, says := range []string{"no Store", "Workers -1", "MinLength 7", "Memory up to", "weaker than"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not in: %v", says, err)
		}
	}
	o := newTown(t)
	if _, err := account.New(account.Config{Store: o.store, Hash: cheap}); err == nil {
		t.Error("cheap hashes are accepted without being called insecure")
	}
	if _, err := account.New(account.Config{Store: o.store}); err != nil {
		t.Errorf("defaults: %v", err)
	}
}
