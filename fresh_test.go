package jotkeeper_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// An account was given more rights at 1:5. Tokens from before go on working, and
// say that they should be renewed; only a route that demands it refuses them.
func TestARotateRuleRefusesNobodyButOnAFreshRoute(t *testing.T) {
	x := revocation.NewIndex(issuer)
	changed := revocation.SubjectChanged("42", "rights", time.Now().Add(time.Hour))
	changed.Before = revocation.Cursor{Epoch: 1, Seq: 5}
	if err := x.Apply(revocation.Entry{Cursor: changed.Before, Rule: changed}); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, func(c *jotkeeper.Config) { c.Revocations = x })
	old, next := h.token(rev("1:4")), h.token(rev("1:5"), scope("pay"))
	fresh, pay := jotkeeper.Fresh(), jotkeeper.Scope("pay")
	for _, c := range []struct {
		name, token  string
		opts         []jotkeeper.Option
		status       int
		reason, mark string
	}{
		{"old", old, nil, 200, "", "1"},
		{"old, fresh", old, []jotkeeper.Option{fresh}, 401, "stale", "1"},
		{"old, without the new right", old, []jotkeeper.Option{pay}, 403, "scope", "1"},
		{"old, fresh comes first: the next one may have the right", old, []jotkeeper.Option{pay, fresh}, 401, "stale", "1"},
		{"next", next, nil, 200, "", ""},
		{"next, fresh", next, []jotkeeper.Option{fresh, pay}, 200, "", ""},
		{"somebody else", h.token(rev("1:4"), subject("43")), []jotkeeper.Option{fresh}, 200, "", ""},
	} {
		w := h.ask(get("Authorization", "Bearer "+c.token), c.opts...)
		want(t, c.name, w, c.status, c.reason)
		if got := w.Header().Get("Jotkeeper-Renew"); got != c.mark {
			t.Errorf("%s: Jotkeeper-Renew %q, want %q", c.name, got, c.mark)
		}
		claims, err := h.auth.Authenticate(get("Authorization", "Bearer "+c.token), c.opts...)
		if string(jwt.ReasonOf(err)) != c.reason || (claims == nil) != (err != nil) {
			t.Errorf("%s: Authenticate: %v, %v", c.name, claims, err)
		}
	}
}

func rev(cursor string) func(*jwt.Access) { return func(c *jwt.Access) { c.Revision = cursor } }

// A route that asks the issuer hears from it that the token should be renewed.
func TestTheIssuersMarkIsHandedOn(t *testing.T) {
	h, _ := issuerThatAnswers(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Jotkeeper-Renew", "1")
		fmt.Fprint(w, `{"active":true}`)
	})
	tok := "Bearer " + h.token()
	w := h.ask(get("Authorization", tok), jotkeeper.Revalidate())
	want(t, "accepted", w, 200, "")
	if w.Header().Get("Jotkeeper-Renew") != "1" {
		t.Error("the answer is not marked")
	}
	want(t, "fresh", h.ask(get("Authorization", tok), jotkeeper.Revalidate(), jotkeeper.Fresh()), 401, "stale")
}

// A service's own refusal is not softened: revoked is revoked before anything is
// said of freshness.
func TestFreshNeverHidesARevocation(t *testing.T) {
	x := &rules{verdict: revocation.Verdict{Action: revocation.Revoke, Scope: revocation.ScopeSession}}
	h := newHouse(t, func(c *jotkeeper.Config) { c.Revocations = x })
	w := h.ask(get("Authorization", "Bearer "+h.token()), jotkeeper.Fresh())
	want(t, "revoked", w, 401, "revoked")
	if w.Header().Get("Jotkeeper-Renew") != "" {
		t.Error("a revoked token is asked to be renewed")
	}
}

func TestFreshNeedsSomebodyWhoTells(t *testing.T) {
	h := newHouse(t)
	if _, err := h.auth.Authenticate(get(), jotkeeper.Fresh()); !errors.Is(err, jotkeeper.ErrConfig) {
		t.Errorf("got %v, want ErrConfig", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("the route was made")
		}
	}()
	h.auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), jotkeeper.Fresh()).ServeHTTP(httptest.NewRecorder(), get())
}
