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
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jotkeepertest"
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
