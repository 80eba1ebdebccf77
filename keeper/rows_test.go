package keeper_test

import (
	"context"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// JK16: a token is untouched, to be renewed, or dead, and which of them is known
// at each node, whatever was said of other tokens.
func TestJK16WhatWasSaidOfAToken(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		rotate := func(id string) { h.must(h.RotateID(t.Context(), id)) }
		revoke := func(id string) { h.must(h.RevokeID(t.Context(), id)) }
		for name, c := range map[string]struct {
			said []func(string)
			due  string
			dead bool
		}{
			"nothing":          {nil, "", false},
			"rotate":           {[]func(string){rotate}, "rotate", false},
			"rotate twice":     {[]func(string){rotate, rotate}, "rotate", false},
			"revoke":           {[]func(string){revoke}, "", true},
			"rotate, revoke":   {[]func(string){rotate, revoke}, "", true},
			"revoke, rotate":   {[]func(string){revoke, rotate}, "", true},
			"revoke, revoke":   {[]func(string){revoke, revoke}, "", true},
			"said of a sister": {[]func(string){func(string) { revoke(h.login().ID()) }}, "", false},
		} {
			token := h.login()
			for _, say := range c.said {
				say(token.ID())
			}
			for where, k := range map[string]*keeper.Keeper{"here": h.Keeper, "at another node": h.node()} {
				found, err := k.Find(t.Context(), token.Text())
				if c.dead && (jwt.ReasonOf(err) != jwt.Revoked || found != nil) {
					t.Errorf("%s, %s: %v, %v", name, where, found, err)
				}
				if !c.dead && (err != nil || found.Due() != c.due) {
					t.Errorf("%s, %s: %v, %v", name, where, found, err)
				}
			}
		}
	})
}

// JK19: each renewal is a token of its own, with a whole life, under one
// session.
func TestJK19EachRenewalIsFresh(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	seen := map[string]bool{token.ID(): true}
	for range 6 {
		h.pass(30*time.Minute + time.Second)
		next := h.visits(token.Text())
		c := h.finds(next.Text()).Claims()
		if life := next.Expires().Sub(h.clock.read().Truncate(time.Second)); life != time.Hour || c.Lifetime != time.Hour {
			t.Errorf("a life of %v, of %v in all", life, c.Lifetime)
		}
		if seen[next.ID()] || len(next.ID()) != len(token.ID()) || next.SessionID() != token.SessionID() {
			t.Errorf("%v became %v", token, next)
		}
		if next.Text()[strings.LastIndex(next.Text(), "."):] == token.Text()[strings.LastIndex(token.Text(), "."):] {
			t.Error("one signature under two tokens")
		}
		seen[next.ID()] = true
		token = next
	}
}

// JK25: what the gem has a class of error for and never says, a client is told.
func TestJK25EachRefusalHasItsReason(t *testing.T) {
	h := newHouse(t)
	ended := h.login()
	h.must(h.Revoke(t.Context(), ended))
	for want, raw := range map[jwt.Reason]string{
		jwt.Expired: h.signs(func(c *jwt.Session) { c.Expires = c.IssuedAt }),
		jwt.Early:   h.signs(func(c *jwt.Session) { c.NotBefore += 120 }),
		jwt.Issuer:  h.signs(func(c *jwt.Session) { c.Issuer = "https://else.example.com" }),
		jwt.BadAud:  h.signs(func(c *jwt.Session) { c.Audience = jwt.Audience{"https://else.example.com"} }),
		jwt.Revoked: ended.Text(),
	} {
		for way, header := range map[string][]string{"header": inHeader(raw), "cookie": inCookie(raw)} {
			w := h.asks(req("GET", "/", header...))
			wantAnswer(t, way, w, 401, want)
			if got := w.Header().Get("WWW-Authenticate"); !strings.Contains(got, `reason="`+string(want)+`"`) {
				t.Errorf("%s, %s: the challenge is %q", want, way, got)
			}
		}
	}
}

// JC4: where the gem sends a token with each answer, only a renewal does. The hook
// is told of each request once, before the application, with the token that goes on.
func TestJC4OneHookAndOneTokenForARenewal(t *testing.T) {
	h := newHouse(t)
	var told []string
	guarded := h.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		token, _ := keeper.FromContext(r.Context())
		told = append(told, "application "+token.ID())
	}), keeper.Authenticated(func(_ *http.Request, token *keeper.Token) error {
		told = append(told, "hook "+token.ID())
		return nil
	}))
	token := h.login()
	ask := func(header []string) http.Header {
		told = nil
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, req("GET", "/", header...))
		return w.Header()
	}
	for _, header := range [][]string{inHeader(token.Text()), inCookie(token.Text())} {
		for range 50 {
			wantHeld(t, "ordinary", ask(header), "", "")
			if got := strings.Join(told, ", "); got != "hook "+token.ID()+", application "+token.ID() {
				t.Fatalf("told %s", got)
			}
		}
	}
	h.pass(31 * time.Minute)
	next := h.visits(token.Text())
	wantHeld(t, "due", ask(inHeader(token.Text())), next.Text(), "")
	if got := strings.Join(told, ", "); got != "hook "+next.ID()+", application "+next.ID() {
		t.Errorf("told %s", got)
	}
}

// JC5: a jar keeps the cookie for this host under https, as long as the token
// lives; for the whole domain only where that was asked for.
func TestJC5TheCookieInAJar(t *testing.T) {
	for name, c := range map[string]struct {
		cookie jotkeeper.Cookie
		beside int // cookies that another host of the domain gets
	}{"own host": {jotkeeper.Cookie{}, 0}, "domain": {jotkeeper.Cookie{InsecureDomain: "example.com"}, 1}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(k *keeper.Config) { k.Cookie = c.cookie })
			h.pass(time.Since(evening)) // jars go by the true time
			b := h.browses()
			b.sends("POST", "/login")
			first := b.at("https://shop.example.com")
			for site, want := range map[string]int{"http://shop.example.com": 0, "https://other.example.com": c.beside, "https://example.net": 0, "https://shop.example.com": 1} {
				if got := b.at(site); len(got) != want {
					t.Errorf("%s: %d cookies, want %d", site, len(got), want)
				}
			}
			res := b.sends("GET", "/")
			if res.StatusCode != 200 || len(res.Cookies()) != 0 {
				t.Errorf("a request: %d, cookies %v", res.StatusCode, res.Cookies())
			}
			h.pass(31 * time.Minute)
			set := b.sends("GET", "/").Cookies()
			if now := b.at("https://shop.example.com"); len(now) != 1 || now[0].Value == first[0].Value {
				t.Fatalf("after the renewal: %v", now)
			}
			if want := h.finds(set[0].Value).Expires(); !set[0].HttpOnly || !set[0].Secure || !set[0].Expires.Equal(want) {
				t.Errorf("it is %v, want it to expire at %v", set[0], want)
			}
			b.sends("POST", "/logout")
			if now := b.at("https://shop.example.com"); len(now) != 0 {
				t.Errorf("after the logout: %v", now)
			}
		})
	}
}

// JC8: a cookie opens what a header cannot: pages, streams, WebSockets. What that
// lets other sites try is refused; a header needs no such word. And pages of other
// origins may read a renewed token as far as the program's own CORS lets them.
func TestJC8WhatACookieOpens(t *testing.T) {
	h := newHouse(t)
	text := h.login().Text()
	ws := []string{"Connection", "Upgrade", "Upgrade", "websocket"}
	for name, c := range map[string]struct {
		method string
		header []string
		status int
	}{
		"a page":               {"GET", append(inCookie(text), "Sec-Fetch-Mode", "navigate"), 200},
		"a stream":             {"GET", append(inCookie(text), "Accept", "text/event-stream"), 200},
		"a picture":            {"GET", append(inCookie(text), "Sec-Fetch-Dest", "image"), 200},
		"a WebSocket":          {"GET", append(append(inCookie(text), ws...), "Origin", shop), 200},
		"another's WebSocket":  {"GET", append(append(inCookie(text), ws...), "Origin", "https://evil.test"), 403},
		"a form":               {"POST", append(inCookie(text), "Origin", shop), 200},
		"another's form":       {"POST", append(inCookie(text), "Origin", "https://evil.test"), 403},
		"another's, by header": {"POST", append(inHeader(text), "Origin", "https://evil.test"), 200},
		"who does not say":     {"POST", inCookie(text), 403},
	} {
		if w := h.asks(req(c.method, "/", c.header...)); w.Code != c.status {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.status, w.Body)
		}
	}
	h.pass(31 * time.Minute)
	for _, c := range []struct {
		header  []string
		exposed string
	}{{inHeader(text), "Authorization"}, {inCookie(text), ""}} {
		w := h.asks(req("GET", "/", append(c.header, "Origin", "https://front.example.net")...))
		if got := w.Header().Get("Access-Control-Expose-Headers"); got != c.exposed || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("exposed %q, want %q: %v", got, c.exposed, w.Header())
		}
	}
}

// A browsing has a jar, and finds the program under its name.
type browsing struct {
	*house
	client *http.Client
}

func (h *house) browses() *browsing {
	h.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", h.Handler(orders(h)))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) { h.must(h.Write(w, r, h.login(), keeper.ByCookie)) })
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { h.must(h.Clear(w, r)) })
	s := httptest.NewTLSServer(mux)
	h.Cleanup(s.Close)
	client := s.Client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}
	jar, err := cookiejar.New(nil)
	h.must(err)
	client.Jar = jar
	return &browsing{h, client}
}

func (b *browsing) sends(method, path string) *http.Response {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, "https://shop.example.com"+path, nil)
	b.must(err)
	r.Header.Set("Origin", shop)
	res, err := b.client.Do(r)
	b.must(err)
	b.must(res.Body.Close())
	return res
}

// at returns what the jar brings to a site.
func (b *browsing) at(site string) []*http.Cookie {
	b.Helper()
	u, err := url.Parse(site)
	b.must(err)
	return b.client.Jar.Cookies(u)
}
