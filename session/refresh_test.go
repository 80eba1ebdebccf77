package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestAnEvening(t *testing.T) {
	onEach(t, func(h *house) {
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
	onEach(t, func(h *house) {
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
	onEach(t, func(h *house) {
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
	onEach(t, func(h *house) {
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
func TestTheLoserIsAnswered(t *testing.T) {
	onEach(t, func(h *house) {
		first := h.login(evening)
		var winner session.Issued
		h.wire.swapping = func() error {
			h.wire.swapping = nil
			winner = h.refreshes(evening, first.Refresh, "rotate")
			return nil
		}
		if loser := h.refreshes(evening, first.Refresh, "replay"); loser.Refresh != winner.Refresh {
			t.Error("the loser was given another token than the winner")
		}
	})
}

// settle lets a generation be confirmed, and its requests drain.
func (h *house) settle(sid string, at time.Time) {
	h.Helper()
	row := h.row(sid)
	to := row
	to.ConfirmedAt = at.UTC()
	if err := h.backend.Set().Sessions.Swap(h.Context(), row, to); err != nil {
		h.Fatal(err)
	}
}

func TestA086AReplacedTokenEndsTheSession(t *testing.T) {
	onEach(t, func(h *house) {
		stolen := h.login(evening)
		newest := h.refreshes(evening.Add(time.Minute), stolen.Refresh, "rotate")
		h.settle(stolen.Session.ID, evening.Add(3*time.Minute))
		h.wire.counts()
		h.refused(evening.Add(10*time.Minute), stolen.Refresh, session.Error{Outcome: "reused", Reason: jwt.Reused})
		if got := h.wire.counts(); got != [3]int{1, 0, 1} {
			t.Errorf("%v reads, writes, ends; want one read and one end", got)
		}
		h.refused(evening.Add(11*time.Minute), newest.Refresh, session.Error{Outcome: "ended", Reason: jwt.Reused})
		entries := h.follow()
		if len(entries) != 1 || entries[0].Rule.Scope != "sid" || entries[0].Rule.ID != stolen.Session.ID || entries[0].Rule.Reason != "reused" {
			t.Errorf("rules: %+v, want one for the session", entries)
		}
		if v := h.verdictOf(newest.Access, evening.Add(10*time.Minute)); v != "reused" {
			t.Errorf("an access token of the session: %q, want it revoked as reused", v)
		}
		row := h.row(stolen.Session.ID)
		last := row.Events[len(row.Events)-1]
		if row.EndReason != "reused" || last.Kind != "reused" || last.Note != "generation 0 shown, 1 is current" {
			t.Errorf("ended as %q, last event %+v", row.EndReason, last)
		}
	})
}

// TestA087GrandparentInEitherOrder has owner and thief come in both orders.
func TestA087GrandparentInEitherOrder(t *testing.T) {
	for _, thiefFirst := range []bool{true, false} {
		onEach(t, func(h *house) {
			shared := h.login(evening)
			a := h.refreshes(evening.Add(1*time.Minute), shared.Refresh, "rotate")
			b := h.refreshes(evening.Add(10*time.Minute), a.Refresh, "rotate")
			old, newest := shared.Refresh, b.Refresh
			if thiefFirst {
				h.refreshes(evening.Add(20*time.Minute), newest, "rotate")
			}
			h.refused(evening.Add(30*time.Minute), old, session.Error{Outcome: "reused", Reason: jwt.Reused})
			h.refused(evening.Add(31*time.Minute), newest, session.Error{Outcome: "ended", Reason: jwt.Reused})
		})
	}
}

func TestA089AGraceThatIsRepeated(t *testing.T) {
	onEach(t, func(h *house) {
		first := h.login(evening)
		h.refreshes(evening, first.Refresh, "rotate")
		for s := range 12 {
			h.refreshes(evening.Add(time.Duration(s)*10*time.Second), first.Refresh, "replay")
		}
		h.settle(first.Session.ID, evening.Add(2*time.Minute))
		h.refused(evening.Add(3*time.Minute), first.Refresh, session.Error{Outcome: "reused", Reason: jwt.Reused})
	})
}

func TestA090RightsAreAskedAgain(t *testing.T) {
	onEach(t, func(h *house) {
		h.allow("ada", "orders refunds", map[string]json.RawMessage{"plan": json.RawMessage(`"gold"`)})
		first := h.login(evening)
		c := h.claims(evening, first.Access)
		if c.Scope != "orders refunds" || string(c.Private["plan"]) != `"gold"` {
			t.Errorf("at login: scope %q, private %s", c.Scope, c.Private)
		}
		h.allow("ada", "orders", nil)
		second := h.refreshes(evening.Add(time.Minute), first.Refresh, "rotate")
		if c := h.claims(evening.Add(time.Minute), second.Access); c.Scope != "orders" || len(c.Private) != 0 {
			t.Errorf("after a right was taken: scope %q, private %s", c.Scope, c.Private)
		}
	})
}

// TestA090NothingAfterTheEnd refreshes after everything that ends a session.
func TestA090NothingAfterTheEnd(t *testing.T) {
	onEach(t, func(h *house) {
		ctx, now := t.Context(), evening.Add(time.Minute)
		for name, end := range map[string]func(sid string) error{
			"logout": func(sid string) error { return h.End(ctx, now, "ada", sid, "logout", "") },
			"password": func(string) error {
				_, _, err := h.EndAll(ctx, now, "ada", "password", "")
				return err
			},
			"others": func(string) error {
				_, err := h.EndOthers(ctx, now, "ada", "AAAAAAAAAAAAAAAAAAAAAA", "others", "")
				return err
			},
		} {
			first := h.login(evening)
			if err := end(first.Session.ID); err != nil {
				t.Fatal(err)
			}
			if row := h.row(first.Session.ID); row.EndReason != name {
				t.Errorf("ended because %q, want %q", row.EndReason, name)
			}
			h.refused(now, first.Refresh, session.Error{Outcome: "ended", Reason: jwt.Revoked})
			h.follow()
			if v := h.verdictOf(first.Access, now); v != name {
				t.Errorf("%s: the access token's verdict is %q", name, v)
			}
		}
	})
}

// TestA109AnAccountThatIsGone has live sessions when it is locked or deleted
// behind their back.
func TestA109AnAccountThatIsGone(t *testing.T) {
	onEach(t, func(h *house) {
		first := h.login(evening)
		for _, gone := range []error{session.ErrLocked, fmt.Errorf("account 7: %w", session.ErrNotFound)} {
			h.deny("ada", gone)
			h.wire.counts()
			h.refused(evening.Add(time.Minute), first.Refresh, session.Error{Outcome: "refused", Reason: jwt.Revoked})
			if got := h.wire.counts(); got != [3]int{1, 0, 0} {
				t.Errorf("%v reads, writes, ends; want nothing written", got)
			}
		}
		h.deny("ada", nil)
		h.refreshes(evening.Add(time.Minute), first.Refresh, "rotate")
	})
}

func TestA091DeadlinesHold(t *testing.T) {
	onEach(t, func(h *house) {
		const day = 24 * time.Hour
		idle := h.login(evening)
		h.refused(evening.Add(30*day), idle.Refresh, session.Error{Outcome: "ended", Reason: jwt.Idle})
		h.wire.counts()
		h.refused(evening.Add(31*day), idle.Refresh, session.Error{Outcome: "ended", Reason: jwt.Idle})
		if got := h.wire.counts(); got != [3]int{1, 0, 0} {
			t.Errorf("%v reads, writes, ends: a deadline is never written down, the clock may be wrong", got)
		}
		used := h.login(evening)
		last := used
		for d := time.Duration(10); d < 90; d += 10 {
			last = h.refreshes(evening.Add(d*day), last.Refresh, "rotate")
		}
		almost := used.Session.Absolute.Add(-10 * time.Second)
		short := h.refreshes(almost, last.Refresh, "rotate")
		if c := h.claims(almost, short.Access); c.Expires != jwt.Time(used.Session.Absolute.Unix()) || short.ExpiresIn != 10*time.Second {
			t.Errorf("exp %d, expires in %v: a token outlives its session at %d", c.Expires, short.ExpiresIn, used.Session.Absolute.Unix())
		}
		h.refused(used.Session.Absolute, short.Refresh, session.Error{Outcome: "ended", Reason: jwt.Absolute})
		final := h.row(used.Session.ID)
		if !final.Absolute.Equal(used.Session.Absolute) {
			t.Error("the absolute deadline moved")
		}
		last = h.login(evening)
		moment := last.Session.Absolute.Add(-time.Microsecond)
		for d := time.Duration(20); d < 90; d += 20 {
			last = h.refreshes(evening.Add(d*day), last.Refresh, "rotate")
		}
		if final := h.refreshes(moment, last.Refresh, "rotate"); final.ExpiresIn != time.Second {
			t.Errorf("a moment before the end: expires in %v, want 1 s, not born expired", final.ExpiresIn)
		}
	})
}

// TestA094WhatIsNoRefreshToken never reaches the store.
func TestA094WhatIsNoRefreshToken(t *testing.T) {
	onEach(t, func(h *house) {
		issued := h.login(evening)
		elsewhere := newHouse(t, memory.New()).login(evening)
		bent := []byte(issued.Refresh)
		for name, raw := range map[string]string{
			"nothing": "", "an access token": issued.Access, "the prefix": "jkr_", "a padded one": issued.Refresh + "=",
			"a short one": issued.Refresh[:65], "with a space": " " + issued.Refresh[1:], "another prefix": "jkx_" + issued.Refresh[4:],
		} {
			h.wire.counts()
			h.refused(evening, raw, session.Error{Outcome: "malformed", Reason: jwt.Malformed})
			if got := h.wire.counts(); got != [3]int{} {
				t.Errorf("%s: %v reads, writes, ends; want none", name, got)
			}
		}
		for i := range bent {
			was := bent[i]
			for bent[i] = '0'; bent[i] == was; bent[i]++ {
			}
			h.refused(evening, string(bent), session.Error{Outcome: "malformed", Reason: jwt.Malformed})
			bent[i] = was
		}
		h.refused(evening, elsewhere.Refresh, session.Error{Outcome: "retry", Reason: jwt.Unavailable})
		if got := h.wire.counts(); got != [3]int{} {
			t.Errorf("%v reads, writes, ends; want none", got)
		}
	})
}

// TestAForgedTokenCostsNoQuery forges one in good shape, under a key ID of ours.
func TestAForgedTokenCostsNoQuery(t *testing.T) {
	onEach(t, func(h *house) {
		issued := h.login(evening)
		id, _ := h.cfg.Master.Signing()
		forged, err := session.RefreshToken(secret.Generate(), id, issued.Session.ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		h.wire.counts()
		h.refused(evening, forged, session.Error{Outcome: "malformed", Reason: jwt.Malformed})
		if _, err := h.Look(t.Context(), evening, forged); reasonOf(err) != jwt.Malformed {
			t.Errorf("looked at: %v", err)
		}
		if got := h.wire.counts(); got != [3]int{} {
			t.Errorf("%v reads, writes, ends; want none", got)
		}
	})
}

func TestA095NothingBroader(t *testing.T) {
	onEach(t, func(h *house) {
		h.allow("ada", "orders refunds", nil)
		narrow, err := h.Start(t.Context(), evening, session.Login{Account: "ada", Audience: "shop", Scope: "orders admin"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if c := h.claims(evening, narrow.Access); c.Scope != "orders" {
			t.Errorf("scope %q, want what is both asked for and had", c.Scope)
		}
		h.allow("ada", "orders refunds admin", nil)
		books, err := h.Refresh(t.Context(), evening, narrow.Refresh, session.Request{Audience: "books"})
		if err != nil {
			t.Fatal(err)
		}
		if c := h.claims(evening, books.Access); c.Audience[0] != "books" || c.Scope != "orders admin" {
			t.Errorf("audience %v, scope %q", c.Audience, c.Scope)
		}
		if h.row(narrow.Session.ID).Audience != "shop" {
			t.Error("the session's audience changed")
		}
		h.refusedAs(evening, books.Refresh, session.Request{Audience: "bank"}, session.Error{Outcome: "audience", Reason: jwt.BadAud})
		back := h.refreshes(evening, books.Refresh, "same")
		if c := h.claims(evening, back.Access); c.Audience[0] != "shop" {
			t.Errorf("audience %v, want the session's own", c.Audience)
		}
	})
}

func TestA096AStoreThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, memory.New())
		first := h.login(evening)
		h.wire.setCut(fmt.Errorf("dial: %w", store.ErrUnavailable))
		asked := time.Now()
		h.refused(evening, first.Refresh, session.Error{Outcome: "retry", Reason: jwt.Unavailable})
		if waited := time.Since(asked); waited != 3*time.Second {
			t.Errorf("gave up after %v, want 3 s", waited)
		}
		_, err := h.Refresh(t.Context(), evening, first.Refresh, session.Request{})
		var e *session.Error
		if !errors.Is(err, session.ErrRetry) || !errors.Is(err, store.ErrUnavailable) || !errors.As(err, &e) || e.RetryAfter != time.Second || e.Terminal() {
			t.Errorf("got %v, want ErrRetry after 1 s, the session not lost", err)
		}
		if err := h.End(t.Context(), evening, "ada", first.Session.ID, "logout", ""); !errors.Is(err, session.ErrRetry) {
			t.Errorf("End: %v", err)
		}
		if n, err := h.EndOthers(t.Context(), evening, "ada", first.Session.ID, "others", ""); n != 0 || !errors.Is(err, session.ErrRetry) {
			t.Errorf("EndOthers: %d, %v", n, err)
		}
		if n, _, err := h.EndAll(t.Context(), evening, "ada", "password", ""); n != 0 || !errors.Is(err, session.ErrRetry) {
			t.Errorf("EndAll: %d, %v", n, err)
		}
		if _, err := h.Look(t.Context(), evening, first.Refresh); !errors.Is(err, session.ErrRetry) {
			t.Errorf("Look: %v", err)
		}
		go func() {
			<-time.After(2 * time.Second)
			h.wire.setCut(nil)
		}()
		asked = time.Now()
		h.refreshes(evening, first.Refresh, "rotate")
		if waited := time.Since(asked); waited < 2*time.Second || waited >= 3*time.Second {
			t.Errorf("a store that was away for 2 s made it wait %v", waited)
		}
	})
}

// TestTroubleNeverLogsOut breaks one thing after another in a refresh.
func TestTroubleNeverLogsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, memory.New())
		first := h.login(evening)
		trouble := session.Error{Outcome: "retry", Reason: jwt.Unavailable}

		h.deny("ada", errors.New("accounts are away"))
		h.refused(evening, first.Refresh, trouble)
		h.deny("ada", nil)

		h.wire.swapping = func() error { return session.ErrConflict }
		h.wire.counts()
		h.refused(evening, first.Refresh, trouble)
		if got := h.wire.counts(); got != [3]int{2, 2, 0} {
			t.Errorf("%v reads, writes, ends; want two tries", got)
		}
		h.wire.swapping = nil

		cfg := h.cfg
		h.cfg.Signer = jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return nil, errors.New("no key") }, jwt.KindAccess)
		h.rebuild()
		h.refused(evening, first.Refresh, trouble)
		h.cfg = cfg
		h.rebuild()
		h.refreshes(evening, first.Refresh, "replay") // it was rotated, and the answer lost
	})
}

func TestA199NoFalseAlarm(t *testing.T) {
	onEach(t, func(h *house) {
		first := h.login(evening)
		tabs := h.refreshes(evening.Add(7*time.Minute), first.Refresh, "rotate")
		now := evening.Add(7 * time.Minute)
		for i := range 9 { // ten tabs at once
			if i := h.refreshes(now.Add(time.Duration(i)*time.Second), first.Refresh, "replay"); i.Refresh != tabs.Refresh {
				t.Fatal("tabs were given different tokens")
			}
		}
		now = now.Add(8 * time.Hour) // the laptop wakes
		woken := h.refreshes(now, tabs.Refresh, "rotate")
		h.refreshes(now, tabs.Refresh, "replay")                      // a proxy sends it again
		h.refreshes(now.Add(3*time.Second), tabs.Refresh, "replay")   // and again
		h.refreshes(now.Add(5*time.Second), woken.Refresh, "same")    // another tab
		h.refreshes(now.Add(9*time.Minute), tabs.Refresh, "replay")   // none of these answers arrived
		h.refreshes(now.Add(18*time.Minute), woken.Refresh, "rotate") // that one did
		if row := h.row(first.Session.ID); row.State != session.Active || row.Late != 1 {
			t.Errorf("%s with %d late, want one late replay and nobody logged out", row.State, row.Late)
		}
	})
}

// TestA110TheThiefIsOutToo lets owner and thief take turns.
func TestA110TheThiefIsOutToo(t *testing.T) {
	onEach(t, func(h *house) {
		owner := h.login(evening).Refresh
		thief, now := owner, evening
		for range 2 {
			now = now.Add(5 * time.Minute)
			thief = h.refreshes(now, thief, "rotate").Refresh
			now = now.Add(2 * time.Minute)
			owner = h.refreshes(now, owner, "replay").Refresh
		}
		now = now.Add(5 * time.Minute)
		thief = h.refreshes(now, thief, "rotate").Refresh
		h.refused(now.Add(2*time.Minute), owner, session.Error{Outcome: "reused", Reason: jwt.Reused})
		h.refused(now.Add(3*time.Minute), thief, session.Error{Outcome: "ended", Reason: jwt.Reused})
	})
}

// TestASessionThatAFailoverRevives was ended, and the store forgot.
func TestASessionThatAFailoverRevives(t *testing.T) {
	onEach(t, func(h *house) {
		first := h.login(evening)
		alive := h.row(first.Session.ID)
		if err := h.End(t.Context(), evening, "ada", alive.ID, "logout", ""); err != nil {
			t.Fatal(err)
		}
		h.follow()
		dead := h.row(alive.ID)
		revived := alive
		revived.Events = append(revived.Events, session.Event{At: evening, Kind: "test"})
		if err := h.backend.Set().Sessions.Swap(t.Context(), dead, revived); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Look(t.Context(), evening, first.Refresh); reasonOf(err) != jwt.Revoked {
			t.Errorf("looked at: %v, want revoked", err)
		}
		h.refused(evening.Add(time.Minute), first.Refresh, session.Error{Outcome: "ended", Reason: jwt.Revoked})
		if row := h.row(alive.ID); row.State != session.Ended || row.EndReason != "logout" {
			t.Errorf("%s because %q, want it ended again", row.State, row.EndReason)
		}
	})
}

// TestHealWhatTheStoreForgot lets the store lose a rotation, then many.
func TestHealWhatTheStoreForgot(t *testing.T) {
	onEach(t, func(h *house) {
		for i := range 4 {
			first := h.login(evening)
			before := h.row(first.Session.ID)
			second := h.refreshes(evening, first.Refresh, "rotate")
			after := h.row(first.Session.ID)
			if err := h.backend.Set().Sessions.Swap(t.Context(), after, before); err != nil {
				t.Fatal(err)
			}
			if healed := h.refreshes(evening.Add(time.Second), second.Refresh, "heal"); healed.Refresh != "" {
				t.Error("heal came with a refresh token")
			}
			h.refreshes(evening.Add(time.Second), second.Refresh, "same")
			if row := h.row(before.ID); row.Generation != 1 {
				t.Errorf("generation %d, want what the client showed", row.Generation)
			}
			if got, want := h.Stats().Restores, uint64(i/3); got != want {
				t.Errorf("%d heals in a minute: %d restores, want %d", i+1, got, want)
			}
		}
	})
}

func TestMasterKeysChange(t *testing.T) {
	onEach(t, func(h *house) {
		older, newer := secret.Generate(), secret.Generate()
		node := func(current secret.Key, accepted ...secret.Key) {
			h.cfg.Master = secret.NewRing(current, accepted...)
			h.rebuild()
		}
		node(older)
		first := h.login(evening)
		node(older, newer) // accepted on every node first
		second := h.refreshes(evening, first.Refresh, "rotate")
		node(newer, older) // then it signs
		lost := h.refreshes(evening, first.Refresh, "replay")
		if lost.Refresh != second.Refresh {
			t.Error("a replay across the change of keys is not byte-identical")
		}
		third := h.refreshes(evening.Add(time.Hour), second.Refresh, "rotate")
		node(older) // a node that was left behind
		h.refused(evening.Add(time.Hour), third.Refresh, session.Error{Outcome: "retry", Reason: jwt.Unavailable})
		h.refused(evening.Add(time.Hour), second.Refresh, session.Error{Outcome: "retry", Reason: jwt.Unavailable})
		node(newer)
		h.refreshes(evening.Add(2*time.Hour), third.Refresh, "rotate")
	})
}

func TestABoundSession(t *testing.T) {
	onEach(t, func(h *house) {
		bound, err := h.Start(t.Context(), evening, session.Login{Account: "ada", Audience: "shop", Binding: "thumb"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := session.Error{Outcome: "binding", Reason: jwt.Binding}
		h.wire.counts()
		for range 5 { // a thief tries, and fills no ledger
			h.refused(evening, bound.Refresh, want)
		}
		if got := h.wire.counts(); got != [3]int{5, 1, 0} {
			t.Errorf("%v reads, writes, ends; want one event", got)
		}
		h.refusedAs(evening, bound.Refresh, session.Request{Binding: "other"}, want)
		issued, err := h.Refresh(t.Context(), evening, bound.Refresh, session.Request{Binding: "thumb"})
		if err != nil || issued.Outcome != "rotate" {
			t.Errorf("%q, %v; want the owner untouched", issued.Outcome, err)
		}
	})
}

func TestLookChangesNothing(t *testing.T) {
	onEach(t, func(h *house) {
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

func TestA192StoredTimesInTheFuture(t *testing.T) {
	onEach(t, func(h *house) {
		first := h.login(evening.Add(time.Hour)) // on a node that is an hour ahead
		second := h.refreshes(evening.Add(time.Hour), first.Refresh, "rotate")
		h.wire.counts()
		h.refreshes(evening, second.Refresh, "same")
		if got := h.wire.counts(); got != [3]int{1, 1, 0} {
			t.Errorf("%v reads, writes, ends; want the correction written", got)
		}
		h.refreshes(evening.Add(time.Second), second.Refresh, "same")
		if got := h.wire.counts(); got != [3]int{1, 0, 0} {
			t.Errorf("%v reads, writes, ends; want it written once", got)
		}
		row := h.row(first.Session.ID)
		if last := row.Events[len(row.Events)-1]; last.Kind != "clock" || row.HeldAt.After(evening) {
			t.Errorf("held at %v, last event %+v", row.HeldAt, last)
		}
	})
}

func reasonOf(err error) jwt.Reason {
	if e := (*session.Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
