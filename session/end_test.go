package session_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

// verdictOf returns why an access token is revoked here, "" when it is not.
func (h *house) verdictOf(raw string, now time.Time) string {
	h.Helper()
	q := revocation.QueryOf(h.claims(now, raw), h.key.ID())
	v := h.index.Check(now, &q)
	if v.Action != revocation.Revoke {
		return ""
	}
	return v.Reason
}

func TestEndAllEndsWhatIsUnderWay(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		old, epoch := h.login(evening), h.epoch("ada")
		other := h.loginAs(evening, "bob")
		under := h.Prepare(evening, session.Login{Account: "ada", Audience: "shop"}) // its password was checked already

		var fresh session.Row
		var rev revocation.Cursor
		err := h.backend.Together(t.Context(), func(tx store.Set) error {
			s := h.On(tx.Sessions)
			n, cursor, err := s.EndAll(t.Context(), evening, "ada", "password", "r-1")
			if err != nil || n != 1 || cursor != (revocation.Cursor{Epoch: 1, Seq: 2}) {
				t.Errorf("ended %d at %v, %v; want 1 at 1:2", n, cursor, err)
			}
			now, err := s.Epoch(t.Context(), "ada")
			if err != nil {
				return err
			}
			fresh = s.Prepare(evening, session.Login{Account: "ada", Audience: "shop"})
			rev, err = s.Insert(t.Context(), fresh, now)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		kept, err := h.Issue(t.Context(), evening, fresh, rev)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Insert(t.Context(), under, epoch); !errors.Is(err, session.ErrConflict) {
			t.Errorf("a login under way: %v, want ErrConflict", err)
		}
		h.follow()
		for name, c := range map[string]struct{ raw, want string }{
			"before": {old.Access, "password"}, "the new one": {kept.Access, ""}, "somebody else's": {other.Access, ""},
		} {
			if got := h.verdictOf(c.raw, evening); got != c.want {
				t.Errorf("%s: verdict %q, want %q", name, got, c.want)
			}
		}
	})
}

func TestEndOthersKeepsThisOne(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		a, b, c := h.login(evening), h.login(evening), h.login(evening)
		n, err := h.EndOthers(t.Context(), evening, "ada", b.Session.ID, "others", "")
		if err != nil || n != 2 {
			t.Fatalf("ended %d, %v; want 2", n, err)
		}
		for _, entry := range h.follow() {
			if entry.Rule.Scope != revocation.ScopeSession || entry.Rule.ID == b.Session.ID {
				t.Errorf("rule %+v: want one for each ended session, none for the account", entry.Rule)
			}
			if want := evening.Add(16 * time.Minute); entry.Rule.Until.Before(want) {
				t.Errorf("the rule is forgotten at %v, before every token has expired", entry.Rule.Until)
			}
		}
		for _, gone := range []session.Issued{a, c} {
			if h.verdictOf(gone.Access, evening) != "others" {
				t.Error("an ended session's access token is still good")
			}
		}
		if h.verdictOf(b.Access, evening) != "" {
			t.Error("the kept session lost its access token")
		}
		h.refreshes(evening, b.Refresh, "rotate")
		if _, err := h.EndOthers(t.Context(), evening, "ada", "", "others", ""); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("no session to keep: %v, want ErrNotFound", err)
		}
	})
}

func TestA097EndWhatIsNotYours(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		victim, gone := h.loginAs(evening, "bob"), h.login(evening)
		if err := h.End(t.Context(), evening, "ada", gone.Session.ID, "logout", ""); err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, sid := range []string{victim.Session.ID, gone.Session.ID, jwt.NewID(), "", "' OR 1=1"} {
			err := h.End(t.Context(), evening, "ada", sid, "logout", "")
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%q: %v, want ErrNotFound", sid, err)
				continue
			}
			texts = append(texts, err.Error())
		}
		for _, text := range texts {
			if text != texts[0] {
				t.Errorf("%q and %q tell one from the other", text, texts[0])
			}
		}
		h.refreshes(evening, victim.Refresh, "rotate")
	})
}

func TestA107CapUnderARace(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		h.cfg.Policy.Max = 5
		h.rebuild()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if _, err := h.Start(t.Context(), evening.Add(time.Duration(i)*time.Second), session.Login{Account: "ada", Audience: "shop"}, 0); err != nil {
					t.Error(err)
				}
				if live, err := h.List(t.Context(), evening.Add(time.Hour), "ada"); err != nil || len(live) > 5 {
					t.Errorf("%d live sessions, %v; want at most 5", len(live), err)
				}
			})
		}
		wg.Wait()
		live, err := h.List(t.Context(), evening.Add(time.Hour), "ada")
		if err != nil || len(live) != 5 {
			t.Errorf("%d live sessions, %v; want 5", len(live), err)
		}
		if rules := h.follow(); len(rules) != 45 || rules[0].Rule.Until.Before(evening.Add(15*time.Minute)) {
			t.Errorf("%d rules, want one for each of the 45 that left, kept for a token's life", len(rules))
		}
	})
}

func TestA108TheListTellsNoSecret(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		laptop, phone := h.login(evening), h.login(evening.Add(time.Minute))
		list, err := h.List(t.Context(), evening.Add(time.Hour), "ada")
		if err != nil || len(list) != 2 {
			t.Fatalf("%d sessions, %v", len(list), err)
		}
		if list[0].ID != phone.Session.ID {
			t.Error("the newest login is not first")
		}
		for _, row := range list {
			if !row.SeenAt.Equal(row.SeenAt.Truncate(time.Hour)) {
				t.Errorf("seen at %v: a thief learns when the owner refreshed", row.SeenAt)
			}
			for _, e := range row.Events {
				if strings.Contains(e.Note, "jkr_") {
					t.Errorf("an event holds a token: %+v", e)
				}
			}
		}
		if err := h.End(t.Context(), evening.Add(time.Hour), "ada", phone.Session.ID, "ended by owner", ""); err != nil {
			t.Fatal(err)
		}
		h.refreshes(evening.Add(time.Hour), laptop.Refresh, "rotate")
		if list, _ := h.List(t.Context(), evening.Add(time.Hour), "ada"); len(list) != 1 || list[0].ID != laptop.Session.ID {
			t.Errorf("left: %+v", list)
		}
		if list, _ := h.List(t.Context(), evening.Add(31*24*time.Hour), "ada"); len(list) != 0 {
			t.Errorf("%d sessions past idle are listed", len(list))
		}
	})
}

func TestSweepKeepsWhatPeopleAskAbout(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		const day = 24 * time.Hour
		first := h.login(evening)
		if err := h.End(t.Context(), evening, "ada", first.Session.ID, "logout", ""); err != nil {
			t.Fatal(err)
		}
		if n, err := h.Sweep(t.Context(), evening.Add(29*day)); n != 0 || err != nil {
			t.Errorf("swept %d after 29 days, %v", n, err)
		}
		if n, err := h.Sweep(t.Context(), evening.Add(31*day)); n != 1 || err != nil {
			t.Errorf("swept %d after 31 days, %v; want 1", n, err)
		}
		h.refused(evening.Add(31*day), first.Refresh, session.Error{Outcome: "ended", Reason: jwt.Revoked})
		if _, err := h.Explain(t.Context(), first.Session.ID); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("explained: %v, want ErrNotFound", err)
		}
	})
}

// TestTheLedgerIsBounded has a session with more events than it keeps.
func TestTheLedgerIsBounded(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		now, parent := evening, h.login(evening)
		current := h.refreshes(now, parent.Refresh, "rotate")
		for i := range 100 {
			now = now.Add(10 * time.Minute)
			if i%2 == 0 {
				h.refreshes(now, parent.Refresh, "replay")
				continue
			}
			parent, current = current, h.refreshes(now, current.Refresh, "rotate")
			now = now.Add(10 * time.Minute)
			parent, current = current, h.refreshes(now, current.Refresh, "rotate")
		}
		events := h.row(parent.Session.ID).Events
		if len(events) != 32 || events[0].Kind != "login" || events[31].Kind != "rotate" {
			t.Errorf("%d events from %q to %q; want the login and the newest 31", len(events), events[0].Kind, events[31].Kind)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		for want, spoil := range map[string]func(*session.Config){
			"Issuer is missing":  func(c *session.Config) { c.Issuer = "" },
			"Store is missing":   func(c *session.Config) { c.Store = nil },
			"Signer is missing":  func(c *session.Config) { c.Signer = nil },
			"Checker is missing": func(c *session.Config) { c.Checker = nil },
			"must not decrease":  func(c *session.Config) { c.Policy.Idle = 100 * 24 * time.Hour },
			"at least 1 s":       func(c *session.Config) { c.Policy.AccessTTL = time.Millisecond },
			"at least twice":     func(c *session.Config) { c.Policy.Hold = 59 * time.Second },
			"longer than Grace":  func(c *session.Config) { c.Policy.Settle = 30 * time.Second },
			"not be negative":    func(c *session.Config) { c.Policy.Max = -1 },
		} {
			c := h.cfg
			spoil(&c)
			if _, err := session.New(c); !errors.Is(err, session.ErrConfig) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want ErrConfig with %q", err, want)
			}
		}
		for _, l := range []session.Login{{Audience: "shop"}, {Account: "ada"}} {
			if _, err := h.Start(t.Context(), evening, l, 0); !errors.Is(err, session.ErrLogin) {
				t.Errorf("%+v: %v, want ErrLogin", l, err)
			}
		}
	})
}

func TestCookieNames(t *testing.T) {
	const sid = "AbCdEfGh_-0123456789xy"
	for secure, want := range map[bool]string{true: "__Host-jkr-AbCdEfGh", false: "jkr-AbCdEfGh"} {
		if got := session.CookieName(sid, secure); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := session.CookieName("ab", false); got != "jkr-ab" {
		t.Errorf("got %q", got)
	}
}
