package authserver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/jotkeeper/jotkeeper/internal/problem"
)

// table is every route of the server. A line begins with whose clients it is
// for: keratin (the published clients of Keratin AuthN) or ours.
func (s *server) table() []route {
	return []route{
		s.ours("GET", "/{$}").open(s.home),
		s.ours("GET", "/jotkeeper.js").open(s.script),

		s.keratin("POST", "/accounts").origin(changes, s.signUp),
		s.keratin("GET", "/accounts/available").origin(reads, s.available),
		s.keratin("POST", "/session").origin(changes, s.logIn),
		s.keratin("GET", "/session/refresh").refresh(changes, s.refresh), // the one GET that changes something: its clients ask so
		s.keratin("POST", "/session/refresh").refresh(changes, s.refresh),
		s.keratin("DELETE", "/session").leave(changes, s.logOut),
		s.keratin("POST", "/password").refresh(changes, s.changePassword),

		s.ours("GET", "/sessions").own(reads, s.listSessions),
		s.ours("DELETE", "/sessions").own(changes, s.endOthers),
		s.ours("DELETE", "/sessions/{sid}").own(changes, s.endSession),
		s.ours("GET", "/revocation/v1/check").bearer(reads, s.check),
		s.ours("POST", "/revocation/v1/check").follower(reads, s.feedSoon),
		s.ours("GET", "/revocation/v1/stream").held(s.feed),
		s.ours("GET", "/revocation/v1/events").held(s.feed),
		s.ours("GET", "/revocation/v1/snapshot").follower(reads, s.feed),
		s.ours("GET", "/revocation/v1/followers").follower(reads, s.feed),
		s.ours("POST", "/revocation/v1/acks").follower(changes, s.feed),
		s.ours("POST", "/revocation/v1/rules").follower(changes, s.feed),
		s.ours("POST", "/revocation/v1/sightings").follower(changes, s.feedSoon),

		s.keratin("GET", "/accounts/{id}").private(reads, s.showAccount),
		s.keratin("PATCH", "/accounts/{id}").private(changes, s.changeAccount),
		s.keratin("PUT", "/accounts/{id}").private(changes, s.changeAccount),
		s.keratin("PATCH", "/accounts/{id}/lock").private(changes, s.lockAccount),
		s.keratin("PUT", "/accounts/{id}/lock").private(changes, s.lockAccount),
		s.keratin("PATCH", "/accounts/{id}/unlock").private(changes, s.unlockAccount),
		s.keratin("PUT", "/accounts/{id}/unlock").private(changes, s.unlockAccount),
		s.keratin("GET", "/metrics").private(reads, s.scrape),

		s.ours("POST", "/oauth2/introspect").private(reads, s.introspect), // a POST, to keep the token out of addresses
		s.ours("POST", "/oauth2/revoke").origin(changes, s.revoke),

		s.keratin("GET", "/jwks").open(s.keySet),
		s.ours("GET", "/.well-known/jwks.json").open(s.keySet),
		s.keratin("GET", "/configuration").open(s.configuration),
		s.ours("GET", "/.well-known/openid-configuration").open(s.configuration),
		s.ours("GET", "/.well-known/revocation-feed").open(s.feed),
		s.keratin("GET", "/health").open(s.health),
		s.ours("GET", "/healthz").open(s.alive),
		s.ours("GET", "/readyz").open(s.ready),
		s.ours("GET", "/version").open(s.version),
	}
}

// A route is one line of the table. Only a guard makes one.
type route struct {
	method     string
	pattern    string // below the issuer's path
	guard      string
	effect     effect
	held       bool // open for long, so there is no HEAD
	compatible bool
	serve      func(*call) error
}

// An effect tells whether a route changes anything.
type effect bool

// The effects.
const (
	reads   effect = false
	changes effect = true
)

// unguarded is a line that no guard stands before yet. It serves nothing.
type unguarded struct {
	s *server
	r route
}

func (s *server) keratin(method, pattern string) unguarded {
	return unguarded{s, route{method: method, pattern: pattern, compatible: true}}
}

func (s *server) ours(method, pattern string) unguarded {
	return unguarded{s, route{method: method, pattern: pattern}}
}

// open is for what everybody may read.
func (u unguarded) open(h func(*call) error) route {
	u.r.guard, u.r.serve = "open", h
	return u.r
}

// origin lets in who comes from a trusted origin, or from none.
func (u unguarded) origin(e effect, h func(*call, visitor) error) route {
	return guarded(u, "origin", e, u.s.visit, h)
}

// refresh lets in who brings a refresh credential, in a cookie from a trusted
// origin or in the body. The credential is not looked at yet.
func (u unguarded) refresh(e effect, h func(*call, holder) error) route {
	return guarded(u, "cookie+origin", e, u.s.hold, h)
}

// own lets in the person whose session it is.
func (u unguarded) own(e effect, h func(*call, owner) error) route {
	return guarded(u, "own", e, u.s.own, h)
}

// leave lets in whoever has anything to give up.
func (u unguarded) leave(e effect, h func(*call, leaver) error) route {
	return guarded(u, "leave", e, u.s.leaving, h)
}

// bearer lets in a genuine access token for any of our audiences, revoked or not.
func (u unguarded) bearer(e effect, h func(*call, bearer) error) route {
	return guarded(u, "bearer", e, u.s.bearing, h)
}

// private lets in the administrator.
func (u unguarded) private(e effect, h func(*call, admin) error) route {
	return guarded(u, "private", e, func(c *call) (admin, error) { return u.s.administer(c, e) }, h)
}

// guarded joins a guard to what it guards: h cannot be called without the
// proof that the guard gives.
func guarded[P any](u unguarded, name string, e effect, guard func(*call) (P, error), h func(*call, P) error) route {
	u.r.guard, u.r.effect = name, e
	u.r.serve = func(c *call) error {
		proof, err := guard(c)
		if err != nil {
			return err
		}
		return h(c, proof)
	}
	return u.r
}

func patterns(table []route) []string {
	all := []string{"unmatched"}
	for _, r := range table {
		if p := strings.TrimSuffix(r.pattern, "{$}"); !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// register puts the table into the router, one entry for each path.
func (s *server) register(table []route) {
	s.mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		s.fail(callOf(r), refuse(problem.NotFound))
	})
	paths := map[string]map[string]route{}
	for _, r := range table {
		if paths[r.pattern] == nil {
			paths[r.pattern] = map[string]route{}
		}
		paths[r.pattern][r.method] = r
	}
	for pattern, verbs := range paths {
		s.mux.HandleFunc(s.prefix+pattern, func(_ http.ResponseWriter, r *http.Request) { s.serve(callOf(r), verbs) })
	}
}

// callOf finds the call that a request belongs to. The request is the
// router's, with the values of the path.
func callOf(r *http.Request) *call {
	c := r.Context().Value(callKey{}).(*call)
	c.r = r
	return c
}

// serve picks the route of a path by its verb.
func (s *server) serve(c *call, verbs map[string]route) {
	r, ok := verbs[c.r.Method]
	if get := verbs["GET"]; c.r.Method == "HEAD" && get.answersHead() {
		r, ok = get, true
	}
	for _, any := range verbs {
		c.pattern, c.compatible = strings.TrimSuffix(any.pattern, "{$}"), any.compatible
	}
	switch {
	case ok:
		s.share(c, r)
		if err := r.serve(c); err != nil {
			s.fail(c, err)
		}
	case c.r.Method == "OPTIONS":
		s.preflight(c, verbs)
	default:
		c.w.Header().Set("Allow", allowed(verbs))
		s.fail(c, refuse(problem.MethodNotAllowed))
	}
}

func (r route) answersHead() bool { return r.serve != nil && r.effect == reads && !r.held }

func allowed(verbs map[string]route) string {
	list := []string{"OPTIONS"}
	for verb, r := range verbs {
		list = append(list, verb)
		if verb == "GET" && r.answersHead() {
			list = append(list, "HEAD")
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
