package session_test

import (
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/session"
)

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
	onEach(t, func(t *testing.T, h *house) {
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

func TestA087GrandparentInEitherOrder(t *testing.T) {
	for _, thiefFirst := range []bool{true, false} {
		onEach(t, func(t *testing.T, h *house) {
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
	onEach(t, func(t *testing.T, h *house) {
		first := h.login(evening)
		h.refreshes(evening, first.Refresh, "rotate")
		for s := range 12 {
			h.refreshes(evening.Add(time.Duration(s)*10*time.Second), first.Refresh, "replay")
		}
		h.settle(first.Session.ID, evening.Add(2*time.Minute))
		h.refused(evening.Add(3*time.Minute), first.Refresh, session.Error{Outcome: "reused", Reason: jwt.Reused})
	})
}

func TestA199NoFalseAlarm(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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

func TestA110TheThiefIsOutToo(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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
