package sqlite_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// A185: whoever moves the file away, deletes it or puts another in its place,
// gets no answer that counts until it is back.
func TestA185AFileThatIsNotInItsPlace(t *testing.T) {
	for says, c := range map[string]struct{ take, bring func(path string) error }{
		"the database file is gone": {
			func(path string) error { return os.Rename(path, path+".away") },
			func(path string) error { return os.Rename(path+".away", path) },
		},
		"another file stands in the place": {
			func(path string) error {
				return errors.Join(os.Rename(path, path+".away"), os.WriteFile(path, []byte("older"), 0o600))
			},
			func(path string) error { return os.Rename(path+".away", path) },
		},
	} {
		b := open(t, sqlite.Options{})
		path := path(t, b)
		if err := b.Together(t.Context(), func(tx store.Set) error { return insert(tx, 1) }); err != nil {
			t.Fatal(err)
		}
		if err := c.take(path); err != nil {
			t.Fatal(err)
		}
		ran := false
		for what, err := range map[string]error{
			"a change": b.Together(t.Context(), func(store.Set) error { ran = true; return nil }),
			"a look":   func() error { _, err := b.Set().Accounts.List(t.Context(), 0, 10); return err }(),
			"the log":  func() error { _, err := b.Set().Revocations.Head(t.Context()); return err }(),
			"a ping":   b.Ping(t.Context()),
		} {
			if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want %q", what, err, says)
			}
		}
		if ran {
			t.Error("a change ran in a file that is not there")
		}
		if err := c.bring(path); err != nil {
			t.Fatal(err)
		}
		if err := b.Together(t.Context(), func(tx store.Set) error { return insert(tx, 2) }); err != nil {
			t.Errorf("it is back: %v", err)
		}
		if got := people(t, b); got != "p1 p2" {
			t.Errorf("it holds %s", got)
		}
	}
}

// Taken away in the middle of a change: what was written is not acknowledged.
func TestA185AFileThatGoesDuringAChange(t *testing.T) {
	b := open(t, sqlite.Options{})
	path := path(t, b)
	err := b.Together(t.Context(), func(tx store.Set) error {
		if err := os.Rename(path, path+".away"); err != nil {
			return err
		}
		_, err := tx.Accounts.Insert(context.Background(), account.Row{Identifier: "ada"})
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("it is acknowledged: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
}
