package sqlite_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// Whoever is told that a rule is in the log can rely on its place being noted.
func TestTheMirrorHearsBeforeTheCaller(t *testing.T) {
	var heard []revocation.Cursor
	b := open(t, sqlite.Options{Mirror: func(epoch, seq uint64) error {
		heard = append(heard, revocation.Cursor{Epoch: epoch, Seq: seq})
		return nil
	}})
	log, now := b.Set().Revocations, time.Now()
	last, err := log.Append(t.Context(), now, revocation.SessionEnded("a", "logout", now.Add(time.Hour)), revocation.SessionEnded("b", "logout", now.Add(time.Hour)))
	if err != nil || len(heard) != 1 || heard[0] != last {
		t.Fatalf("appended up to %v, %v; the mirror heard %v", last, err, heard)
	}
	if _, err := log.Compact(t.Context(), now.Add(2*time.Hour)); err != nil || len(heard) != 1 {
		t.Errorf("a change that appended nothing: %v, the mirror heard %v", err, heard)
	}
	if head, _, err := log.NewEpoch(t.Context(), 7); err != nil || len(heard) != 2 || heard[1] != head {
		t.Errorf("a new epoch %v, %v; the mirror heard %v", head, err, heard)
	}
	onPurpose := errors.New("on purpose")
	err = b.Together(t.Context(), func(tx store.Set) error {
		if _, err := tx.Revocations.Append(t.Context(), now, revocation.SessionEnded("c", "logout", now)); err != nil {
			return err
		}
		return onPurpose
	})
	if !errors.Is(err, onPurpose) || len(heard) != 2 {
		t.Errorf("what was undone: %v, the mirror heard %v", err, heard)
	}
}

// The rule is in the log, and its author is told to ask again.
func TestWhatTheMirrorCannotKeepIsNotAcknowledged(t *testing.T) {
	full := errors.New("no room on purpose")
	b := open(t, sqlite.Options{Mirror: func(uint64, uint64) error { return full }})
	log, now := b.Set().Revocations, time.Now()
	_, err := log.Append(t.Context(), now, revocation.SessionEnded("a", "logout", now.Add(time.Hour)))
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, full) {
		t.Errorf("got %v, want unavailable and the cause", err)
	}
	if list, err := log.Read(t.Context(), revocation.Cursor{}, 9); err != nil || len(list) != 1 {
		t.Errorf("the log holds %v, %v", list, err)
	}
}
