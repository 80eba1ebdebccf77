package sqlite_test

import (
	"context"
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
