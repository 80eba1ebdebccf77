package keeper_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/keeper"
)

// A person logs in over TLS, with a cookie jar that others wrote, opens a page of
// 32 requests as the token comes due, at two nodes, and logs out. A thief has
// copies of both tokens all the while.
func TestALockedEveningInABrowser(t *testing.T) {
	h := newHouse(t)
	h.clock.now = time.Now()
	h.Keeper = h.node()
	nodes := []*keeper.Keeper{h.Keeper, h.node()}
	s := httptest.NewTLSServer(lockedShop(t, nodes))
	defer s.Close()
	person, thief := s.Client(), &http.Client{Transport: s.Client().Transport}
	person.Jar, _ = cookiejar.New(nil)
	visit := func(c *http.Client, method, path, bearer string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		r.Header.Set("Origin", s.URL)
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		answer, err := c.Do(r)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		given, _ := held(answer.Header)
		if given == "" {
			given = bearer
		}
		if err != nil || answer.StatusCode != 200 && answer.Header["Set-Cookie"] != nil {
			t.Errorf("%s: %v, cookies %q", path, err, answer.Header["Set-Cookie"])
		}
		return answer.StatusCode, given
	}
	_, first := visit(person, "POST", "/login", "")
	h.pass(31*time.Minute, nodes[1])
	given := make([]string, 32)
	var all sync.WaitGroup
	for i := range given {
		all.Go(func() { _, given[i] = visit(person, "GET", "/", first) })
		all.Go(func() {
			if status, _ := visit(thief, "GET", "/", first); status != 401 {
				t.Errorf("the thief is answered %d", status)
			}
		})
	}
	all.Wait()
	for i, next := range given {
		if next == first || next != given[0] {
			t.Fatalf("request %d was given %s, the first %s", i, tail(next), tail(given[0]))
		}
	}
	visit(person, "GET", "/", given[0])
	h.pass(11*time.Second, nodes[1])
	for _, stolen := range []string{first, given[0]} {
		for _, path := range []string{"/", "/logout"} {
			if status, _ := visit(thief, "POST", path, stolen); status != 401 {
				t.Errorf("the thief at %s is answered %d", path, status)
			}
		}
	}
	h.wantRules("jti revoke renewed")
	for _, step := range []struct {
		method, path string
		want         int
	}{{"GET", "/", 200}, {"POST", "/logout", 200}, {"GET", "/", 401}} {
		if status, _ := visit(person, step.method, step.path, given[0]); status != step.want {
			t.Errorf("%s %s: %d, want %d", step.method, step.path, status, step.want)
		}
	}
	h.wantRules("jti revoke renewed", "sid revoke logout")
}

// lockedShop is served by nodes in turn.
func lockedShop(t *testing.T, nodes []*keeper.Keeper) http.Handler {
	var mu sync.Mutex
	turn := 0
	node := func() *keeper.Keeper {
		mu.Lock()
		defer mu.Unlock()
		turn++
		return nodes[turn%len(nodes)]
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		token, err := nodes[0].Create(r.Context(), keeper.Claims{Subject: "ada", Locked: true})
		if err == nil {
			err = nodes[0].Write(w, r, token, keeper.ByHeader)
		}
		if err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := nodes[0].Clear(w, r); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { node().Handler(orders(t)).ServeHTTP(w, r) })
	return mux
}
