package authserver_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A080: nothing is written for a GET, a HEAD or an OPTIONS, on any route, with
// any credential; but for the one refresh, which is written once.
func TestA080NothingIsWrittenForASafeMethod(t *testing.T) {
	b := &tally{Backend: memory.New()}
	h := build(t, b, func(c *authserver.Config) { c.Feed = feedOf(t, b) })
	cookie, first := h.browse("ada")
	p := h.program("bob")
	own := h.do("POST", "/session", form("username", "bob", "password", good, "audience", issuer)).want(201).tokens()
	visitors := map[string][]ask{
		"nobody": {}, "a page": {from(app), with(cookie)}, "an access token": {from(app), bearer(first.Access)}, "a refresh token": {bearer(p.Refresh)},
		"the issuer's token": {bearer(own.Access)}, "the administrator": {asAdmin}, "a follower": {bearer(follow)}, "a desk": {bearer(push)},
	}
	for _, l := range authserver.Table() {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			for who, asks := range visitors {
				open := strings.HasSuffix(l.Pattern, "/stream") || strings.HasSuffix(l.Pattern, "/events")
				if open && who == "a follower" || method == "GET" && l.Pattern == "/session/refresh" {
					continue
				}
				asks = append(slices.Clone(asks), header("Access-Control-Request-Method", l.Method))
				if got := b.written(func() { h.do(method, at(l.Pattern)+"?username=x&password="+good, asks...) }); got != "" {
					t.Errorf("%s %s of %s wrote %q", method, l.Pattern, who, got)
				}
			}
		}
	}
	for name, c := range map[string]struct {
		ask  func()
		want string
	}{
		"refresh":    {func() { h.do("GET", "/session/refresh", from(app), with(cookie)).want(201) }, "session"},
		"introspect": {func() { h.do("POST", "/oauth2/introspect", asAdmin, form("token", p.Refresh)).want(200) }, ""},
		"logout":     {func() { h.do("DELETE", "/session", form("refresh_token", p.Refresh)).want(200) }, "end"},
	} {
		if got := b.written(c.ask); got != c.want {
			t.Errorf("%s wrote %q, want %q", name, got, c.want)
		}
	}
}

// A063, A068, A078, A083, A084: whatever bears a credential is kept by no cache,
// cut by no range, shared with one origin, and framed and redirected by none.
func TestA063EveryAnswerThatBearsAToken(t *testing.T) {
	h := inMemory(t)
	h.browse("zoe") // whom the administrator locks
	h.browse("ada")
	tricks := []ask{header("Range", "bytes=0-9"), header("If-None-Match", "*"), header("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"), header("Accept-Encoding", "gzip")}
	bearing, word := map[string]bool{}, good
	for i, l := range authserver.Table() {
		fields := form("username", fmt.Sprint("ada", i), "password", good)
		switch l.Pattern {
		case "/session":
			fields = form("username", "ada", "password", good)
		case "/password":
			fields = form("currentPassword", good, "password", "another-kettle-43")
		}
		for _, asks := range [][]ask{{fields}, {asAdmin}, {nil, fields}, {nil}} {
			if asks[0] == nil { // a page with a session
				asks[0] = with(h.do("POST", "/session", from(app), form("username", "ada", "password", word)).want(201).cookie())
			}
			r := h.do(l.Method, at(l.Pattern), append(append(asks, from(app)), tricks...)...)
			if l.Pattern == "/password" && r.StatusCode == 201 {
				word = "another-kettle-43"
			}
			where := l.Method + " " + l.Pattern
			if bears(r) {
				bearing[where] = true
				wantGuarded(t, where, r)
			}
			if r.Header.Get("Location") != "" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				t.Errorf("%s: %v", where, r.Header)
			}
		}
	}
	for _, where := range []string{"POST /accounts", "POST /session", "GET /session/refresh", "POST /session/refresh", "POST /password", "DELETE /session"} {
		if !bearing[where] {
			t.Errorf("%s bore nothing: this test asks it wrongly", where)
		}
	}
	if len(bearing) != 6 {
		t.Errorf("%v: routes that bear a credential, and that nobody thought of", bearing)
	}
}

var credential = regexp.MustCompile(`(eyJ|jkr_)\w{20}`)

func bears(r *reply) bool {
	return r.Header["Set-Cookie"] != nil || r.Header.Get("Authorization") != "" || credential.MatchString(r.body)
}

func wantGuarded(t *testing.T, where string, r *reply) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Vary": "Origin", "Access-Control-Allow-Origin": app, "Access-Control-Allow-Credentials": "true",
		"Access-Control-Expose-Headers": "Jotkeeper-Renew, Retry-After, WWW-Authenticate, X-Request-Id",
		"ETag":                          "", "Last-Modified": "", "Content-Range": "", "Accept-Ranges": "", "Content-Encoding": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %s: %q, want %q", where, name, got, want)
		}
	}
	if r.StatusCode != 200 && r.StatusCode != 201 {
		t.Errorf("%s: a credential in a %d", where, r.StatusCode)
	}
}

// A059, A068: on a real server, over HTTP/1.1 and HTTP/2: requests that are given
// up at once, bodies that wait to be asked for, headers without end. Nobody is
// logged out by any of it.
func TestA068RoughClients(t *testing.T) {
	for _, two := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2 ", two), func(t *testing.T) {
			h := inMemory(t)
			cookie, _ := h.browse("ada")
			s := httptest.NewUnstartedServer(h.handler)
			s.EnableHTTP2, s.Config.ErrorLog = two, log.New(io.Discard, "", 0)
			s.StartTLS()
			defer s.Close()
			send := func(ctx context.Context, header ...string) int {
				r, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/session/refresh", strings.NewReader("x="+strings.Repeat("y", 9000)))
				h.must(err)
				r.Header = http.Header{"Origin": {app}, "Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {cookie.Name + "=" + cookie.Value}}
				for i := 0; i < len(header); i += 2 {
					r.Header.Set(header[i], header[i+1])
				}
				res, err := s.Client().Do(r)
				if err != nil {
					return 0
				}
				defer res.Body.Close()
				return res.StatusCode
			}
			var all sync.WaitGroup
			for range 200 {
				all.Go(func() {
					ctx, giveUp := context.WithCancel(t.Context())
					send(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: giveUp}))
					giveUp()
				})
			}
			all.Wait()
			for name, c := range map[string]struct {
				header []string
				want   []int
			}{
				"waiting body":   {[]string{"Expect", "100-continue"}, []int{201}},
				"a part of it":   {[]string{"Range", "bytes=0-1", "If-None-Match", "*"}, []int{201}},
				"10,000 cookies": {[]string{"Cookie", strings.Repeat("a=b; ", 10_000)}, []int{401}},
				"no end":         {[]string{"X-Filler", strings.Repeat("x", 2<<20)}, []int{431, 0}}, // HTTP/2 may end the connection
			} {
				if got := send(t.Context(), c.header...); !slices.Contains(c.want, got) {
					t.Errorf("%s: %d, want %v", name, got, c.want)
				}
			}
			if got := send(t.Context()); got != 201 {
				t.Errorf("afterwards: %d", got)
			}
			s.Client().CloseIdleConnections()
		})
	}
}

// A069: a logout takes what the browser has kept of this site.
func TestA069ALogoutClearsTheSite(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	for name, r := range map[string]*reply{
		"logout":       h.do("DELETE", "/session", from(app), with(cookie)).want(200),
		"once more":    h.do("DELETE", "/session", from(app), with(cookie)).want(200),
		"with nothing": h.do("DELETE", "/session", from(app)).want(200),
	} {
		if got := r.Header.Get("Clear-Site-Data"); got != `"cache"` {
			t.Errorf("%s: Clear-Site-Data %q", name, got)
		}
	}
	evil := h.do("DELETE", "/session", from("https://evil.example"), with(cookie)).wantCode(403, "origin")
	refresh := h.do("POST", "/session/refresh", from(app), with(cookie)).wantCode(401, "revoked")
	if evil.Header.Get("Clear-Site-Data")+refresh.Header.Get("Clear-Site-Data") != "" {
		t.Error("a refusal clears something")
	}
}

// A085, A199: ten tabs refresh at once, in the evening and when the laptop wakes
// eight hours later, the server's as well, and a proxy sends each request twice.
// They are given one successor, and nobody is logged out or told to come again.
func TestA199NoFalseAlarmAtTheDoor(t *testing.T) {
	onBothUnhurried(t, func(t *testing.T, h *house) {
		cookie, _ := h.browse("ada")
		for range 3 {
			h.clock.pass(8 * time.Hour)
			given := make([]*reply, 20)
			var all sync.WaitGroup
			for i := range given {
				all.Go(func() { given[i] = h.do("POST", "/session/refresh", from(app), with(cookie)) })
			}
			all.Wait()
			next := given[0].want(201).cookie()
			for _, r := range given {
				if got := r.want(201).cookie(); got.Value != next.Value || got.Name != cookie.Name {
					t.Fatal("two tabs were given two cookies")
				}
				h.do("GET", "/revocation/v1/check", bearer(r.tokens().Access)).want(200)
			}
			cookie = next
		}
		if said := h.log.String(); strings.Contains(said, "reused") || !strings.Contains(said, "/session/refresh") {
			t.Error("somebody was taken for a thief")
		}
		h.do("GET", "/sessions", from(app), with(cookie)).want(200)
	})
}

// A091: a session that nobody uses ends, and so does one that is always used.
func TestA091DeadlinesAtTheDoor(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	h.clock.pass(31 * 24 * time.Hour)
	h.do("POST", "/session/refresh", from(app), with(cookie)).wantCode(401, "idle")

	cookie, _ = h.browse("bob")
	ended := 0
	for range 40 {
		h.clock.pass(20 * 24 * time.Hour)
		r := h.do("POST", "/session/refresh", from(app), with(cookie))
		if r.StatusCode != 201 {
			r.wantCode(401, "absolute")
			ended++
			continue
		}
		cookie = r.cookie()
	}
	if ended == 0 || ended > 38 {
		t.Errorf("%d of 40 refreshes were refused", ended)
	}
}
