package keeper_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serves runs the guarded application on loopback.
func (h *house) serves(app http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h.Handler(app))
	h.Cleanup(s.Close)
	return s
}

// due returns a token that the next request renews.
func (h *house) due() string {
	token := h.login()
	h.pass(31 * time.Minute)
	return token.Text()
}

func fetch(t testing.TB, s *httptest.Server, path, token string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", jar+"="+token)
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// A063: an answer that bears a token stays out of caches, whatever becomes of it
// and whatever the application says; one that bears none is the application's.
func TestA063NoStore(t *testing.T) {
	public := func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "public, max-age=600") }
	for name, app := range map[string]http.HandlerFunc{
		"public":    func(w http.ResponseWriter, _ *http.Request) { public(w); fmt.Fprint(w, "hello") },
		"says so":   func(w http.ResponseWriter, _ *http.Request) { public(w); w.WriteHeader(201) },
		"silent":    func(w http.ResponseWriter, _ *http.Request) { public(w) },
		"an error":  func(w http.ResponseWriter, _ *http.Request) { public(w); http.Error(w, "no", 500) },
		"not found": func(w http.ResponseWriter, r *http.Request) { public(w); http.NotFound(w, r) },
		"unchanged": func(w http.ResponseWriter, _ *http.Request) { public(w); w.WriteHeader(304) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) { public(w); http.Redirect(w, r, "/", http.StatusFound) },
		"a range": func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Range", "bytes=99-") // A068
			http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("short"))
		},
		"copied":  func(w http.ResponseWriter, _ *http.Request) { public(w); io.Copy(w, strings.NewReader("hello")) },
		"flushed": func(w http.ResponseWriter, _ *http.Request) { public(w); w.(http.Flusher).Flush() },
		"hinted": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			public(w)
			w.WriteHeader(200)
		},
	} {
		h := newHouse(t)
		token := h.due()
		s := h.serves(app)
		s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res := fetch(t, s, "/", token)
		_, next := held(res.Header)
		if next == "" || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: given %q under Cache-Control %q", name, tail(next), res.Header.Get("Cache-Control"))
		}
		if name == "public" {
			if got := fetch(t, s, "/", next).Header.Get("Cache-Control"); got != "public, max-age=600" {
				t.Errorf("an answer without a token: Cache-Control %q", got)
			}
		}
		s.Close()
	}
}

// A stream begins at once and bears the renewed token, by cookie, as EventSource
// brings it.
func TestAnEventStream(t *testing.T) {
	h := newHouse(t)
	more := make(chan string)
	s := h.serves(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		c := http.NewResponseController(w)
		if err := c.SetWriteDeadline(time.Time{}); err != nil {
			t.Errorf("the connection is out of reach: %v", err)
		}
		for text := range more {
			fmt.Fprintf(w, "data: %s\n\n", text)
			if err := c.Flush(); err != nil {
				t.Errorf("flushing: %v", err)
			}
		}
	})
	go func() { more <- "one" }()
	res := fetch(t, s, "/events", h.due())
	lines := bufio.NewReader(res.Body)
	for i, want := range []string{"one", "two"} {
		if got, err := lines.ReadString('\n'); got != "data: "+want+"\n" || err != nil {
			t.Fatalf("event %d: %q, %v", i, got, err)
		}
		if i == 0 {
			if _, next := held(res.Header); next == "" {
				t.Error("the stream bears no token")
			}
			lines.ReadString('\n')
			more <- "two" // read while the answer goes on
		}
	}
	close(more)
}

// A writer that can do less stays one that can do less.
func TestAWriterWithoutExtras(t *testing.T) {
	h := newHouse(t)
	bare := struct{ http.ResponseWriter }{httptest.NewRecorder()}
	h.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c := http.NewResponseController(w)
		if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("hijacking: %v", err)
		}
		if err := c.Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("flushing: %v", err)
		}
		w.(http.Flusher).Flush()
	})).ServeHTTP(bare, req("GET", "/", inCookie(h.due())...))
}

// A059: a mountain of cookies is refused, by the server or here, and no session
// is found below it.
func TestA059MountainsOfCookies(t *testing.T) {
	h := newHouse(t)
	token := h.login().Text()
	s := h.serves(orders(t).ServeHTTP)
	for name, c := range map[string]struct {
		cookie string
		status int
	}{
		"10,000 cookies": {strings.Repeat("a=b; ", 10_000) + jar + "=" + token, 401},
		"two megabytes":  {jar + "=" + token + "; a=" + strings.Repeat("x", 2<<20), 431},
	} {
		r, err := http.NewRequestWithContext(context.Background(), "GET", s.URL, nil)
		h.must(err)
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
