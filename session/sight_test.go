package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/session"
)

// TestASightingFindsTheThiefAtOnce has a verifier report what it saw.
func TestASightingFindsTheThiefAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		stolen := h.login(evening)
		owner := h.refreshes(evening, stolen.Refresh, "rotate")
		gen, sid := h.claims(evening, owner.Access).Generation, owner.Session.ID
		old := h.claims(evening, stolen.Access).Generation
		_, oldTag, _ := strings.Cut(old, ".")
		other := h.login(evening).Session.ID
		for name, c := range map[string]struct {
			sid, gen string
			kept     time.Duration
		}{
			"too early":              {sid, gen, 89 * time.Second},
			"of another generation":  {sid, old, time.Hour},
			"made up":                {sid, "1.AAAAAAAAAAA", time.Hour},
			"an old token's tag":     {sid, "1." + oldTag, time.Hour},
			"of another session":     {other, gen, time.Hour},
			"of no session":          {jwt.NewID(), gen, time.Hour},
			"a number only":          {sid, "1", time.Hour},
			"no number":              {sid, "one" + gen[1:], time.Hour},
			"a tag for generation 2": {sid, "2" + gen[1:], time.Hour},
		} {
			if confirmed, err := h.Sight(t.Context(), evening.Add(2*time.Minute), c.sid, c.gen, c.kept); confirmed || err != nil {
				t.Errorf("%s: %v, %v; want nothing confirmed", name, confirmed, err)
			}
		}
		h.refreshes(evening.Add(2*time.Minute), stolen.Refresh, "replay")
		confirmed, err := h.Sight(t.Context(), evening.Add(2*time.Minute), sid, gen, 90*time.Second)
		if !confirmed || err != nil {
			t.Fatalf("%v, %v; want it confirmed", confirmed, err)
		}
		if again, _ := h.Sight(t.Context(), evening.Add(3*time.Minute), sid, gen, 3*time.Minute); again {
			t.Error("confirmed twice")
		}
		h.refused(evening.Add(4*time.Minute), stolen.Refresh, session.Error{Outcome: "reused", Reason: jwt.Reused})
	})
}

func TestASightingIsNoUseToWhoHasNoToken(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		issued := h.login(evening)
		gen := h.claims(evening, issued.Access).Generation
		h.wire.setCut(errors.New("away"))
		if _, err := h.Sight(t.Context(), evening, issued.Session.ID, gen, time.Hour); !errors.Is(err, session.ErrRetry) {
			t.Errorf("store away: %v, want ErrRetry", err)
		}
		h.wire.setCut(nil)
		h.wire.swapping = func() error { return session.ErrConflict }
		if confirmed, err := h.Sight(t.Context(), evening.Add(time.Hour), issued.Session.ID, gen, time.Hour); confirmed || err != nil {
			t.Errorf("overtaken: %v, %v", confirmed, err)
		}
		if _, tag, _ := strings.Cut(gen, "."); len(tag) != 11 {
			t.Errorf("tag %q, want 64 bits in 11 characters", tag)
		}
	})
}

// A verifier whose clock is far ahead takes a fresh token for an old one. The
// generation is as young as it is.
func TestAFastClockConfirmsNothingBeforeItsTime(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		issued := h.login(evening)
		gen, sid := h.claims(evening, issued.Access).Generation, issued.Session.ID
		for after, want := range map[time.Duration]bool{89 * time.Second: false, 90 * time.Second: true} {
			h.settle(sid, time.Time{})
			if confirmed, err := h.Sight(t.Context(), evening.Add(after), sid, gen, time.Hour); confirmed != want || err != nil {
				t.Errorf("%v after the login: %v, %v; want %v", after, confirmed, err, want)
			}
		}
	})
}
