package jotkeeper_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A059: a mountain of cookies is refused, by the server or here, and no session
// is found below it.
func TestA059MountainsOfCookies(t *testing.T) {
	h := newHouse(t)
	s := httptest.NewServer(h.auth.Handler(http.NotFoundHandler()))
	defer s.Close()
	mine := jotkeeper.DefaultCookie + "=" + h.token()
	for name, c := range map[string]struct {
		cookie string
		status int
	}{
		"some cookies":   {strings.Repeat("a=b; ", 100) + mine, 404},
		"10,000 cookies": {strings.Repeat("a=b; ", 10_000) + mine, 401},
		"two megabytes":  {mine + "; a=" + strings.Repeat("x", 2<<20), 431},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", c.cookie)
		res, err := s.Client().Do(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if res.Body.Close(); res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, c.status)
		}
	}
	s.Client().CloseIdleConnections()
}

// A063, A078: no cache keeps what a guarded route answers, whatever becomes of
// the request, and no page of another origin may read it. A069: nobody's cookie
// is touched.
func TestA063WhateverIsAnswered(t *testing.T) {
	x := &rules{}
	h := newHouse(t, func(c *jotkeeper.Config) { c.Revocations = x })
	down, _ := issuerThatAnswers(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	tok := h.token()
	cookie := []string{"Cookie", jotkeeper.DefaultCookie + "=" + tok, "Origin", "https://evil.test"}
	revoked := func() *httptest.ResponseRecorder {
		x.verdict = revocation.Verdict{Action: revocation.Revoke, Scope: revocation.ScopeSession}
		defer func() { x.verdict = revocation.Verdict{} }()
		return h.ask(get(cookie...))
	}
	for status, answers := range map[int][]*httptest.ResponseRecorder{
		200: {h.ask(get(cookie...)), h.ask(request("HEAD", cookie...)), h.ask(request("OPTIONS", append(cookie, "Access-Control-Request-Method", "PUT")...))},
		304: {h.unchanged(get(append(cookie, "If-None-Match", `"v1"`)...))},
		400: {h.ask(get(append(cookie, "Authorization", "Bearer "+tok, "Authorization", "Bearer "+tok)...))},
		401: {h.ask(get("Origin", "https://evil.test")), revoked(), h.ask(get("Authorization", "Bearer "+tok+"A"))},
		403: {h.ask(get(cookie...), jotkeeper.Scope("pay")), h.ask(request("POST", cookie...))},
		503: {down.ask(get("Authorization", "Bearer "+down.token()), jotkeeper.Revalidate())},
	} {
		for i, w := range answers {
			wantPrivate(t, fmt.Sprintf("%d, the %d. answer", status, i+1), w, status)
		}
	}
}

// unchanged asks for what the application says has not changed.
func (h *house) unchanged(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "orders.txt", time.Time{}, strings.NewReader("tea"))
	})).ServeHTTP(w, r)
	return w
}

func wantPrivate(t *testing.T, name string, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	h := w.Header()
	if w.Code != status || h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Authorization, Cookie" {
		t.Errorf("%s: %d, %v", name, w.Code, h)
	}
	for field := range h {
		if field == "Set-Cookie" || strings.HasPrefix(field, "Access-Control-") {
			t.Errorf("%s: %s: %s", name, field, h.Get(field))
		}
	}
}
