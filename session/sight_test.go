package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
)

// shop is what the houses' verifiers are good for.
var shop = []string{"library", "shop"}

// seen is what a verifier reports of an access token.
func (h *house) seen(issued session.Issued, kept time.Duration) session.Sighting {
	h.Helper()
	return session.Sighting{SessionID: issued.Session.ID, Generation: h.claims(evening, issued.Access).Generation, Kept: kept}
}

// TestASightingFindsTheThiefAtOnce has a verifier report what it saw.
func TestASightingFindsTheThiefAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		stolen := h.login(evening)
		owner := h.refreshes(evening, stolen.Refresh, "rotate")
		good := h.seen(owner, 90*time.Second)
		old := h.seen(stolen, time.Hour).Generation
		_, oldTag, _ := strings.Cut(old, ".")
		for name, c := range map[string]session.Sighting{
			"too early":              {good.SessionID, good.Generation, 89 * time.Second},
			"of another generation":  {good.SessionID, old, time.Hour},
			"made up":                {good.SessionID, "1.AAAAAAAAAAA", time.Hour},
			"an old token's tag":     {good.SessionID, "1." + oldTag, time.Hour},
			"of another session":     {h.login(evening).Session.ID, good.Generation, time.Hour},
			"of no session":          {jwt.NewID(), good.Generation, time.Hour},
			"a number only":          {good.SessionID, "1", time.Hour},
			"no number":              {good.SessionID, "one" + good.Generation[1:], time.Hour},
			"a tag for generation 2": {good.SessionID, "2" + good.Generation[1:], time.Hour},
		} {
			if confirmed, err := h.Sight(t.Context(), evening.Add(2*time.Minute), shop, c); confirmed != 0 || err != nil {
				t.Errorf("%s: %v, %v; want nothing confirmed", name, confirmed, err)
			}
		}
		h.refreshes(evening.Add(2*time.Minute), stolen.Refresh, "replay")
		confirmed, err := h.Sight(t.Context(), evening.Add(2*time.Minute), shop, good)
		if confirmed != 1 || err != nil {
			t.Fatalf("%v, %v; want it confirmed", confirmed, err)
		}
		if again, _ := h.Sight(t.Context(), evening.Add(3*time.Minute), shop, good); again != 0 {
			t.Error("confirmed twice")
		}
		h.refused(evening.Add(4*time.Minute), stolen.Refresh, session.Error{Outcome: "reused", Reason: jwt.Reused})
	})
}

// A service that is not the session's has never been shown its token by an
// honest client.
func TestASightingCountsForTheAudienceOfTheSession(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		one := h.seen(h.login(evening), time.Hour)
		for _, audiences := range [][]string{nil, {}, {"library"}, {""}, {"shop.example.com", "sho"}} {
			if confirmed, err := h.Sight(t.Context(), evening.Add(time.Hour), audiences, one); confirmed != 0 || err != nil {
				t.Errorf("%q: %v, %v; want nothing confirmed", audiences, confirmed, err)
			}
		}
		if confirmed, err := h.Sight(t.Context(), evening.Add(time.Hour), shop, one); confirmed != 1 || err != nil {
			t.Errorf("%v, %v; want it confirmed", confirmed, err)
		}
	})
}

// What a batch costs: one read for each genuine report, however often it is in
// it, and one write for each session that is confirmed. Forgeries cost neither.
func TestABatchOfSightingsIsCounted(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		const n = 20
		var batch, forged, early []session.Sighting
		for range n {
			one := h.seen(h.login(evening), time.Hour)
			batch = append(batch, one, one)
			forged = append(forged, session.Sighting{SessionID: one.SessionID, Generation: "0.AAAAAAAAAAA", Kept: time.Hour})
			early = append(early, session.Sighting{SessionID: one.SessionID, Generation: one.Generation, Kept: time.Minute})
		}
		h.wire.counts()
		for _, c := range []struct {
			name         string
			batch        []session.Sighting
			confirmed    int
			finds, swaps int
		}{
			{name: "forgeries", batch: forged},
			{name: "too early", batch: early},
			{name: "none", batch: nil},
			{name: "news", batch: batch, confirmed: n, finds: n, swaps: n},
			{name: "confirmed already", batch: batch, finds: n},
		} {
			confirmed, err := h.Sight(t.Context(), evening.Add(time.Hour), shop, c.batch...)
			if got, want := h.wire.counts(), [3]int{c.finds, c.swaps, 0}; confirmed != c.confirmed || err != nil || got != want {
				t.Errorf("%s: %d confirmed, %v, reads, writes, ends %v; want %d, %v", c.name, confirmed, err, got, c.confirmed, want)
			}
		}
		if got := h.Stats().Sighted; got != n {
			t.Errorf("%d counted, want %d", got, n)
		}
	})
}

func TestSightingsWhileTheStoreIsAway(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		one := h.seen(h.login(evening), time.Hour)
		h.wire.setCut(errors.New("away"))
		if _, err := h.Sight(t.Context(), evening, shop, one); !errors.Is(err, session.ErrRetry) {
			t.Errorf("store away: %v, want ErrRetry", err)
		}
		h.wire.setCut(nil)
		h.wire.swapping = func() error { return errors.New("away") }
		if _, err := h.Sight(t.Context(), evening.Add(time.Hour), shop, one); !errors.Is(err, session.ErrRetry) {
			t.Errorf("store away at the write: %v, want ErrRetry", err)
		}
		h.wire.swapping = func() error { return session.ErrConflict }
		if confirmed, err := h.Sight(t.Context(), evening.Add(time.Hour), shop, one); confirmed != 0 || err != nil {
			t.Errorf("overtaken: %v, %v", confirmed, err)
		}
		if _, tag, _ := strings.Cut(one.Generation, "."); len(tag) != 11 {
			t.Errorf("tag %q, want 64 bits in 11 characters", tag)
		}
	})
}

// The tag of a session that was refreshed under a master key which does not sign
// any more holds as long as the key is in the list.
func TestASightingUnderAnOlderMasterKey(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		older := secret.Generate()
		h.cfg.Master = secret.NewRing(older)
		h.rebuild()
		one := h.seen(h.login(evening), time.Hour)
		h.cfg.Master = secret.NewRing(secret.Generate(), older)
		h.rebuild()
		if confirmed, err := h.Sight(t.Context(), evening.Add(time.Hour), shop, one); confirmed != 1 || err != nil {
			t.Errorf("%d, %v; want it confirmed", confirmed, err)
		}
	})
}

// A verifier whose clock is far ahead takes a fresh token for an old one. The
// generation is as young as it is.
func TestAFastClockConfirmsNothingBeforeItsTime(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		one := h.seen(h.login(evening), time.Hour)
		for after, want := range map[time.Duration]int{89 * time.Second: 0, 90 * time.Second: 1} {
			h.settle(one.SessionID, time.Time{})
			if confirmed, err := h.Sight(t.Context(), evening.Add(after), shop, one); confirmed != want || err != nil {
				t.Errorf("%v after the login: %v, %v; want %v", after, confirmed, err, want)
			}
		}
	})
}
