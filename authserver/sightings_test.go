package authserver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// reported builds a house whose feed also takes sightings and questions. The
// feed is made before the rooms, so they are looked up when they are asked.
func reported(t *testing.T, backend store.Backend) *house {
	t.Helper()
	var h *house
	handler := feedOf(t, backend, func(c *feed.HandlerConfig) {
		c.Settle = 95 * time.Second
		c.Sight = func(ctx context.Context, audiences []string, seen []feed.Sighting) error {
			take, settle := authserver.Sightings(h.cfg.Sessions, h.cfg.Clock)
			if settle != 95*time.Second {
				t.Errorf("settle %v", settle)
			}
			return take(ctx, audiences, seen)
		}
		c.Verdict = func(ctx context.Context, q *revocation.Query) (revocation.Verdict, error) {
			return authserver.Verdicts(h.cfg.Acts, h.cfg.Clock)(ctx, q)
		}
	})
	h = build(t, backend, func(c *authserver.Config) { c.Feed = handler })
	return h
}

func (h *house) sees(credential, access string, age int) *reply {
	h.t.Helper()
	c := claims(h.t, access)
	return h.do("POST", "/revocation/v1/sightings", bearer(credential),
		body("application/json", fmt.Sprintf(`{"v":1,"e":[{"sid":%q,"gen":%q,"age":%d}]}`, c["sid"], c["gen"], age)))
}

func (h *house) confirmed(access string) bool {
	h.t.Helper()
	row, err := h.cfg.Sessions.Find(h.t.Context(), claims(h.t, access)["sid"].(string))
	h.must(err)
	return !row.ConfirmedAt.IsZero()
}

// A service of the session's audience reports its token: a thief who comes with
// the older refresh token is found, instead of being taken for a second tab.
func TestAServiceHelpsToFindAThief(t *testing.T) {
	h := reported(t, memory.New())
	stolen := h.program("ada")
	h.clock.pass(7 * time.Minute)
	owner := h.do("POST", "/session/refresh", form("refresh_token", stolen.Refresh)).want(201).tokens()
	h.clock.pass(2 * time.Minute)
	if r := h.sees(others, owner.Access, 120).want(204); h.confirmed(owner.Access) || r.body != "" {
		t.Errorf("a service of another audience confirmed it; %q", r.body)
	}
	if r := h.sees(sight, stolen.Access, 540).want(204); h.confirmed(owner.Access) || r.body != "" {
		t.Errorf("a token of the generation before confirmed it; %q", r.body)
	}
	if r := h.sees(sight, owner.Access, 120).want(204); !h.confirmed(owner.Access) || r.body != "" {
		t.Errorf("not confirmed; %q", r.body)
	}
	if text := h.do("GET", "/metrics", asAdmin).want(200).body; !strings.Contains(text, "\njotkeeper_sightings_confirmed 1\n") {
		t.Error("it is not counted")
	}
	h.clock.pass(time.Minute)
	h.do("POST", "/session/refresh", form("refresh_token", stolen.Refresh)).wantCode(401, "reused")
	h.do("GET", "/revocation/v1/check", bearer(owner.Access)).wantCode(401, "revoked")
}

// Nobody can tell from the answer which sessions are there.
func TestSightingsAreAnsweredAlike(t *testing.T) {
	h := reported(t, memory.New())
	p := h.program("ada")
	h.clock.pass(2 * time.Minute)
	answers := map[string]bool{}
	for _, text := range []string{
		fmt.Sprintf(`{"v":1,"e":[{"sid":%q,"gen":%q,"age":120}]}`, claims(t, p.Access)["sid"], claims(t, p.Access)["gen"]),
		fmt.Sprintf(`{"v":1,"e":[{"sid":%q,"gen":"0.AAAAAAAAAAA","age":120}]}`, claims(t, p.Access)["sid"]),
		`{"v":1,"e":[{"sid":"nobodys","gen":"0.AAAAAAAAAAA","age":120}]}`,
		`{"v":1,"e":[]}`,
	} {
		r := h.do("POST", "/revocation/v1/sightings", bearer(sight), body("application/json", text)).want(204)
		r.Header.Del("X-Request-Id")
		answers[fmt.Sprint(r.Header, r.body)] = true
	}
	if len(answers) != 1 {
		t.Errorf("different answers: %v", answers)
	}
}

// A clock that cannot be trusted, or a store that is away, is 503.
func TestSightingsAndQuestionsWaitForTrouble(t *testing.T) {
	h := reported(t, memory.New())
	p := h.program("ada")
	h.clock.pass(2 * time.Minute)
	h.clock.fail(errors.New("set by an hour"))
	h.sees(sight, p.Access, 120).wantCode(503, "unavailable")
	h.question(p.Access).wantCode(503, "unavailable")
	h.clock.heal()
	h.must(h.backend.Close())
	h.sees(sight, p.Access, 120).wantCode(503, "unavailable")
	h.question(p.Access).wantCode(503, "unavailable")
}

func (h *house) question(access string) *reply {
	h.t.Helper()
	c := claims(h.t, access)
	return h.do("POST", "/revocation/v1/check", bearer(asks), body("application/json",
		fmt.Sprintf(`{"iss":%q,"jti":%q,"sid":%q,"sub":%q,"rev":%q,"iat":%.0f}`, c["iss"], c["jti"], c["sid"], c["sub"], c["rev"], c["iat"])))
}

// Whoever may ask hears of a logout, of a lock and of changed rights from the log
// itself, without a token.
func TestAQuestionByIdentifiers(t *testing.T) {
	onEachFeed(t, func(t *testing.T, h *house) {
		first, second := h.program("ada"), h.program("bob")
		h.question(first.Access).want(200).wantBody(`{"active":true}`)
		h.do("DELETE", "/session", bearer(first.Access)).want(200)
		h.question(first.Access).want(200).wantBody(`{"active":false,"reason":"revoked"}`)
		h.question(second.Access).want(200).wantBody(`{"active":true}`)
		h.do("PATCH", "/accounts/2", asAdmin, form("scope", "pay")).want(200)
		h.question(second.Access).want(200).wantBody(`{"active":true,"renew":true}`)
		second = h.do("POST", "/session/refresh", form("refresh_token", second.Refresh)).want(201).tokens()
		h.question(second.Access).want(200).wantBody(`{"active":true}`)
		h.do("PATCH", "/accounts/2/lock", asAdmin).want(200)
		h.question(second.Access).want(200).wantBody(`{"active":false,"reason":"revoked"}`)
	})
}

func onEachFeed(t *testing.T, evening func(t *testing.T, h *house)) {
	t.Run("memory", func(t *testing.T) { evening(t, reported(t, memory.New())) })
	t.Run("sqlite", func(t *testing.T) { evening(t, reported(t, sqliteBackend(t))) })
}
