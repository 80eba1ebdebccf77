package handover_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/examples/migrate/handover"
	"github.com/jotkeeper/jotkeeper/examples/migrate/internal/evening"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// Many requests show one old cookie while its owner logs out. Whatever the order,
// there was at most one session, and none is left.
func TestALogoutAmongManyHandOvers(t *testing.T) {
	h := evening.New(t)
	desk := handover.NewDesk(h.Keeper, h.Now)
	var alive atomic.Bool
	alive.Store(true)
	who := func() (keeper.Claims, error) {
		if !alive.Load() {
			return keeper.Claims{}, errors.New("no such session")
		}
		return keeper.Claims{Subject: "ada"}, nil
	}
	tokens := make([]*keeper.Token, 64)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			if i == len(tokens)/2 {
				if err := desk.End(context.Background(), "old", func() error { alive.Store(false); return nil }); err != nil {
					t.Error(err)
				}
				return
			}
			tokens[i], _ = desk.HandOver(context.Background(), "old", who)
		})
	}
	all.Wait()
	if n := h.Stats().Created; n > 1 {
		t.Errorf("%d sessions", n)
	}
	for _, token := range tokens {
		if token == nil {
			continue
		}
		if _, err := h.Find(t.Context(), token.Text()); jwt.ReasonOf(err) != jwt.Revoked {
			t.Errorf("a session outlived the logout: %v", err)
		}
	}
	if n := desk.Waiting(); n != 0 {
		t.Errorf("%d remembered", n)
	}
}

// An answer that was lost for longer than its token lives is given anew; what
// cannot be killed now is remembered until it can.
func TestLostAnswers(t *testing.T) {
	h := evening.New(t)
	desk := handover.NewDesk(h.Keeper, h.Now)
	ada := func() (keeper.Claims, error) { return keeper.Claims{Subject: "ada"}, nil }
	first, err := desk.HandOver(t.Context(), "old", ada)
	if err != nil {
		t.Fatal(err)
	}
	h.Wait(30 * time.Minute)
	if again, err := desk.HandOver(t.Context(), "old", ada); err != nil || again.Text() != first.Text() {
		t.Errorf("half an hour later: another token, %v", err)
	}
	h.Wait(30 * time.Minute)
	second, err := desk.HandOver(t.Context(), "old", ada)
	if err != nil || second.SessionID() == first.SessionID() {
		t.Errorf("after its end: %v", err)
	}
	away := errors.New("away")
	if err := desk.End(t.Context(), "old", func() error { return away }); !errors.Is(err, away) {
		t.Errorf("a logout that half failed: %v", err)
	}
	if _, err := desk.HandOver(t.Context(), "old", ada); jwt.ReasonOf(err) != jwt.Revoked {
		t.Errorf("it brought a session back: %v", err)
	}
}
