package session_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestTheLoserIsAnswered(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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
		if got := h.wire.counts(); got != [3]int{8, 8, 0} {
			t.Errorf("%v reads, writes, ends; want eight tries", got)
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

func TestASessionThatAFailoverRevives(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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

func TestHealWhatTheStoreForgot(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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
	onEach(t, func(t *testing.T, h *house) {
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

func TestA192StoredTimesInTheFuture(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
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
