package keeper_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// sameKeys keeps the keys of another house.
func sameKeys(of *house) func(*keeper.Config) {
	return func(c *keeper.Config) { c.Signer, c.Keys, c.Now = of.ring.signer(), of.ring, of.clock.read }
}

// A log that lost its end gives its numbers out again, and a rule of today would
// pass for older than a token of yesterday. Once such a token is seen, the log
// opens its next epoch: "log out everywhere" reaches it, and a login of after that
// lives. Nobody is logged out by it.
func TestALogThatWasPutBackReachesEverybody(t *testing.T) {
	for name, after := range map[string]func(t *testing.T, story func(b store.Backend) *keeper.Token) store.Backend{
		"a copy of the file is restored": restored, "a store in memory starts anew": forgotten,
	} {
		t.Run(name, func(t *testing.T) {
			var before *house
			b := after(t, func(b store.Backend) *keeper.Token {
				before = houseOver(t, b)
				for range 5 {
					before.must(before.RevokeSession(t.Context(), "somebody's"))
				}
				return before.login()
			})
			old := before.login()
			h := houseOver(t, b, sameKeys(before))
			h.SetMachine(before.clock.read)
			nodes := []*keeper.Keeper{h.Keeper, h.node()}
			nodes[1].SetMachine(before.clock.read)
			h.must(nodes[1].CatchUp(t.Context()))
			var all sync.WaitGroup
			for i := range 16 {
				all.Go(func() {
					if _, err := nodes[i%2].Find(t.Context(), old.Text()); err != nil {
						t.Errorf("after the restore: %v", err)
					}
				})
			}
			all.Wait()
			if n := nodes[0].Stats().Restored + nodes[1].Stats().Restored; n != 1 {
				t.Errorf("%d epochs were opened, want 1", n)
			}
			h.must(h.RevokeSubject(t.Context(), "ada"))
			h.refuses(old.Text(), jwt.Revoked)
			h.finds(h.login().Text())
			h.must(nodes[1].CatchUp(t.Context()))
			if _, err := nodes[1].Find(t.Context(), old.Text()); jwt.ReasonOf(err) != jwt.Revoked {
				t.Errorf("another node: %v", err)
			}
		})
	}
}

// restored lets a story happen to a file, and puts back a copy from before it.
func restored(t *testing.T, story func(store.Backend) *keeper.Token) store.Backend {
	file := filepath.Join(t.TempDir(), "shop.db")
	open := func() store.Backend {
		b, err := sqlite.Open(t.Context(), file, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	open().Close()
	copied, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := open()
	story(b)
	b.Close()
	for _, rest := range []string{"-wal", "-shm"} {
		if err := os.Remove(file + rest); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	b = open()
	t.Cleanup(func() { b.Close() })
	return b
}

// forgotten lets a story happen to a store that ends with its program.
func forgotten(t *testing.T, story func(store.Backend) *keeper.Token) store.Backend {
	first, second := memory.New(), memory.New()
	t.Cleanup(func() { second.Close() })
	story(first)
	first.Close()
	return second
}

// While the log is away nobody waits for it because of a token that is ahead, and
// none is opened anew.
func TestALogThatIsAwayIsNotPutBack(t *testing.T) {
	h := newHouse(t)
	deaf := h.node()
	h.must(h.RevokeSession(t.Context(), "somebody's"))
	ahead := h.login()
	h.wire.set(errCut, nil)
	calls := h.wire.counted(func() {
		for range 3 {
			if _, err := deaf.Find(t.Context(), ahead.Text()); err != nil {
				t.Errorf("finding: %v", err)
			}
		}
	})
	if calls != "read" {
		t.Errorf("three requests made the calls %q", calls)
	}
	h.wire.set(nil, nil)
	h.clock.add(sightWait)
	if _, err := deaf.Find(t.Context(), ahead.Text()); err != nil || deaf.Stats().Restored != 0 || deaf.Index().Cursor() != h.Index().Cursor() {
		t.Errorf("afterwards: %v, at %v, %+v", err, deaf.Index().Cursor(), deaf.Stats())
	}
}
