package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// JC1: one token from the header or from the cookie; other schemes and spellings
// are none. A067: nor is one in the URL.
func TestJC1OneTokenTwoHeaders(t *testing.T) {
	h := newHouse(t)
	text := h.login().Text()
	for name, r := range map[string]*http.Request{
		"header":     req("GET", "/", inHeader(text)...),
		"any case":   req("GET", "/", "Authorization", "bEARER "+text),
		"cookie":     req("GET", "/", inCookie(text)...),
		"both":       req("GET", "/", append(inHeader(text), inCookie(text)...)...),
		"changes by": req("POST", "/", inHeader(text)...),
	} {
		w := h.asks(r)
		if w.Code != 200 || w.Body.String() != "ada" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		wantHeld(t, name, w.Header(), "", "")
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != "Authorization, Cookie" {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
	wantAnswer(t, "no scheme", h.asks(req("GET", "/", "Authorization", text)), 401, jwt.Missing)
	wantAnswer(t, "Basic", h.asks(req("GET", "/", "Authorization", "Basic "+text)), 401, jwt.Missing)
	wantAnswer(t, "last word", h.asks(req("GET", "/", "Authorization", "Bearer x "+text)), 400, jwt.MalformedRequest)
	wantAnswer(t, "A067 query", h.asks(req("GET", "/?access_token="+text+"&token="+text)), 401, jwt.Missing)
	wantAnswer(t, "empty cookie", h.asks(req("GET", "/", inCookie("")...)), 401, jwt.Missing)
}

// JC2: without a good token the answer is a problem with its challenge, and
// nothing is taken from the client.
func TestJC2Denied(t *testing.T) {
	h := newHouse(t)
	w := h.asks(req("GET", "/"))
	wantAnswer(t, "none", w, 401, jwt.Missing)
	if got := w.Header().Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("challenge %q", got)
	}
	token := h.login()
	h.must(h.Revoke(t.Context(), token))
	w = h.asks(req("GET", "/", inCookie(token.Text())...))
	wantAnswer(t, "logged out", w, 401, jwt.Revoked)
	if got := w.Header().Get("WWW-Authenticate"); !strings.Contains(got, `reason="revoked"`) || w.Header()["Set-Cookie"] != nil {
		t.Errorf("challenge %q, cookies %q", got, w.Header()["Set-Cookie"])
	}
	h.pass(2 * time.Hour)
	if w = h.asks(req("GET", "/", inCookie(h.login().Text()+"A")...)); w.Code != 401 || w.Header()["Set-Cookie"] != nil {
		t.Errorf("%d, cookies %q", w.Code, w.Header()["Set-Cookie"])
	}
	w = h.asks(req("GET", "/", inHeader(token.Text())...))
	wantAnswer(t, "expired", w, 401, jwt.Expired)
	if !strings.Contains(w.Body.String(), "Log in again.") {
		t.Errorf("it advises a refresh, and there is none: %s", w.Body)
	}
}

// JC3, JC4: a token that is due is renewed with fresh claims and goes back the
// way it came, before the application runs; one that is not due goes nowhere.
func TestJC3RenewedTheWayItCame(t *testing.T) {
	for name, due := range map[string]func(*house, *keeper.Token){
		"half":   func(h *house, _ *keeper.Token) { h.pass(30 * time.Minute) },
		"rotate": func(h *house, _ *keeper.Token) { h.must(h.RotateSubject(h.Context(), "ada")) },
		"version": func(h *house, _ *keeper.Token) {
			h.Keeper = h.node(release("1", "2"), func(c *keeper.Config) { c.Regenerate = h.cfg.Regenerate })
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, release("1"), func(c *keeper.Config) {
				c.Regenerate = func(_ context.Context, old keeper.Claims) (keeper.Claims, error) {
					old.Scope = "fresh"
					return old, nil
				}
			})
			token := h.login()
			due(h, token)
			byHeader := h.asks(req("GET", "/", inHeader(token.Text())...))
			next, _ := held(byHeader.Header())
			if next == "" || next == token.Text() {
				t.Fatalf("the header's client was given %q", next)
			}
			if got := byHeader.Header().Get("Access-Control-Expose-Headers"); got != "Authorization" {
				t.Errorf("a page of another origin may not read it: %q", got)
			}
			wantHeld(t, "header", byHeader.Header(), next, "")
			wantHeld(t, "cookie", h.asks(req("GET", "/", inCookie(token.Text())...)).Header(), "", next)
			wantHeld(t, "both", h.asks(req("GET", "/", append(inHeader(token.Text()), inCookie(token.Text())...)...)).Header(), next, next)
			if found := h.finds(next); found.Claims().Scope != "fresh" || found.SessionID() != token.SessionID() {
				t.Errorf("it became %+v", found.Claims())
			}
			wantHeld(t, "settled", h.asks(req("GET", "/", inHeader(next)...)).Header(), "", "")
		})
	}
}

// The application sees the renewed token, and so does the hook.
func TestTheApplicationSeesTheRenewedToken(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(31 * time.Minute)
	var hooked, seen *keeper.Token
	w := httptest.NewRecorder()
	h.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, _ = keeper.FromContext(r.Context())
	}), keeper.Authenticated(func(_ *http.Request, t *keeper.Token) error { hooked = t; return nil })).ServeHTTP(w, req("GET", "/", inHeader(token.Text())...))
	next, _ := held(w.Header())
	if seen == nil || seen != hooked || seen.Text() != next || next == token.Text() {
		t.Errorf("given %q, seen %v, hooked %v", next, seen, hooked)
	}
	if _, ok := keeper.FromContext(t.Context()); ok {
		t.Error("a request that was not guarded has a token")
	}
}

// JC4: hooks may deny, and answer a denial; a renewed token is given all the same.
func TestHooks(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(31 * time.Minute)
	r := func() *http.Request { return req("GET", "/", inHeader(token.Text())...) }
	banned := func(*http.Request, *keeper.Token) error { return &jwt.Error{Reason: jwt.BadScope, Detail: "banned"} }
	w := h.asks(r(), keeper.Authenticated(banned))
	wantAnswer(t, "banned", w, 403, jwt.BadScope)
	if next, _ := held(w.Header()); next == "" {
		t.Error("the denial lost the renewed token")
	}
	w = h.asks(r(), keeper.Authenticated(func(*http.Request, *keeper.Token) error { return errors.New("the directory is away") }))
	wantAnswer(t, "an error of the hook", w, 500, "internal")
	if strings.Contains(w.Body.String(), "directory") {
		t.Error("a stranger is told the cause")
	}
	var told error
	w = h.asks(req("GET", "/"), keeper.Denied(func(w http.ResponseWriter, _ *http.Request, err error) {
		told = err
		w.WriteHeader(http.StatusTeapot)
	}))
	if w.Code != http.StatusTeapot || jwt.ReasonOf(told) != jwt.Missing {
		t.Errorf("%d, told %v", w.Code, told)
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, keeper.ErrConfig) {
			t.Errorf("Denied(nil) gave %v", err)
		}
	}()
	h.Handler(orders(t), keeper.Denied(nil))
}

// B10, B6: trouble serves the old token, says so to the program, and clears
// nothing; a program that has heard nothing for long says 503.
func TestB6TroubleClearsNothing(t *testing.T) {
	var kept []error
	h := newHouse(t, func(c *keeper.Config) {
		c.Kept = func(_ context.Context, err error) { kept = append(kept, err) }
	})
	token := h.login()
	h.pass(31 * time.Minute)
	h.wire.set(errCut, nil)
	w := h.asks(req("GET", "/", inCookie(token.Text())...))
	if w.Code != 200 || w.Header()["Set-Cookie"] != nil || len(kept) != 1 || !errors.Is(kept[0], keeper.ErrKept) {
		t.Errorf("%d, cookies %q, kept %v", w.Code, w.Header()["Set-Cookie"], kept)
	}
	h.clock.add(40 * time.Second)
	token2 := inCookie(token.Text())
	w = h.asks(req("GET", "/", token2...))
	wantAnswer(t, "silence", w, 503, jwt.Unavailable)
	if w.Header().Get("Retry-After") == "" || w.Header()["Set-Cookie"] != nil {
		t.Errorf("headers %v", w.Header())
	}
	w = httptest.NewRecorder()
	err := h.Clear(w, req("POST", "/logout", append(token2, "Origin", shop)...))
	if jwt.ReasonOf(err) != jwt.Unavailable || w.Header()["Set-Cookie"] != nil {
		t.Errorf("a logout that is not written gave %v, cookies %q", err, w.Header()["Set-Cookie"])
	}
	h.wire.set(nil, nil)
	h.pass(0)
	if _, next := held(h.asks(req("GET", "/", token2...)).Header()); next == "" {
		t.Error("it is not renewed once the store is back")
	}
}

// B6: the loser of a race, however late, is given the winner's token, and a
// refusal of its predecessor takes nothing away.
func TestB6ALoserClearsNothing(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(31 * time.Minute)
	_, next := held(h.asks(req("GET", "/", inCookie(token.Text())...)).Header())
	h.asks(req("GET", "/", inCookie(next)...))
	h.pass(9 * time.Second)
	wantHeld(t, "in the grace", h.asks(req("GET", "/", inCookie(token.Text())...)).Header(), "", next)
	h.pass(2 * time.Second)
	w := h.asks(req("GET", "/", inCookie(token.Text())...))
	wantAnswer(t, "after it", w, 401, jwt.Reused)
	if w.Header()["Set-Cookie"] != nil {
		t.Errorf("cookies %q", w.Header()["Set-Cookie"])
	}
}

// A058: two people in one request are nobody.
func TestA058TwoCredentials(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.login(), h.creates(keeper.Claims{Subject: "bob"})
	both := func(header, cookie string) *httptest.ResponseRecorder {
		return h.asks(req("GET", "/", append(inHeader(header), inCookie(cookie)...)...))
	}
	wantAnswer(t, "two people", both(ada.Text(), bob.Text()), 400, jwt.Ambiguous)
	wantAnswer(t, "two sessions of one", both(ada.Text(), h.login().Text()), 400, jwt.Ambiguous)
	wantAnswer(t, "a dead cookie", both(ada.Text(), ada.Text()[:len(ada.Text())-4]+"AAAA"), 400, jwt.Ambiguous)
	wantAnswer(t, "a dead header", both(ada.Text()[:len(ada.Text())-4]+"AAAA", ada.Text()), 400, jwt.Ambiguous)
	twice := h.asks(req("GET", "/", "Cookie", jar+"="+ada.Text()+"; "+jar+"="+bob.Text()))
	wantAnswer(t, "two cookies", twice, 400, jwt.Ambiguous)
}

// A058, B7: two tokens of one session are one credential; the header's decides,
// and a cookie that fell behind catches up without looking like theft.
func TestB7ACookieThatFellBehind(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(31 * time.Minute)
	next, _ := held(h.asks(req("GET", "/", inHeader(token.Text())...)).Header())
	h.visits(next)
	h.pass(time.Minute)
	w := h.asks(req("GET", "/", append(inHeader(next), inCookie(token.Text())...)...))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	wantHeld(t, "caught up", w.Header(), "", next)
	h.visits(next)

	h = newHouse(t)
	old := h.login()
	h.pass(time.Minute)
	newer, err := h.Rotate(t.Context(), old, nil)
	h.must(err)
	wantHeld(t, "a newer cookie stays", h.asks(req("GET", "/", append(inHeader(old.Text()), inCookie(newer.Text())...)...)).Header(), "", "")
	h.must(h.Revoke(t.Context(), old))
	wantAnswer(t, "logged out", h.asks(req("GET", "/", append(inHeader(newer.Text()), inCookie(old.Text())...)...)), 401, jwt.Revoked)
}

// A request asks the store nothing; a renewal asks it twice, its first sight
// writes one rule, and whoever comes later for the same successor asks once.
func TestStoreCallsOfARequest(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	text := token.Text()
	ask := func() {
		if header, _ := held(h.asks(req("GET", "/", inHeader(text)...)).Header()); header != "" {
			text = header
		}
	}
	count := func(name, want string) {
		t.Helper()
		if got := h.wire.counted(ask); got != want {
			t.Errorf("%s: asked %q, want %q", name, got, want)
		}
	}
	count("ordinary", "")
	h.pass(31 * time.Minute)
	count("renewal", "rotated rotate")
	count("first sight", "append")
	count("afterwards", "")
	text = token.Text()
	count("a late one", "rotated")
}

// JC7: a session is shown, made, renewed and ended over HTTP, in a program that
// sets no cookie at all.
func TestJC7AnAPIWithoutCookies(t *testing.T) {
	h := newHouse(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) {
		token, err := h.Create(r.Context(), keeper.Claims{Subject: "ada"})
		h.must(err)
		h.must(h.Write(w, r, token, keeper.ByHeader))
		w.WriteHeader(http.StatusCreated)
	})
	mux.Handle("GET /session", h.Handler(orders(t)))
	mux.HandleFunc("DELETE /session", func(w http.ResponseWriter, r *http.Request) {
		h.must(h.Clear(w, r))
		w.WriteHeader(http.StatusNoContent)
	})
	ask := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	w := ask(req("POST", "/session"))
	text, cookie := held(w.Header())
	if w.Code != 201 || text == "" || cookie != "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if w = ask(req("GET", "/session", inHeader(text)...)); w.Code != 200 {
		t.Errorf("show: %d", w.Code)
	}
	if w = ask(req("DELETE", "/session", inHeader(text)...)); w.Code != 204 {
		t.Errorf("end: %d", w.Code)
	}
	wantAnswer(t, "after", ask(req("GET", "/session", inHeader(text)...)), 401, jwt.Revoked)
	if w = ask(req("DELETE", "/session", inHeader(text)...)); w.Code != 204 {
		t.Errorf("again: %d", w.Code)
	}
}

// B10: an answer that is lost, by a panic too, leaves the same successor to fetch.
func TestB10APanicLosesNoToken(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(31 * time.Minute)
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError) // a program's own recovery
			}
		}()
		h.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=600")
			panic("the application")
		})).ServeHTTP(w, req("GET", "/", inCookie(token.Text())...))
	}()
	_, next := held(w.Result().Header)
	if w.Code != 500 || next == "" || w.Result().Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Result().Header)
	}
	wantHeld(t, "again", h.asks(req("GET", "/", inCookie(token.Text())...)).Header(), "", next)
}

// JC3, JK21: while one of two handlers is newer, requests bounce between them:
// each session is renewed once. After a roll-back it is renewed once again.
func TestJK21TwoHandlersOfTwoReleases(t *testing.T) {
	h := newHouse(t, release("1"))
	older, newer := h.Keeper, h.node(release("1", "2"))
	sessions := make([]string, 8)
	for i := range sessions {
		sessions[i] = h.login().Text()
	}
	bounce := func(nodes ...*keeper.Keeper) (renewals int) {
		for i := range 10 * len(sessions) {
			h.pass(time.Second, nodes...)
			who := i % len(sessions)
			w := httptest.NewRecorder()
			nodes[(i/len(sessions)+who)%len(nodes)].Handler(orders(t)).ServeHTTP(w, req("GET", "/", inCookie(sessions[who])...))
			if w.Code != 200 {
				t.Fatalf("request %d: %d %s", i, w.Code, w.Body)
			}
			if _, next := held(w.Header()); next != "" {
				sessions[who] = next
				renewals++
			}
		}
		return renewals
	}
	versions := func() (list []string) {
		for _, text := range sessions {
			list = append(list, h.finds(text).Version())
		}
		return slices.Compact(list)
	}
	if n := bounce(newer, older); n != 8 || fmt.Sprint(versions()) != "[2]" {
		t.Errorf("the release renewed %d times, to %v", n, versions())
	}
	back := h.node(func(c *keeper.Config) { c.Versions, c.Retired = []string{"1"}, []string{"2"} })
	if n := bounce(back, h.node(func(c *keeper.Config) { c.Versions, c.Retired = []string{"1"}, []string{"2"} })); n != 8 || fmt.Sprint(versions()) != "[1]" {
		t.Errorf("the roll-back renewed %d times, to %v", n, versions())
	}
}
