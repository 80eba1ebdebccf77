package keeper_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jotkeepertest"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// A door is a guard before an application, and a cookie that opens it.
type door struct {
	guard  func(http.Handler) http.Handler
	cookie string
}

// doors are the guards of this module: one verifies, the other renews the token
// with each of these requests.
func doors(t *testing.T) map[string]door {
	i := jotkeepertest.NewIssuer(t)
	auth, err := jotkeeper.New(jotkeeper.Config{Issuer: i.URL, Audience: jotkeepertest.DefaultAudience, Keys: i.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(auth.Close)
	h := newHouse(t)
	return map[string]door{
		"auth":   {func(app http.Handler) http.Handler { return auth.Handler(app) }, jotkeeper.DefaultCookie + "=" + i.Token(t)},
		"keeper": {func(app http.Handler) http.Handler { return h.Handler(app) }, jar + "=" + h.due()},
	}
}

// What http.ResponseController can do, it can do behind every door, over
// HTTP/1.1 and HTTP/2: answer while the request goes on, without end, and with a
// sum at the bottom.
func TestStreamsAtEveryDoor(t *testing.T) {
	for name, d := range doors(t) {
		for proto, two := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
			t.Run(name+" "+proto, func(t *testing.T) {
				s := httptest.NewUnstartedServer(d.guard(echo(t)))
				s.EnableHTTP2 = two
				s.StartTLS()
				defer s.Close()
				body, say := io.Pipe()
				r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL, body)
				if err != nil {
					t.Fatal(err)
				}
				r.Header = http.Header{"Cookie": {d.cookie}, "Origin": {s.URL}}
				go fmt.Fprintln(say, "one")
				res, err := s.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				heard := bufio.NewReader(res.Body)
				for _, want := range []string{"one\n", "two\n"} {
					if got, err := heard.ReadString('\n'); got != want || err != nil || res.Proto != proto {
						t.Fatalf("heard %q, %v over %s, want %q", got, err, res.Proto, want)
					}
					if want == "one\n" {
						fmt.Fprintln(say, "two") // while the answer goes on
					}
				}
				say.Close()
				if _, err := io.Copy(io.Discard, heard); err != nil || res.Trailer.Get("Sum") != "6" || res.Trailer.Get("Late") != "yes" {
					t.Errorf("%v, trailer %v", err, res.Trailer)
				}
			})
		}
	}
}

// echo answers each line as it comes.
func echo(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, never := http.NewResponseController(w), time.Time{}
		for _, err := range []error{c.EnableFullDuplex(), c.SetReadDeadline(never), c.SetWriteDeadline(never)} {
			if err != nil {
				t.Errorf("the connection is out of reach: %v", err)
			}
		}
		w.Header().Set("Trailer", "Sum")
		sum, lines := 0, bufio.NewScanner(r.Body)
		for lines.Scan() {
			sum += len(lines.Text())
			fmt.Fprintln(w, lines.Text())
			if err := c.Flush(); err != nil {
				t.Errorf("flushing: %v", err)
			}
		}
		w.Header().Set("Sum", fmt.Sprint(sum))
		w.Header().Set(http.TrailerPrefix+"Late", "yes")
	}
}

// A084: a WebSocket is opened by a page of ours, and the application has the
// connection whole: through http.Hijacker, through http.ResponseController, and
// as a proxy before another server.
func TestA084WebSocketsAtEveryDoor(t *testing.T) {
	behind := httptest.NewServer(speaks(t, func(w http.ResponseWriter) hijack { return http.NewResponseController(w).Hijack }))
	defer behind.Close()
	inner, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	apps := map[string]http.Handler{
		"hijacker":   speaks(t, func(w http.ResponseWriter) hijack { return w.(http.Hijacker).Hijack }),
		"controller": speaks(t, func(w http.ResponseWriter) hijack { return http.NewResponseController(w).Hijack }),
		"proxy":      &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(inner) }},
	}
	for name, d := range doors(t) {
		for how, app := range apps {
			t.Run(name+" "+how, func(t *testing.T) {
				s := httptest.NewServer(d.guard(app))
				defer s.Close()
				for origin, status := range map[string]int{s.URL: 101, "https://evil.test": 403, "null": 403, "": 403} {
					opens(t, s, d.cookie, origin, status)
				}
			})
		}
	}
}

type hijack func() (net.Conn, *bufio.ReadWriter, error)

// speaks is a server of another protocol, which says what it hears.
func speaks(t *testing.T, by func(http.ResponseWriter) hijack) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := by(w)()
		if err != nil {
			t.Errorf("hijacking: %v", err)
			return
		}
		defer conn.Close()
		buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		buffered.Flush()
		io.Copy(conn, buffered)
	})
}

// opens asks for a WebSocket, as a page of an origin does, and speaks over it.
func opens(t *testing.T, s *httptest.Server, cookie, origin string, status int) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: %s\r\n", s.Listener.Addr(), cookie)
	if origin != "" {
		fmt.Fprintf(conn, "Origin: %s\r\n", origin)
	}
	fmt.Fprint(conn, "\r\n")
	answer := bufio.NewReader(conn)
	res, err := http.ReadResponse(answer, nil)
	if err != nil || res.StatusCode != status {
		t.Fatalf("from %q: %v, %v, want %d", origin, res, err, status)
	}
	if status != http.StatusSwitchingProtocols {
		return
	}
	fmt.Fprint(conn, "hello")
	if echo, err := io.ReadAll(io.LimitReader(answer, 5)); string(echo) != "hello" || err != nil {
		t.Errorf("echo %q, %v", echo, err)
	}
}

// A063, A078: an application that is sure of its own headers does not undo those
// of a token that is on its way: no cache keeps it, the page that asked can read it.
func TestA063WhateverTheApplicationSays(t *testing.T) {
	own := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=600")
		w.Header().Set("CDN-Cache-Control", "max-age=600")
		w.Header()["cloudflare-cdn-cache-control"] = []string{"max-age=600"}
		w.Header().Set("Surrogate-Control", "max-age=600")
		w.Header().Set("Vary", "Accept-Encoding")
		w.Header().Set("Access-Control-Expose-Headers", "X-Total")
		fmt.Fprint(w, "tea")
	}
	for name, carry := range map[string]func(string) []string{
		"header": func(text string) []string { return inHeader(text) },
		"cookie": func(text string) []string { return inCookie(text) },
		"both":   func(text string) []string { return append(inHeader(text), inCookie(text)...) },
	} {
		h, w := newHouse(t), httptest.NewRecorder()
		h.Handler(http.HandlerFunc(own)).ServeHTTP(w, req("GET", "/", carry(h.due())...))
		want := map[string][]string{
			"Cache-Control": {"no-store"}, "Vary": {"Accept-Encoding", "Authorization, Cookie"}, "Access-Control-Expose-Headers": {"X-Total", "Authorization"},
			"Cdn-Cache-Control": nil, "cloudflare-cdn-cache-control": nil, "Surrogate-Control": nil,
		}
		if name == "cookie" {
			want["Access-Control-Expose-Headers"] = []string{"X-Total"}
		}
		for field, values := range want {
			if got := w.Header()[field]; !slices.Equal(got, values) {
				t.Errorf("%s: %s: %q, want %q", name, field, got, values)
			}
		}
	}
}

// A080: nothing is written for a GET, a HEAD or an OPTIONS, whoever asks; but for
// a renewal, once, when it is due.
func TestA080SafeMethodsWriteNothing(t *testing.T) {
	h := newHouse(t)
	token, dead := h.login(), h.login()
	h.must(h.Revoke(t.Context(), dead))
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		for name, ask := range map[string]func(*http.Request){
			"visit":  func(r *http.Request) { h.asks(r) },
			"page":   func(r *http.Request) { h.asks(r, keeper.LoginPage("/login")) },
			"logout": func(r *http.Request) { h.Clear(httptest.NewRecorder(), r) },
			"login": func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				h.Write(httptest.NewRecorder(), r, h.login(), keeper.ByCookie)
			},
		} {
			for _, carried := range [][]string{nil, inHeader(token.Text()), inCookie(token.Text()), inCookie(dead.Text()), inHeader("x"), {"Origin", "https://evil.test"}} {
				if got := h.wire.counted(func() { ask(req(method, "/", carried...)) }); got != "" {
					t.Errorf("%s by %s wrote %q", name, method, got)
				}
			}
		}
	}
	h.pass(31 * time.Minute)
	again := func() { h.asks(req("GET", "/", inCookie(token.Text())...)) }
	if first, second := h.wire.counted(again), h.wire.counted(again); first != "rotated rotate" || second != "rotated" {
		t.Errorf("a renewal wrote %q, then %q", first, second)
	}
}

// A199: a laptop wakes after eight hours. Ten tabs ask at once, and a proxy sends
// each request twice: they are given one successor, and nobody is a thief.
func TestA199TheMorningAfter(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.Lifetime = 12 * time.Hour })
	text := h.login().Text()
	for range 3 {
		h.pass(8 * time.Hour)
		given := make([]string, 20)
		var all sync.WaitGroup
		for i := range given {
			all.Go(func() { _, given[i] = held(h.asks(req("GET", "/", inCookie(text)...)).Header()) })
		}
		all.Wait()
		for _, next := range given {
			if next == "" || next == text || next != given[0] {
				t.Fatalf("a tab was given %q, another %q", tail(next), tail(given[0]))
			}
		}
		text = given[0]
		h.visits(text)
	}
	h.wantRules("jti revoke renewed", "jti revoke renewed", "jti revoke renewed") // each successor was seen; no session ended
}
