package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

var evening = time.Date(2030, 5, 17, 20, 15, 0, 0, time.UTC)

// together starts n changes while another one is under way, so that all of
// them wait, lets them go, and returns what each of them was told.
func together(t *testing.T, b *sqlite.Backend, n int, change func(i int, tx store.Set) error) []error {
	t.Helper()
	inside, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	var first error
	all.Go(func() {
		first = b.Together(t.Context(), func(store.Set) error {
			select {
			case <-inside:
			default:
				close(inside)
			}
			<-leave
			return nil
		})
	})
	<-inside
	told := make([]error, n)
	for i := range n {
		all.Go(func() {
			told[i] = b.Together(t.Context(), func(tx store.Set) error { return change(i, tx) })
		})
		for b.Stats().Waiting <= i {
			runtime.Gosched() // so that they stand in order
		}
	}
	close(leave)
	all.Wait()
	if first != nil {
		t.Fatal(first)
	}
	return told
}

func insert(tx store.Set, i int) error {
	_, err := tx.Accounts.Insert(context.Background(), account.Row{Identifier: fmt.Sprint("p", i)})
	return err
}

func people(t *testing.T, b *sqlite.Backend) string {
	t.Helper()
	list, err := b.Set().Accounts.List(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range list {
		names = append(names, r.Identifier)
	}
	return strings.Join(names, " ")
}

func TestWhatWaitsIsCommittedAtOnce(t *testing.T) {
	b := open(t, sqlite.Options{})
	for i, err := range together(t, b, 50, func(i int, tx store.Set) error { return insert(tx, i) }) {
		if err != nil {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if s := b.Stats(); s.Commits != 2 || s.Writes != 51 || s.Undone != 0 || s.Retried != 0 || s.Waiting != 0 {
		t.Errorf("1 change and 50 that waited for it made %+v; want 2 commits, 51 writes", s)
	}
}

func TestBatchBoundsOneCommit(t *testing.T) {
	for batch, commits := range map[int]uint64{1: 51, 10: 6, 7: 9} {
		b := open(t, sqlite.Options{Batch: batch})
		together(t, b, 50, func(i int, tx store.Set) error { return insert(tx, i) })
		if s := b.Stats(); s.Commits != commits {
			t.Errorf("50 that waited, %d at once, made %d commits; want %d", batch, s.Commits, commits)
		}
	}
}

func TestWhatFailsIsNotCommitted(t *testing.T) {
	b := open(t, sqlite.Options{})
	told := together(t, b, 6, func(i int, tx store.Set) error {
		return errors.Join(insert(tx, i/2), tx.Revocations.Wait(context.Background(), revocation.Cursor{}))
	})
	for i, err := range told {
		if err == nil || !strings.Contains(err.Error(), "Wait inside Together") {
			t.Errorf("change %d was told %v", i, err)
		}
	}
	if s := b.Stats(); s.Commits != 1 || s.Undone != 6 {
		t.Errorf("a batch in which nothing succeeded made %+v; want no commit beside the first", s)
	}
}

func TestOneRefreshIsOneReadAndOneWrite(t *testing.T) {
	b := open(t, sqlite.Options{})
	set := b.Set()
	if _, err := set.Sessions.Insert(t.Context(), session.Row{ID: "s", Account: "1", State: session.Active}, 0, session.Cap{}); err != nil {
		t.Fatal(err)
	}
	before := b.Stats()
	row, _, err := set.Sessions.Find(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Sessions.Swap(t.Context(), row, row); err != nil {
		t.Fatal(err)
	}
	after := b.Stats()
	if after.Reads-before.Reads != 1 || after.Writes-before.Writes != 1 || after.Commits-before.Commits != 1 {
		t.Errorf("a refresh took %+v after %+v; want 1 read, 1 write, 1 commit", after, before)
	}
}

// What is undone by going back to a savepoint that is not there was not
// undone: the whole batch has to run again, each change on its own.
func TestLostSavepointRunsTheBatchAgain(t *testing.T) {
	for _, statement := range []string{"SAVEPOINT change", "ROLLBACK TO change", "RELEASE change"} {
		t.Run(statement, func(t *testing.T) {
			b := open(t, sqlite.Options{})
			seen := 0
			b.Meddle(func(s string) error {
				if s == statement {
					if seen++; seen == 2 {
						return errors.New("no such savepoint")
					}
				}
				return nil
			})
			told := together(t, b, 8, func(i int, tx store.Set) error { return insert(tx, i/2) })
			for i, err := range told {
				if want := [2]error{nil, account.ErrTaken}[i%2]; !errors.Is(err, want) || (err == nil) != (want == nil) {
					t.Errorf("change %d was told %v, want %v", i, err, want)
				}
			}
			if got := people(t, b); got != "p0 p1 p2 p3" {
				t.Errorf("there are %s", got)
			}
			if s := b.Stats(); s.Retried != 8 || s.Commits != 5 || s.Writes != 9 {
				t.Errorf("it made %+v; want 8 retried, 5 commits, 9 writes", s)
			}
		})
	}
}

func TestPanicInABatchThatRunsAgain(t *testing.T) {
	b := open(t, sqlite.Options{})
	b.Meddle(func(s string) error {
		if s == "ROLLBACK TO change" {
			return errors.New("no such savepoint")
		}
		return nil
	})
	var panics int
	told := together(t, b, 4, func(i int, tx store.Set) error {
		if i != 2 {
			return insert(tx, i)
		}
		defer func() { panics++ }()
		runtime.Goexit() // as t.FailNow does
		return nil
	})
	if told[0] != nil || told[1] != nil || told[3] != nil {
		t.Errorf("the neighbours were told %v", told)
	}
	if got := people(t, b); got != "p0 p1 p3" || panics != 1 {
		t.Errorf("there are %s; the one that left ran %d times, want 1", got, panics)
	}
}

// A187: with the disk full, SQLite undoes the whole transaction. Whoever asked
// too much is refused; the others are done; what was acknowledged stays.
func TestA187DiskFull(t *testing.T) {
	b := open(t, sqlite.Options{})
	if err := b.Shrink(4); err != nil {
		t.Fatal(err)
	}
	swallowed := false
	told := together(t, b, 6, func(i int, tx store.Set) error {
		switch i {
		case 2, 4:
			_, err := tx.Accounts.Insert(t.Context(), account.Row{Identifier: fmt.Sprint("big", i), Display: strings.Repeat("x", 100_000)})
			if i == 4 && err != nil {
				swallowed = true
				_ = insert(tx, i) // as if nothing had happened
				return nil
			}
			return err
		}
		return insert(tx, i)
	})
	for i, err := range told {
		full := errors.Is(err, sqlite.ErrFull) && errors.Is(err, store.ErrUnavailable) && strings.Contains(err.Error(), "the disk is full; free some space")
		if big := i == 2 || i == 4; big && !full || !big && err != nil {
			t.Errorf("change %d was told %v", i, err)
		}
	}
	if got := people(t, b); got != "p0 p1 p3 p5" || !swallowed {
		t.Errorf("there are %s", got)
	}
	if err := insertAlone(t, b, 7); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func insertAlone(t *testing.T, b *sqlite.Backend, i int) error {
	_, err := b.Set().Accounts.Insert(t.Context(), account.Row{Identifier: fmt.Sprint("p", i)})
	return err
}

func TestFailedCommitTellsEverybody(t *testing.T) {
	b := open(t, sqlite.Options{})
	commits := 0
	b.Meddle(func(s string) error {
		if s == "COMMIT" {
			if commits++; commits == 2 {
				return errors.New("no")
			}
		}
		return nil
	})
	told := together(t, b, 4, func(i int, tx store.Set) error { return insert(tx, i/2) })
	for i, err := range told {
		// Also who lost to a neighbour: the neighbour was never there.
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, account.ErrTaken) {
			t.Errorf("change %d was told %v", i, err)
		}
	}
	if got := people(t, b); got != "" {
		t.Errorf("there are %s", got)
	}
	if err := insertAlone(t, b, 0); err != nil || people(t, b) != "p0" {
		t.Errorf("the next change: %v", err)
	}
}

func TestConnectionInAnUnknownStateIsReplaced(t *testing.T) {
	b := open(t, sqlite.Options{})
	commits := 0
	b.Meddle(func(s string) error {
		if s == "COMMIT" {
			commits++
		}
		if commits == 1 && (s == "COMMIT" || s == "ROLLBACK") {
			return errors.New("no") // the transaction stays open
		}
		return nil
	})
	if err := insertAlone(t, b, 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a commit that failed told %v", err)
	}
	if err := insertAlone(t, b, 1); err != nil {
		t.Errorf("the next change: %v", err)
	}
	if got := people(t, b); got != "p1" {
		t.Errorf("there are %s", got)
	}
}

func TestReadsDoNotWaitForWrites(t *testing.T) {
	b := open(t, sqlite.Options{})
	if err := insertAlone(t, b, 0); err != nil {
		t.Fatal(err)
	}
	if err := b.Together(t.Context(), func(tx store.Set) error {
		if err := insert(tx, 1); err != nil {
			return err
		}
		if got := people(t, b); got != "p0" { // what is not committed is not seen
			t.Errorf("outside there are %s", got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := people(t, b); got != "p0 p1" {
		t.Errorf("afterwards there are %s", got)
	}
}

func TestAnotherProcessHoldsTheFile(t *testing.T) {
	b := open(t, sqlite.Options{})
	if err := b.Together(t.Context(), func(tx store.Set) error {
		other := reopen(t, path(t, b), sqlite.Options{Busy: time.Millisecond})
		err := insertAlone(t, other, 1)
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "another process holds the database") {
			t.Errorf("a write beside another process's was told %v", err)
		}
		return insert(tx, 0)
	}); err != nil {
		t.Fatal(err)
	}
	if got := people(t, b); got != "p0" {
		t.Errorf("there are %s", got)
	}
}
