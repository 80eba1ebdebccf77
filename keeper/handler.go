package keeper

import (
	"context"
	"fmt"
	"net/http"

	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// An Option changes what a guarded route does beside serving.
type Option func(*guard) error

// Authenticated is told of each request before it is served, with its token,
// renewed if it was due. If it returns an error the request is denied with it: a
// *jwt.Error tells its reason, any other is a 500.
func Authenticated(hook func(r *http.Request, t *Token) error) Option {
	return func(g *guard) error { g.authenticated = hook; return nil }
}

// Denied answers a request that is not served, in place of the problem. Ask
// jwt.ReasonOf for the reason of err. It should clear no cookie: the request may
// have been overtaken by a login.
func Denied(answer func(w http.ResponseWriter, r *http.Request, err error)) Option {
	return func(g *guard) error {
		if answer == nil {
			return fmt.Errorf("%w: Denied: no answer; leave the option out to answer with a problem", ErrConfig)
		}
		g.denied = answer
		return nil
	}
}

// LoginPage sends a person who opens a page without a good token to path, with
// the page in the parameter return_to: read it with ReturnTo. Everything else
// that is denied gets its problem. The path is one of this site: an absolute
// path without a query, or the option is refused with ErrConfig.
func LoginPage(path string) Option {
	return func(g *guard) error {
		if !local(path) || path != plainPath(path) {
			return fmt.Errorf("%w: LoginPage: %q is not a path of this site such as /login", ErrConfig, path)
		}
		g.login = path
		return nil
	}
}

// guard is a guarded handler.
type guard struct {
	keeper        *Keeper
	next          http.Handler
	authenticated func(*http.Request, *Token) error
	denied        func(http.ResponseWriter, *http.Request, error)
	login         string
}

// Handler guards next: it serves a request that carries a good token, renews the
// token when it is due, and denies every other request with a problem. A renewed
// token goes back the way the old one came, in headers that are set before next
// runs. It panics on an option that cannot be kept, when the route is made.
func (k *Keeper) Handler(next http.Handler, opts ...Option) http.Handler {
	g := &guard{keeper: k, next: next, denied: deny}
	for _, o := range opts {
		if err := o(g); err != nil {
			panic(err)
		}
	}
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.keeper.carrier.Personal(w)
	a, err := g.keeper.arrive(r)
	if err == nil && (a.header || a.cookie) {
		g.keeper.give(w, a)
		bearing := &answer{ResponseWriter: w, carrier: &g.keeper.carrier}
		defer bearing.seal()
		w = bearing
	}
	if err == nil && g.authenticated != nil {
		err = g.authenticated(r, a.token)
	}
	switch {
	case err == nil:
		g.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, a.token)))
	case g.login != "" && g.page(r, err):
		toLogin(w, r, g.login)
	default:
		g.denied(w, r, err)
	}
}

type tokenKey struct{}

// FromContext returns the token of the request that Handler let through, renewed
// if it was due.
func FromContext(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(tokenKey{}).(*Token)
	return t, ok
}

// deny answers with a problem. No refresh stands behind these tokens, so that is
// not what it advises.
func deny(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Problem{Code: problem.Code(jwt.ReasonOf(err))}
	if final(err) || p.Code == problem.Code(jwt.BadKey) {
		p.Hint = "Log in again."
	}
	problem.Write(w, r, p)
}
