package golangjwt

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jotkeeper/jotkeeper"
)

// A Guard takes the tokens of the new issuer and, until a date, the old ones.
type Guard struct {
	auth *jotkeeper.Auth
	old  *reader
	now  func() time.Time

	fromOld, fromNew atomic.Int64
}

// NewGuard returns a Guard. It fails with what is wrong with old.
func NewGuard(auth *jotkeeper.Auth, old Old, now func() time.Time) (*Guard, error) {
	r, err := newReader(old, now)
	if err != nil {
		return nil, err
	}
	return &Guard{auth: auth, old: r, now: now}, nil
}

// Handler serves next to people whose token holds all of scopes.
func (g *Guard) Handler(next http.Handler, scopes ...string) http.Handler {
	var options []jotkeeper.Option
	if len(scopes) > 0 {
		options = append(options, jotkeeper.Scope(scopes...))
	}
	fresh := g.auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := jotkeeper.FromContext(r.Context())
		g.fromNew.Add(1)
		serve(next, w, r, Person{claims.Subject, strings.Fields(claims.Scope)})
	}), options...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.old.read(g.now(), onlyBearer(r))
		if err != nil {
			fresh.ServeHTTP(w, r) // a new token; or none of either kind, and refused with its reason
			return
		}
		g.fromOld.Add(1)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Add("Vary", "Authorization, Cookie")
		if slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(p.Scopes, s) }) {
			http.Error(w, "this account may not do that", http.StatusForbidden)
			return
		}
		serve(next, w, r, p)
	})
}

// Counts returns how many requests came with an old token and how many with a
// new one. When the first stands still, the old side is empty.
func (g *Guard) Counts() (fromOld, fromNew int64) { return g.fromOld.Load(), g.fromNew.Load() }

// onlyBearer returns the token of the header, if it is the only credential: a
// request with two is for the Auth to judge.
func onlyBearer(r *http.Request) string {
	header := r.Header["Authorization"]
	if len(header) != 1 || len(r.CookiesNamed(jotkeeper.DefaultCookie)) > 0 {
		return ""
	}
	scheme, raw, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return raw
}

type personKey struct{}

func serve(next http.Handler, w http.ResponseWriter, r *http.Request, p Person) {
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, p)))
}

// From returns who asks, in a handler behind a Guard.
func From(ctx context.Context) (Person, bool) {
	p, ok := ctx.Value(personKey{}).(Person)
	return p, ok
}
