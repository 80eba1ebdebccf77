package jwt

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// reserved are the names that a private claim must not have: the claims of the
// token profile (docs/spec/token-profile.md), present in a token or not. A
// private "scope" in a token without one would be a promotion.
var reserved = []string{
	"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "sid",
	"auth_time", "amr", "acr", "scope", "tid", "ver", "sxp", "prv", "gen", "rev", "cnf",
	"act", "may_act", "azp", "client_id", "csrf",
}

// putPrivate puts a private claim into *claims, which it makes when it is nil.
// A reserved or empty name, or a value that JSON cannot hold, is ErrClaims.
func putPrivate(claims *map[string]jsontext.Value, name string, value any) error {
	if err := private(name); err != nil {
		return err
	}
	encoded, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("%w: private claim %q: %v", ErrClaims, name, err)
	}
	if *claims == nil {
		*claims = make(map[string]jsontext.Value)
	}
	(*claims)[name] = encoded
	return nil
}

// private refuses a reserved name. Readers that fold case exist (encoding/json
// takes SUB, and even ſub, for sub), so names are compared as they compare.
func private(name string) error {
	if name == "" {
		return fmt.Errorf("%w: a private claim has no name", ErrClaims)
	}
	for _, r := range reserved {
		if strings.EqualFold(name, r) {
			return fmt.Errorf("%w: %q is reserved; choose another name for a private claim", ErrClaims, name)
		}
	}
	return nil
}
