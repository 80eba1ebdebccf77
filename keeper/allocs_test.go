package keeper_test

import (
	"net/http"
	"testing"

	"github.com/jotkeeper/jotkeeper/keeper"
)

// blank is a ResponseWriter that keeps nothing.
type blank struct{ header http.Header }

func (b blank) Header() http.Header         { return b.header }
func (b blank) Write(p []byte) (int, error) { return len(p), nil }
func (b blank) WriteHeader(int)             {}

// What an ordinary request costs of memory, the request's own context included.
func TestAllocationsOfARequest(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.Keys, _ = c.Keys.Snapshot(evening) })
	token, b := h.login().Text(), h.browser()
	locked := b.logsIn("ada", keeper.ByCookie).Text()
	byCookie := b.request("GET", "/")
	delete(b.jar, jar)
	byHeader := b.request("GET", "/", inHeader(locked)...)
	guarded := h.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if found, _ := keeper.FromContext(r.Context()); found.Subject() != "ada" {
			t.Error("it is not known whose request it is")
		}
	}))
	for name, c := range map[string]struct {
		request *http.Request
		want    float64
	}{
		"header": {req("GET", "/", inHeader(token)...), 4}, "cookie": {req("GET", "/", inCookie(token)...), 6},
		// Two more are net/http's, which reads the lock's cookie; beside a header, a
		// third: there are cookies, and the token's might be among them.
		"locked, header": {byHeader, 7}, "locked, cookie": {byCookie, 8},
	} {
		w := blank{http.Header{}}
		if got := testing.AllocsPerRun(200, func() {
			clear(w.header)
			guarded.ServeHTTP(w, c.request)
		}); got != c.want {
			t.Errorf("%s: %v allocations, want %v", name, got, c.want)
		}
	}
}
