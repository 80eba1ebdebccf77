package facepage

import (
	"maps"
	"net/http"
	"strings"
	"sync"
)

// What a request to the account server is for.
const (
	upkeep    = "upkeep"    // keys and revocations: it comes with or without requests of people
	questions = "questions" // everything else: about one token, one session, one person
	staging   = "staging"   // by the pages, about the demonstration itself
)

// purpose tells what a request to the account server is for.
func purpose(path string) string {
	switch {
	case strings.HasPrefix(path, deskPrefix):
		return staging
	case path == "/revocation/v1/check":
		return questions
	case path == "/jwks", strings.HasPrefix(path, "/.well-known/"), strings.HasPrefix(path, "/revocation/v1/"):
		return upkeep
	}
	return questions
}

// calls counts requests to the account server, by what they are for.
type calls struct {
	mu sync.Mutex
	n  map[string]int
}

func newCalls() *calls { return &calls{n: map[string]int{upkeep: 0, questions: 0}} }

func (c *calls) count(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[purpose(path)]++
}

func (c *calls) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.n)
}

// received counts what comes in.
func (c *calls) received(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.count(r.URL.Path)
		next.ServeHTTP(w, r)
	})
}

// counting counts what goes out.
func (c *calls) counting(next http.RoundTripper) http.RoundTripper { return sender{c, next} }

type sender struct {
	calls *calls
	next  http.RoundTripper
}

func (s sender) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls.count(r.URL.Path)
	return s.next.RoundTrip(r)
}

// CloseIdleConnections lets a client close what nobody uses.
func (s sender) CloseIdleConnections() {
	if t, ok := s.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
