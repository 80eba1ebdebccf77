package jotkeeper_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// locked signs a token that is locked to a browser, and returns the lock.
func (h *house) locked(sid string) (raw string, lock *http.Cookie) {
	l := binding.NewLock()
	raw = h.token(func(c *jwt.Access) { c.SessionID, c.Confirmation = sid, l.Confirmation(sid) })
	return raw, l.Cookie(sid, time.Now().Add(time.Hour))
}

func withCookies(r *http.Request, cookies ...*http.Cookie) *http.Request {
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

// A060, at a service that only verifies: the lock is checked with no network,
// on the first request and on those that the cache answers.
func TestA060LockedTokens(t *testing.T) {
	h := newHouse(t)
	raw, lock := h.locked("sid-of-ada")
	_, others := h.locked("sid-of-bob")
	claims, err := h.auth.Authenticate(withCookies(get("Authorization", "Bearer "+raw), lock))
	if err != nil {
		t.Fatal(err)
	}
	hash := claims.Confirmation.Lock
	for range 2 {
		for name, cookies := range map[string][]*http.Cookie{
			"no lock":             nil,
			"another session's":   {others},
			"another's, our name": {{Name: lock.Name, Value: others.Value}},
			"empty":               {{Name: lock.Name}},
			"the hash itself":     {{Name: lock.Name, Value: hash}},
		} {
			w := h.ask(withCookies(get("Authorization", "Bearer "+raw), cookies...))
			want(t, name, w, 401, "binding")
			if w.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s: a thief's request touches cookies", name) // B6
			}
		}
		if w := h.ask(withCookies(get("Authorization", "Bearer "+raw), others, lock)); w.Code != 200 {
			t.Errorf("with its lock: %d %s", w.Code, w.Body)
		}
		if w := h.ask(withCookies(get("Cookie", jotkeeper.DefaultCookie+"="+raw), lock)); w.Code != 200 {
			t.Errorf("both halves in cookies: %d %s", w.Code, w.Body)
		}
	}
}

// B7, B8: what the token says decides, and a policy may demand locks.
func TestLockPolicies(t *testing.T) {
	optional := newHouse(t)
	_, stale := optional.locked("sid-of-ada")
	if w := optional.ask(withCookies(get("Authorization", "Bearer "+optional.token()), stale)); w.Code != 200 {
		t.Errorf("a stale lock hurts an unlocked token: %d %s", w.Code, w.Body)
	}
	required := newHouse(t, func(c *jotkeeper.Config) { c.Lock = binding.Required })
	want(t, "unlocked", required.ask(get("Authorization", "Bearer "+required.token())), 401, "binding")
	raw, lock := required.locked("sid-of-ada")
	want(t, "locked, no lock", required.ask(get("Authorization", "Bearer "+raw)), 401, "binding")
	if w := required.ask(withCookies(get("Authorization", "Bearer "+raw), lock)); w.Code != 200 {
		t.Errorf("locked: %d %s", w.Code, w.Body)
	}
	_, err := jotkeeper.New(jotkeeper.Config{Issuer: issuer, Audience: audience, Lock: 7})
	if !errors.Is(err, jotkeeper.ErrConfig) {
		t.Errorf("a policy that does not exist: %v", err)
	}
}

// Only whoever holds a genuine token learns that it is locked.
func TestForgedLockedTokens(t *testing.T) {
	h := newHouse(t)
	raw, lock := h.locked("sid-of-ada")
	forged := raw[:len(raw)-4] + "AAAA"
	want(t, "forged, no lock", h.ask(get("Authorization", "Bearer "+forged)), 401, "signature")
	want(t, "forged, with the lock", h.ask(withCookies(get("Authorization", "Bearer "+forged), lock)), 401, "signature")
}

// A route that asks the issuer sends the lock along, and no other cookie.
func TestRevalidationCarriesTheLock(t *testing.T) {
	var asked *http.Request
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		json.NewEncoder(w).Encode(map[string]bool{"active": true})
	}))
	defer at.Close()
	h := newHouse(t, func(c *jotkeeper.Config) { c.Issuer = at.URL })
	raw, lock := h.locked("sid-of-ada")
	r := withCookies(get("Authorization", "Bearer "+raw), lock, &http.Cookie{Name: "app", Value: "x"})
	if w := h.ask(r, jotkeeper.Revalidate()); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := asked.Header.Get("Cookie"); got != lock.Name+"="+lock.Value {
		t.Errorf("the issuer was sent %q", got)
	}
	if w := h.ask(withCookies(get("Authorization", "Bearer "+h.token()), lock), jotkeeper.Revalidate()); w.Code != 200 || asked.Header.Get("Cookie") != "" {
		t.Errorf("an unlocked token: %d, sent %q", w.Code, asked.Header.Get("Cookie"))
	}
}
