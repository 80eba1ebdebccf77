package jotkeeper

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// An Option is a demand of one route.
type Option func(*route) error

// route is what one guarded route demands.
type route struct {
	verifier   *jwt.Verifier[Claims]
	audience   []string
	kinds      []string
	scopes     []string
	formField  string
	queryParam string
	revalidate bool
	fresh      bool
	stale      *StalePolicy // nil: rides on
}

func (a *Auth) route(opts []Option) (*route, error) {
	rt := &route{verifier: a.main}
	for _, o := range opts {
		if err := o(rt); err != nil {
			return nil, err
		}
	}
	if rt.stale != nil && a.following == nil {
		return nil, fmt.Errorf("%w: WhenStale: there is no Feed that could be stale", ErrConfig)
	}
	if rt.fresh && a.config.Revocations == nil && !rt.revalidate {
		return nil, fmt.Errorf("%w: Fresh: nothing tells this program what was changed; give it a Feed, or the route Revalidate too", ErrConfig)
	}
	if rt.audience == nil && rt.kinds == nil {
		return rt, nil
	}
	if rt.audience == nil {
		rt.audience = []string{a.config.Audience}
	}
	if rt.kinds == nil {
		rt.kinds = a.config.Types
	}
	var err error
	rt.verifier, err = a.verifier(rt.kinds, rt.audience)
	return rt, err
}

// Scope demands that the token carries every one of these scopes.
func Scope(scopes ...string) Option {
	return func(rt *route) error {
		for _, s := range scopes {
			if s == "" || strings.ContainsAny(s, " \t\r\n\"\\") {
				return fmt.Errorf("%w: Scope: %q is not one scope (RFC 6749 §3.3)", ErrConfig, s)
			}
		}
		rt.scopes = append(rt.scopes, scopes...)
		return nil
	}
}

// Audience accepts these audiences on the route, in place of Config.Audience.
func Audience(names ...string) Option {
	return func(rt *route) error {
		if len(names) == 0 || slices.Contains(names, "") {
			return fmt.Errorf("%w: Audience: a route needs a name that is not empty", ErrConfig)
		}
		rt.audience = names
		return nil
	}
}

// Kind accepts tokens of these kinds on the route, in place of access tokens.
// What their claims type has beyond that of an access token is in Private.
func Kind(kinds ...jwt.Kind) Option {
	return func(rt *route) error {
		if len(kinds) == 0 || slices.Contains(kinds, "") {
			return fmt.Errorf("%w: Kind: a route needs a kind that is not empty", ErrConfig)
		}
		for _, k := range kinds {
			rt.kinds = append(rt.kinds, string(k))
		}
		return nil
	}
}

// Revalidate asks the issuer about the token on each request, after it has
// verified: for the few routes that must hear of a logout at once. It costs
// one round trip; without an answer the route is 503.
func Revalidate() Option {
	return func(rt *route) error { rt.revalidate = true; return nil }
}

// Fresh refuses a token that was signed before its account's rights were
// changed: 401 stale, so that the client refreshes once and comes back with
// what holds now. Other routes accept such a token and mark their answer
// Jotkeeper-Renew: 1. What was taken away is refused everywhere, with or without
// Fresh. A program that hears of no rules refuses the option with ErrConfig.
func Fresh() Option {
	return func(rt *route) error { rt.fresh = true; return nil }
}

// FromForm also takes the token from a field of a POSTed form
// (application/x-www-form-urlencoded, RFC 6750 §2.2).
func FromForm(field string) Option {
	return func(rt *route) error { rt.formField = field; return nil }
}

// InsecureFromQuery also takes the token from a parameter of the URL. URLs end
// up in logs, histories and Referer headers: RFC 6750 §2.3 advises against it,
// and so does this package. It is for clients that can send nothing else.
func InsecureFromQuery(parameter string) Option {
	return func(rt *route) error { rt.queryParam = parameter; return nil }
}

// demands holds a verified token against the route. A token that is to be
// renewed anyway is told so first: the next one may have the scope.
func (rt *route) demands(seen verdict) error {
	if err := rt.freshness(seen); err != nil {
		return err
	}
	if len(rt.scopes) == 0 {
		return nil
	}
	held := strings.Fields(seen.claims.Scope)
	for _, s := range rt.scopes {
		if !slices.Contains(held, s) {
			return &jwt.Error{Reason: jwt.BadScope, Detail: "the token lacks scope " + s}
		}
	}
	return nil
}

func (rt *route) freshness(seen verdict) error {
	if rt.fresh && seen.renew {
		return &jwt.Error{Reason: jwt.Stale, Detail: "the account's rights were changed after the token was signed"}
	}
	return nil
}
