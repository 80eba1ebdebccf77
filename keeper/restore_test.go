package keeper_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
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

// A029: only a token that is good here, of our own key, has a log open its next
// epoch: not another issuer's, whatever rev it says, nor one of a key that was
// revoked, lest its thief go on moving everybody's log; nor a number that no log
// was ever put back from, after which there would be no next one.
func TestA029OnlyGoodTokensOfOursMoveTheLog(t *testing.T) {
	theirs := newHouse(t, func(c *keeper.Config) { c.Issuer = "https://other.example.com" })
	h := newHouse(t, trusting(theirs))
	h.must(h.RevokeSession(t.Context(), "ended"))
	ahead := func(c *jwt.Session) { c.Revision = "7:7" }
	lock := binding.NewLock().Confirmation("s-1")
	stolen := h.signs(ahead)
	h.ring.turn(t, jwt.ES256)
	_, err := h.wire.Log.Append(t.Context(), evening, revocation.Rule{
		Scope: revocation.ScopeKey, ID: h.ring.all[0].ID(), Action: revocation.Revoke, Reason: "compromised", Until: evening.Add(2 * time.Hour),
	})
	h.must(err)
	h.pass(0)
	at := h.Index().Cursor()
	for name, c := range map[string]struct {
		text string
		want jwt.Reason
	}{
		"another issuer's":      {theirs.signs(func(c *jwt.Session) { c.Issuer = theirs.cfg.Issuer; ahead(c) }), ""},
		"another issuer's lies": {theirs.signs(ahead), jwt.Issuer},
		"a stranger's":          {newHouse(t).signs(ahead), jwt.BadKey},
		"of a revoked key":      {stolen, jwt.Revoked},
		"of an ended session":   {h.signs(func(c *jwt.Session) { c.SessionID = "ended"; ahead(c) }), jwt.Revoked},
		"expired":               {h.signs(func(c *jwt.Session) { c.Expires = jwt.TimeOf(evening); ahead(c) }), jwt.Expired},
		"without its lock":      {h.signs(func(c *jwt.Session) { c.SessionID, c.Confirmation = "s-1", lock; ahead(c) }), jwt.Binding},
		"of the last epoch":     {h.signs(func(c *jwt.Session) { c.Revision = "9223372036854775806:0" }), ""},
		"of no epoch":           {h.signs(func(c *jwt.Session) { c.Revision = "18446744073709551615:0" }), ""},
		"that says no number":   {h.signs(func(c *jwt.Session) { c.Revision = "7" }), ""},
	} {
		calls := h.wire.counted(func() {
			if _, err := h.Find(t.Context(), c.text); jwt.ReasonOf(err) != c.want {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		})
		head, err := h.wire.Log.Head(t.Context())
		if h.must(err); calls != "" || head != at {
			t.Errorf("%s: the calls %q, and the log is at %v", name, calls, head)
		}
	}
	h.finds(h.signs(ahead))
	if at := h.Index().Cursor(); at.Epoch != 8 || h.Stats().Restored != 1 {
		t.Errorf("our own: at %v, %+v", at, h.Stats())
	}
}

// A146: a crowd of requests with tokens that are ahead of a node reads the log
// once, not one after another.
func TestA146ACrowdReadsTheLogOnce(t *testing.T) {
	h := newHouse(t)
	node := h.node()
	h.must(h.RevokeSession(t.Context(), "somebody's"))
	ahead := h.login()
	var there, all sync.WaitGroup
	there.Add(64)
	h.wire.onto = func(string) { there.Wait() }
	calls := h.wire.counted(func() {
		for range 64 {
			all.Go(func() {
				there.Done()
				if _, err := node.Find(t.Context(), ahead.Text()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	if calls != "read" || node.Index().Cursor() != h.Index().Cursor() {
		t.Errorf("64 requests made the calls %q", calls)
	}
}

// Who restores a copy opens an epoch by hand. Then "log out everywhere" reaches
// tokens of before also when they come late: when the log, its numbers given out
// again, has got past them, nobody can tell by them that it lost its end.
func TestAnEpochOpenedByHandReachesEverybody(t *testing.T) {
	for byHand, want := range map[bool]jwt.Reason{true: jwt.Revoked, false: ""} {
		var before *house
		var old *keeper.Token
		b := restored(t, func(b store.Backend) *keeper.Token {
			before = houseOver(t, b)
			for range 5 {
				before.must(before.RevokeSession(t.Context(), "somebody's"))
			}
			old = before.login()
			return old
		})
		h := houseOver(t, b, sameKeys(before))
		h.SetMachine(before.clock.read)
		if byHand {
			head, err := h.wire.Log.Head(t.Context())
			h.must(err)
			_, _, err = h.wire.Log.NewEpoch(t.Context(), head.Epoch+1)
			h.must(err)
			h.must(h.CatchUp(t.Context()))
		}
		h.must(h.RevokeSubject(t.Context(), "ada"))
		for range 9 {
			h.must(h.RevokeSession(t.Context(), "another's"))
		}
		if _, err := h.Find(t.Context(), old.Text()); jwt.ReasonOf(err) != want {
			t.Errorf("opened by hand %t: %v, want %q", byHand, err, want)
		}
		h.finds(h.login().Text())
	}
}
