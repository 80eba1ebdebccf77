package keeper_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/keeper"
)

// A browser keeps cookies as browsers do, until they expire.
type browser struct {
	*house
	jar map[string]*http.Cookie
}

func (h *house) browser() *browser { return &browser{house: h, jar: map[string]*http.Cookie{}} }

// request is one of a page of ours, with every cookie that is good now.
func (b *browser) request(method, path string, header ...string) *http.Request {
	r := fromUs(method, path, header...)
	for _, c := range b.jar {
		if c.Expires.After(b.clock.read()) {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	return r
}

// takes keeps what an answer sets, and drops what it clears.
func (b *browser) takes(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.jar, c.Name)
			continue
		}
		b.jar[c.Name] = c
	}
}

// opens asks the guarded application for a page.
func (b *browser) opens(header ...string) *httptest.ResponseRecorder {
	b.Helper()
	w := b.asks(b.request("GET", "/", header...))
	b.takes(w)
	return w
}

// logsIn gives the browser a locked token.
func (b *browser) logsIn(subject string, how keeper.Way) *keeper.Token {
	b.Helper()
	t := b.creates(keeper.Claims{Subject: subject, Locked: true})
	w := httptest.NewRecorder()
	b.must(b.Write(w, b.request("POST", "/login"), t, how))
	b.takes(w)
	return t
}

// logsOut asks Clear.
func (b *browser) logsOut(header ...string) (*httptest.ResponseRecorder, error) {
	w := httptest.NewRecorder()
	err := b.Clear(w, b.request("POST", "/logout", header...))
	b.takes(w)
	return w, err
}

// locks are the lock cookies that it has.
func (b *browser) locks() (list []*http.Cookie) {
	for name, c := range b.jar {
		if strings.HasPrefix(name, "__Host-jkl-") {
			list = append(list, c)
		}
	}
	return list
}

// lock is the only one.
func (b *browser) lock() *http.Cookie {
	b.Helper()
	list := b.locks()
	if len(list) != 1 {
		b.Fatalf("the browser has %d locks, want 1", len(list))
	}
	return list[0]
}

// until tells when a cookie expires, as time since the story began.
func (b *browser) until(c *http.Cookie) time.Duration {
	return c.Expires.Sub(evening.Truncate(time.Second))
}
