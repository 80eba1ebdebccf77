package jwt

import (
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wireKey is what ParseJWK wants to know of a JSON Web Key before it lets
// go-jose at it (RFC 7517 §4, RFC 7518 §6).
type wireKey struct {
	Type       string   `json:"kty"`
	Use        string   `json:"use,omitempty"`
	Operations []string `json:"key_ops,omitempty"`
	Algorithm  string   `json:"alg"`
	ID         string   `json:"kid,omitempty"`

	Curve string `json:"crv,omitempty"`
	X     string `json:"x,omitempty"`
	Y     string `json:"y,omitempty"`
	N     string `json:"n,omitempty"`
	E     string `json:"e,omitempty"`

	Rest map[string]jsontext.Value `json:",embed"`
}

// The members that only a private or a symmetric key has (RFC 7518 §6.2.2,
// §6.3.2, §6.4.1).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// ParseJWK reads one public JSON Web Key (RFC 7517). It refuses, with ErrKey
// and a sentence: symmetric keys, private members, RSA outside 2048 to 4096
// bits, points off their curve, numbers not in their one canonical spelling, a
// use other than sig, key_ops without verify, and an alg that is missing or
// does not fit the key. Members named twice are refused; unknown ones are not
// read (RFC 7517 §4), certificates among them.
func ParseJWK(data []byte) (*PublicKey, error) {
	var wire wireKey
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, badKey("not a JSON Web Key: %v", err)
	}
	if err := wire.refuse(); err != nil {
		return nil, err
	}
	jwk, err := wire.decode()
	if err != nil {
		return nil, err
	}
	return newPublicKey(jwk.Key, Algorithm(wire.Algorithm), wire.ID)
}

// refuse applies the policy that needs no arithmetic.
func (w *wireKey) refuse() error {
	for _, name := range privateMembers {
		if _, ok := w.Rest[name]; ok {
			return badKey("it has the private member %q: withdraw that key, it is no secret any more", name)
		}
	}
	switch {
	case w.Use != "" && w.Use != "sig":
		return badKey("use is %q, not sig", w.Use)
	case w.Operations != nil && !slices.Equal(w.Operations, []string{"verify"}):
		return badKey("key_ops is %q, not verify alone", w.Operations)
	case w.Algorithm == "":
		return badKey("alg is missing: say which one algorithm the key is for")
	case !plainID(w.ID):
		return badKey("kid must be printable ASCII without quotes, at most %d bytes", maxKeyID)
	}
	return nil
}

// decode lets go-jose read the key material alone, then has it written again: a
// key has one spelling.
func (w *wireKey) decode() (*jose.JSONWebKey, error) {
	bare := wireKey{Type: w.Type, Curve: w.Curve, X: w.X, Y: w.Y, N: w.N, E: w.E}
	data, err := json.Marshal(bare)
	if err != nil {
		return nil, badKey("%v", err)
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(data); err != nil {
		return nil, badKey("%v", err)
	}
	again, err := jwk.MarshalJSON()
	if err != nil {
		return nil, badKey("%v", err)
	}
	var back wireKey
	if err := json.Unmarshal(again, &back); err != nil {
		return nil, badKey("%v", err)
	}
	if back.Curve != bare.Curve || back.X != bare.X || back.Y != bare.Y || back.N != bare.N || back.E != bare.E {
		return nil, badKey("its numbers are not in canonical base64url")
	}
	return &jwk, nil
}

// MarshalJSON writes k as a public JSON Web Key, with use, alg and kid. An HMAC
// key has no public half: ErrKey.
func (k *PublicKey) MarshalJSON() ([]byte, error) {
	if k.key == nil {
		return nil, badKey("an HMAC key is never published")
	}
	return (&jose.JSONWebKey{Key: k.key, KeyID: k.id, Algorithm: string(k.alg), Use: "sig"}).MarshalJSON()
}

const maxKeyID = 256

// plainID reports whether id can stand in a header without escapes.
func plainID(id string) bool {
	odd := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
	return len(id) <= maxKeyID && !strings.ContainsFunc(id, odd)
}
