package sqlite_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// The watch keeps its connection for ever: a program with one reader would
// wait for it as long.
func TestTheOneReaderDoesNotWaitForTheWatch(t *testing.T) {
	b := open(t, sqlite.Options{Readers: 1})
	log := b.Set().Revocations
	start, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Watch(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second) // who waits fails, and does not hang
	defer stop()
	if head, err := log.Head(ctx); err != nil || head != start {
		t.Errorf("beside the watch the head is read as %s (%v)", head, err)
	}
}

// Whoever gives up while every connection is taken is let go, whether or not
// the statement was prepared before; those who come later find it whole.
func TestWhoGivesUpDoesNotWaitForAConnection(t *testing.T) {
	b := open(t, sqlite.Options{Readers: 2})
	log := b.Set().Revocations
	for _, statement := range []string{"new", "prepared"} {
		release, err := b.Hold(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, giveUp := context.WithCancel(t.Context())
		before, over := b.Waiting(), make(chan error, 1)
		go func() {
			_, err := log.Head(ctx)
			over <- err
		}()
		for b.Waiting() == before {
			runtime.Gosched()
		}
		giveUp()
		select {
		case err := <-over:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("a %s statement: %v", statement, err)
			}
		case <-time.After(30 * time.Second):
			t.Errorf("a %s statement waits for its connection after its caller is gone", statement)
		}
		release()
		if _, err := log.Head(t.Context()); err != nil {
			t.Errorf("a %s statement, asked for again: %v", statement, err)
		}
	}
}
