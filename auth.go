package jotkeeper

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// Claims is what a verified token says. It is shared between requests: read it, never change it.
type Claims = jwt.Access

// Config says whose tokens are accepted. Issuer and Audience are required.
type Config struct {
	Issuer   string // the exact iss of the tokens: the issuer's URL
	Audience string // this service's name in aud

	// Keys are the issuer's public keys. When nil they are discovered at the
	// issuer's URL and fetched on first use.
	Keys jwt.Keys

	// Feed, if it is set, follows the issuer's revocations from New to Close.
	Feed Feed

	// Revocations, if set, is asked about every verified token, in place of a Feed.
	Revocations revocation.Checker

	// Origins lists further web origins ("https://app.example.com") whose pages
	// may send state-changing requests with the cookie. The own origin always may.
	Origins []string

	// Lock says which tokens must come with the lock of their browser. The zero
	// value, binding.WhenLocked, asks it of those that are locked; with
	// binding.Required no other tokens are taken.
	Lock binding.Policy

	Cookie Cookie       // the cookie that may carry the token; the zero value is __Host-jotkeeper
	Types  []string     // accepted JOSE typ values; empty: at+jwt. {"at+jwt", "JWT"} takes tokens of serve --token-typ JWT
	Client *http.Client // for keys and revalidation; nil: one with short timeouts that leaves dead connections
}

// ErrConfig is wrapped by every error of New.
var ErrConfig = errors.New("jotkeeper: configuration")

// Auth verifies the tokens of one issuer. It is safe for concurrent use.
type Auth struct {
	config  Config
	keys    jwt.Keys
	remote  *jwks.Remote // non-nil if Auth owns it
	carrier Carrier
	client  *http.Client
	own     *http.Transport // of client, if it is ours
	main    *jwt.Verifier[Claims]

	following *following // nil: no feed
}

// New makes an Auth. It fails with ErrConfig. It waits for no network: an Auth
// with a Feed begins to follow it, and answers 503 until it has heard.
func New(c Config) (*Auth, error) {
	a := &Auth{config: c, keys: c.Keys, carrier: Carrier{Cookie: c.Cookie, Origins: slices.Clone(c.Origins)}}
	a.client, a.own = asking(c.Client)
	if c.Audience == "" {
		return nil, fmt.Errorf("%w: Audience is missing: the name that tokens for this service carry in aud", ErrConfig)
	}
	if c.Lock > binding.Required {
		return nil, fmt.Errorf("%w: Lock: there is no policy %d; use binding.WhenLocked or binding.Required", ErrConfig, c.Lock)
	}
	if err := a.carrier.Check(); err != nil {
		return nil, err
	}
	if err := a.findKeys(); err != nil {
		return nil, err
	}
	var err error
	if a.main, err = a.verifier(c.Types, []string{c.Audience}); err == nil {
		err = a.follow()
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *Auth) findKeys() error {
	u, err := url.Parse(a.config.Issuer)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%w: Issuer %q is not a URL such as https://id.example.com", ErrConfig, a.config.Issuer)
	}
	if a.keys != nil {
		return nil
	}
	a.remote, err = jwks.NewRemote(jwks.RemoteConfig{Issuer: a.config.Issuer, Client: a.config.Client})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	a.keys = a.remote
	return nil
}

func (a *Auth) verifier(types, audience []string) (*jwt.Verifier[Claims], error) {
	v, err := jwt.NewVerifier[Claims](jwt.VerifierConfig{
		Issuer: a.config.Issuer, Audience: audience, Keys: knownKeys{a}, Typ: types,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return v, nil
}

// Issuer returns whose tokens are accepted.
func (a *Auth) Issuer() string { return a.config.Issuer }

// Close stops the background work of an Auth that fetches its own keys or
// follows a feed, and closes the connections that nobody uses.
func (a *Auth) Close() {
	if a.following != nil {
		a.following.close()
	}
	if a.remote != nil {
		a.remote.Close()
	}
	if a.own != nil {
		a.own.CloseIdleConnections()
	}
}

// Handler guards next: it serves a request whose token is good for the route,
// and refuses every other with a problem. It panics on an option that can not
// be kept, when the route is made.
func (a *Auth) Handler(next http.Handler, opts ...Option) http.Handler {
	rt, err := a.route(opts)
	if err != nil {
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.carrier.Personal(w)
		seen, err := a.authenticate(r, rt)
		if seen.renew {
			w.Header().Set(renewHeader, "1")
		}
		if err != nil {
			refuse(w, r, rt, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, seen.claims)))
	})
}

// Authenticate does what Handler does before it serves, for programs that
// route by other means. Its error answers to jwt.ReasonOf.
func (a *Auth) Authenticate(r *http.Request, opts ...Option) (*Claims, error) {
	rt, err := a.route(opts)
	if err != nil {
		return nil, err
	}
	seen, err := a.authenticate(r, rt)
	if err != nil {
		return nil, err
	}
	return seen.claims, nil
}

// renewHeader marks the answer to a token that holds, and should be renewed soon.
const renewHeader = "Jotkeeper-Renew"

type claimsKey struct{}

// FromContext returns the claims of the request that Handler let through.
func FromContext(ctx context.Context) (*Claims, bool) {
	c, ok := ctx.Value(claimsKey{}).(*Claims)
	return c, ok
}

// verdict is what a request's token came to.
type verdict struct {
	claims *Claims
	renew  bool // a rule asks for renewal at the next chance; said beside a refusal too, since what was refused may be what changed
}

func (a *Auth) authenticate(r *http.Request, rt *route) (verdict, error) {
	now := time.Now()
	found, err := a.credentials(r, rt)
	if err != nil {
		return verdict{}, err
	}
	heard := a.heard() // before the rules are asked: what comes in between must not make their answer younger
	seen, err := a.verifyAll(r, now, rt, found)
	if err != nil {
		return verdict{}, err
	}
	if err := rt.demands(seen); err != nil {
		return seen, err
	}
	renew, err := a.current(r, now, heard, rt, found.list[0], seen.claims)
	if err != nil {
		return verdict{}, err
	}
	seen.renew = seen.renew || renew
	if err := rt.freshness(seen); err != nil {
		return seen, err
	}
	if a.following != nil {
		a.following.sights.note(now, seen.claims)
	}
	return seen, nil
}

// current makes sure that nothing newer is known of a token that holds as far
// as it is known here. It tells whether the issuer, if asked, wants it renewed.
func (a *Auth) current(r *http.Request, now, heard time.Time, rt *route, text string, c *Claims) (renew bool, err error) {
	if rt.revalidate {
		return a.askIssuer(r, text, c)
	}
	return a.ride(r, now, heard, rt, text, c)
}

// verifyAll verifies every credential of the request. Several are one only if
// all verify and belong to one session; then the first, the header's, decides.
func (a *Auth) verifyAll(r *http.Request, now time.Time, rt *route, found carried) (verdict, error) {
	first, err := a.verify(r, now, rt, found.list[0])
	for _, other := range found.list[1:found.n] {
		second, otherErr := a.verify(r, now, rt, other)
		if unavailable(err) || unavailable(otherErr) {
			return verdict{}, errors.Join(err, otherErr)
		}
		if err != nil || otherErr != nil || !sameSession(first.claims, second.claims) {
			return verdict{}, &jwt.Error{Reason: jwt.Ambiguous, Detail: "two credentials that are not of one session"}
		}
	}
	return first, err
}

func sameSession(a, b *Claims) bool {
	return a.SessionID != "" && a.Issuer == b.Issuer && a.SessionID == b.SessionID
}

func (a *Auth) verify(r *http.Request, now time.Time, rt *route, text string) (verdict, error) {
	t, err := rt.verifier.Verify(r.Context(), now, text)
	if err != nil {
		return verdict{}, err
	}
	c := t.Claims()
	// What is bound never becomes a bearer token (RFC 7800 §3.1, rows A035 and A060).
	if err := a.config.Lock.Check(r, c.SessionID, c.Confirmation); err != nil {
		return verdict{}, err
	}
	if a.config.Revocations == nil {
		return verdict{claims: c}, nil
	}
	switch v := a.rules(now, c, t.KeyID()); v.Action {
	case revocation.None:
		return verdict{claims: c}, nil
	case revocation.Rotate:
		return verdict{claims: c, renew: true}, nil
	default:
		return verdict{}, &jwt.Error{Reason: jwt.Revoked, Detail: "revoked by a " + string(v.Scope) + " rule: " + v.Reason}
	}
}

// rules asks about a verified token. The index is asked by its own name, not as
// a Checker: so the question stays off the heap.
func (a *Auth) rules(now time.Time, c *Claims, kid string) revocation.Verdict {
	q := revocation.QueryOf(c, kid)
	if x, ok := a.config.Revocations.(*revocation.Index); ok {
		return x.Check(now, &q)
	}
	asked := q
	return a.config.Revocations.Check(now, &asked)
}

func unavailable(err error) bool { return err != nil && jwt.ReasonOf(err) == jwt.Unavailable }

func refuse(w http.ResponseWriter, r *http.Request, rt *route, err error) {
	p := problem.Problem{Code: problem.Code(jwt.ReasonOf(err))}
	if p.Code == problem.Code(jwt.BadScope) {
		p.Scope = strings.Join(slices.Sorted(slices.Values(rt.scopes)), " ")
	}
	problem.Write(w, r, p)
}
