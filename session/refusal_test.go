package session_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestA090RightsAreAskedAgain(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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

func TestA090NothingAfterTheEnd(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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

func TestA109AnAccountThatIsGone(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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
	onEach(t, func(t *testing.T, h *house) {
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

func TestA094WhatIsNoRefreshToken(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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

func TestAForgedTokenCostsNoQuery(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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
	onEach(t, func(t *testing.T, h *house) {
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
		h.cfg.Allows = func(audience string) bool { return audience == "books" }
		h.cfg.Audiences = nil
		h.rebuild()
		if _, err := h.Refresh(t.Context(), evening, books.Refresh, session.Request{Audience: "books"}); err != nil {
			t.Errorf("an audience that is allowed: %v", err)
		}
		h.refusedAs(evening, books.Refresh, session.Request{Audience: "bank"}, session.Error{Outcome: "audience", Reason: jwt.BadAud})
		back := h.refreshes(evening, books.Refresh, "same")
		if c := h.claims(evening, back.Access); c.Audience[0] != "shop" {
			t.Errorf("audience %v, want the session's own", c.Audience)
		}
	})
}

func TestABoundSession(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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

func reasonOf(err error) jwt.Reason {
	if e := (*session.Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
