package jwt

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SealPrivate puts a claim of the application's own into a, sealed: who carries
// the token sees its name and its length, no more. The token's signature covers
// it. Besides what SetPrivate refuses, it returns what Seal returns.
func (a *Access) SealPrivate(name string, value any, s Sealing) error {
	plaintext, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("%w: private claim %q cannot be written as JSON", ErrClaims, name) // the cause may quote it
	}
	sealed, err := s.seal(plaintext, ctyClaim)
	if err != nil {
		return err
	}
	if sealed[0] == '{' {
		return a.SetPrivate(name, jsontext.Value(sealed))
	}
	return a.SetPrivate(name, sealed)
}

// OpenPrivate opens a claim that SealPrivate made, with one of keys, into what
// value points to. Ask it of verified claims: only their signature says who
// sealed. A refusal is an *Error: claims when there is no such sealed claim or
// it does not fit value, else as from Open.
func (a *Access) OpenPrivate(name string, value any, keys ...*OpenKey) error {
	sealed := string(a.Private[name])
	switch a.Private[name].Kind() {
	case '"':
		if json.Unmarshal(a.Private[name], &sealed) != nil {
			return errSealShape
		}
	case '{':
	default:
		return refuse(BadClaim, "there is no sealed claim %q", name)
	}
	opened, err := open(sealed, ctyClaim, keys)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(opened.Plaintext, value); err != nil {
		return refuse(BadClaim, "the sealed claim %q is of another type", name)
	}
	return nil
}
