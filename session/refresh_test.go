package session_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/session"
)

func TestAnEvening(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		if first.Outcome != "login" || first.ExpiresIn != 15*time.Minute || !session.IsRefresh(first.Refresh) {
			t.Fatalf("login: %+v", first)
		}
		c := h.claims(evening, first.Access)
		sid := first.Session.ID
		if c.Subject != "ada" || c.SessionID != sid || c.Revision != "1:0" || c.Audience[0] != "shop" || !strings.HasPrefix(c.Generation, "0.") {
			t.Errorf("claims: %+v", c)
		}
		now := evening.Add(7 * time.Minute)
		second := h.refreshes(now, first.Refresh, "rotate")
		if second.Refresh == "" || second.Refresh == first.Refresh {
			t.Error("the first refresh gives no new refresh token")
		}
		again := h.refreshes(now.Add(time.Second), second.Refresh, "same")
		if again.Refresh != "" {
			t.Error("same came with a refresh token")
		}
		lost := h.refreshes(now.Add(2*time.Second), first.Refresh, "replay")
		if lost.Refresh != second.Refresh {
			t.Error("a lost answer is not repeated byte for byte")
		}
		ids := map[string]bool{}
		for _, i := range []session.Issued{first, second, again, lost} {
			ids[h.claims(now, i.Access).ID] = true
		}
		if len(ids) != 4 {
			t.Errorf("%d token IDs in 4 answers", len(ids))
		}
		if err := h.End(t.Context(), now.Add(time.Minute), "ada", sid, "logout", "r-end"); err != nil {
			t.Fatal(err)
		}
		h.refused(now.Add(time.Hour), second.Refresh, session.Error{Outcome: "ended", Reason: jwt.Revoked})
		text, err := h.Explain(t.Context(), sid)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"of account ada", "because: logout", "logged in ([pwd] from 127.0.0.1 curl/8) [request r-login]", "refreshed (generation 1)", "ended (logout) [request r-end]"} {
			if !strings.Contains(text, want) {
				t.Errorf("explained without %q:\n%s", want, text)
			}
		}
		if got := h.Stats().Outcomes; got["rotate"] != 1 || got["same"] != 1 || got["replay"] != 1 || got["ended"] != 1 || got["reused"] != 0 {
			t.Errorf("counted %v", got)
		}
	})
}

func TestOneReadAndAtMostOneWrite(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		step := func(now time.Time, raw, outcome string, finds, swaps int) session.Issued {
			t.Helper()
			h.wire.counts()
			issued := h.refreshes(now, raw, outcome)
			if got := h.wire.counts(); got != [3]int{finds, swaps, 0} {
				t.Errorf("%s: %v reads, writes, ends; want %d, %d, 0", outcome, got, finds, swaps)
			}
			return issued
		}
		second := step(evening, first.Refresh, "rotate", 1, 1)
		step(evening.Add(time.Second), second.Refresh, "same", 1, 0)
		step(evening.Add(time.Second), first.Refresh, "replay", 1, 0)
		step(evening.Add(time.Minute), first.Refresh, "replay", 1, 1)
		step(evening.Add(time.Hour), second.Refresh, "rotate", 1, 1)
	})
}

// TestA039LoginClaimsStay compares what the login said before and after.

func TestA039LoginClaimsStay(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		was := h.claims(evening, first.Access)
		now := evening.Add(20 * 24 * time.Hour)
		is := h.claims(now, h.refreshes(now, first.Refresh, "rotate").Access)
		if is.AuthTime != was.AuthTime || strings.Join(is.Methods, " ") != "pwd" || is.Context != was.Context ||
			is.Subject != was.Subject || is.SessionID != was.SessionID || is.Tenant != was.Tenant {
			t.Errorf("changed from %+v to %+v", was, is)
		}
		if is.AuthTime != jwt.Time(evening.Unix()) {
			t.Errorf("auth_time %d, want that of the login", is.AuthTime)
		}
	})
}

func TestA085ParallelRefreshes(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		var wg sync.WaitGroup
		var mu sync.Mutex
		outcomes, tokens := map[string]int{}, map[string]int{}
		for range 64 {
			wg.Go(func() {
				issued, err := h.Refresh(t.Context(), evening.Add(time.Minute), first.Refresh, session.Request{})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				outcomes[issued.Outcome]++
				tokens[issued.Refresh]++
			})
		}
		wg.Wait()
		if outcomes["rotate"] != 1 || outcomes["replay"] != 63 || len(tokens) != 1 {
			t.Errorf("%v with %d different refresh tokens; want one rotation and its token 64 times", outcomes, len(tokens))
		}
		if row := h.row(first.Session.ID); row.Generation != 1 || row.Revision != 2 {
			t.Errorf("generation %d at revision %d, want one write", row.Generation, row.Revision)
		}
	})
}

// TestTheLoserIsAnswered lets another request win between read and write.

// settle lets a generation be confirmed, and its requests drain.

// TestA087GrandparentInEitherOrder has owner and thief come in both orders.

// TestA090NothingAfterTheEnd refreshes after everything that ends a session.

// TestA109AnAccountThatIsGone has live sessions when it is locked or deleted

// behind their back.

// TestA094WhatIsNoRefreshToken never reaches the store.

// TestAForgedTokenCostsNoQuery forges one in good shape, under a key ID of ours.

// TestTroubleNeverLogsOut breaks one thing after another in a refresh.

// TestA110TheThiefIsOutToo lets owner and thief take turns.

// TestASessionThatAFailoverRevives was ended, and the store forgot.

// TestHealWhatTheStoreForgot lets the store lose a rotation, then many.

func TestLookChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		second := h.refreshes(evening, first.Refresh, "rotate")
		third := h.refreshes(evening.Add(time.Hour), second.Refresh, "rotate")
		look := func(now time.Time, raw string) (string, error) {
			h.wire.counts()
			row, err := h.Look(context.Background(), now, raw)
			if got := h.wire.counts(); got != [3]int{1, 0, 0} {
				t.Errorf("%v reads, writes, ends; want one read", got)
			}
			return row.ID, err
		}
		later := evening.Add(time.Hour + time.Second)
		for _, raw := range []string{third.Refresh, second.Refresh} {
			if sid, err := look(later, raw); err != nil || sid != first.Session.ID {
				t.Errorf("%q, %v", sid, err)
			}
		}
		for _, at := range []time.Time{later, later.Add(time.Hour)} { // where refresh says late, and where it says reused
			_, err := look(at, first.Refresh)
			var e *session.Error
			if !errors.As(err, &e) || e.Reason != jwt.Stale || e.Terminal() {
				t.Errorf("a grandparent: %v, want stale and nothing lost", err)
			}
		}
		if h.row(first.Session.ID).State != session.Active {
			t.Error("looking ended the session")
		}
		_, err := look(evening.Add(40*24*time.Hour), third.Refresh)
		if reasonOf(err) != jwt.Idle {
			t.Errorf("idle: %v", err)
		}
	})
}
