package feed

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// The scopes: what a credential can be good for. None contains another.
const (
	FollowScope = "follow" // hear of every rule
	SightScope  = "sight"  // tell which sessions were seen, at the audiences that the grant names
	CheckScope  = "check"  // ask for verdicts by identifiers
	AppendScope = "append" // add rules
)

// A Grant is what a credential is good for. The zero Grant is good for nothing.
type Grant struct {
	Name      string   // tells credentials apart in figures, logs and rates; no secret
	Scopes    []string // of the constants
	Audiences []string // for SightScope: whose sessions; none means none
}

// Allows tells whether a grant has a scope.
func (g Grant) Allows(scope string) bool { return slices.Contains(g.Scopes, scope) }

// errScope is a good credential in the wrong place.
type errScope string

func (e errScope) Error() string {
	return "feed: the credential is not good for the scope " + string(e)
}

// admit asks for a credential of any of some scopes.
func (h *Handler) admit(r *http.Request, scopes ...string) (Grant, error) {
	credential, err := bearer(r)
	if err != nil {
		return Grant{}, err
	}
	grant, err := h.cfg.Allow(r.Context(), credential)
	if err != nil {
		return Grant{}, err
	}
	if !slices.ContainsFunc(scopes, grant.Allows) {
		return Grant{}, errScope(scopes[0])
	}
	return grant, nil
}

// bearer returns the credential of a request (RFC 6750 §2.1): one header,
// nowhere else, since the address of a stream ends up in logs.
func bearer(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", errMissing
	}
	scheme, credential, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || credential == "" {
		return "", ErrUnauthorized
	}
	return credential, nil
}

var errMissing = errors.New("feed: no credential")
