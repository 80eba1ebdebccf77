package keeper_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// B2, B6, A085: a page fires 64 requests with one old token, over two nodes. All
// go well, and all get the same successor, to the byte.
func TestB2OneSuccessorForAll(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		token := h.login()
		nodes := []*keeper.Keeper{h.Keeper, h.node()}
		h.pass(30*time.Minute, nodes...)
		texts := make([]string, 64)
		var all sync.WaitGroup
		for i := range texts {
			all.Go(func() {
				k := nodes[i%2]
				found, err := k.Find(t.Context(), token.Text())
				if err == nil {
					found, err = k.Renew(t.Context(), found)
				}
				if err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
				texts[i] = found.Text()
			})
		}
		all.Wait()
		for i, text := range texts {
			if text != texts[0] || text == token.Text() {
				t.Fatalf("request %d was given\n\t%s\nthe first\n\t%s", i, text, texts[0])
			}
		}
		if n := nodes[0].Stats().Renewed + nodes[1].Stats().Renewed; n != 1 {
			t.Errorf("%d renewals were decided", n)
		}
		h.visits(texts[0])
	})
}

// B9: who was logged out while holding a token mints nothing from it, not even on
// a node that has not heard of it.
func TestB9LogoutBeatsRenewal(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		for name, revoke := range map[string]func(*keeper.Token) error{
			"the session": func(x *keeper.Token) error { return h.Revoke(t.Context(), x) },
			"the token":   func(x *keeper.Token) error { return h.RevokeID(t.Context(), x.ID()) },
			"the account": func(x *keeper.Token) error { return h.RevokeSubject(t.Context(), x.Claims().Subject) },
		} {
			deaf := h.node()
			held := h.creates(keeper.Claims{Subject: name})
			h.must(deaf.CatchUp(t.Context()))
			h.must(revoke(held))
			if _, err := deaf.Find(t.Context(), held.Text()); err != nil {
				t.Fatalf("%s: the node was to hear of it later: %v", name, err)
			}
			next, err := deaf.Rotate(t.Context(), held, nil)
			if next != nil || jwt.ReasonOf(err) != jwt.Revoked {
				t.Errorf("%s: rotating gave %v, %v", name, next, err)
			}
			if _, err := h.wire.store.Rotated(t.Context(), held.ID()); !errors.Is(err, keeper.ErrNotFound) {
				t.Errorf("%s: a renewal was recorded: %v", name, err)
			}
		}
	})
}

// B9, B2: 64 renewals and a logout at once, over and over: either the renewal
// came first and its successor is dead, or there is none.
func TestA090RenewalsBesideALogout(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		for round := range 4 {
			token := h.creates(keeper.Claims{Subject: fmt.Sprint("ada ", round)})
			given := make([]*keeper.Token, 64)
			var all sync.WaitGroup
			for i := range given {
				all.Go(func() {
					if i == 32 {
						if err := h.RevokeSubject(t.Context(), token.Claims().Subject); err != nil {
							t.Error(err)
						}
						return
					}
					next, err := h.Rotate(t.Context(), token, nil)
					if err != nil && jwt.ReasonOf(err) != jwt.Revoked {
						t.Errorf("a renewal failed: %v", err)
					}
					given[i] = next
				})
			}
			all.Wait()
			h.pass(0)
			for _, next := range append(given, token) {
				if next != nil {
					h.refuses(next.Text(), jwt.Revoked)
				}
			}
		}
	})
}

// B9: the same over two openings of one file, each with its own connections, and
// the one that renews has not heard of the logout. Nothing that it made lives.
func TestB9RenewalsBesideALogoutElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.db")
	open := func(changes ...func(*keeper.Config)) *house {
		b, err := sqlite.Open(t.Context(), file, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		return houseOver(t, b, changes...)
	}
	here := open()
	there := open(sameKeys(here))
	there.SetMachine(here.clock.read)
	there.must(there.CatchUp(t.Context()))
	for range 16 {
		token := here.login()
		var next *keeper.Token
		var all sync.WaitGroup
		all.Go(func() { next, _ = there.Rotate(t.Context(), token, nil) })
		if err := here.Revoke(t.Context(), token); err != nil {
			t.Error(err)
		}
		all.Wait()
		again, err := there.Rotate(t.Context(), token, nil)
		if next == nil && (again != nil || jwt.ReasonOf(err) != jwt.Revoked) {
			t.Errorf("after the logout it was renewed to %v, %v", again, err)
		}
		if next != nil {
			here.refuses(next.Text(), jwt.Revoked)
		}
	}
	token := here.login()
	there.must(there.CatchUp(t.Context()))
	here.must(here.Revoke(t.Context(), token))
	there.finds(token.Text()) // it will hear of it
	if next, err := there.Rotate(t.Context(), token, nil); next != nil || jwt.ReasonOf(err) != jwt.Revoked {
		t.Errorf("after the logout it was renewed to %v, %v", next, err)
	}
}

// B6: who comes second is not refused, and takes nothing from who came first.
func TestB6LosersKeepTheWinnersSession(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(30 * time.Minute)
	first, second := h.finds(token.Text()), h.finds(token.Text())
	winner, err := h.Renew(t.Context(), first)
	h.must(err)
	h.visits(winner.Text())
	h.pass(9 * time.Second)
	loser, err := h.Renew(t.Context(), second)
	h.must(err)
	if loser.Text() != winner.Text() {
		t.Errorf("the loser was given %v, the winner %v", loser, winner)
	}
	h.pass(time.Minute)
	h.visits(winner.Text())
}
