package facepage

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// checkByHand is problem 3: the cookie is a standard, so any language can check
// it. Here it is checked with nothing but Go's standard library. The checks are
// the five that the talk names; a verifier that is meant for use has more of
// them, which docs/spec/token-profile.md lists.
func (w *Web) checkByHand(r *http.Request, a *act, c caller) {
	req, err := w.accounts.keySet(r.Context())
	got := a.ask(Accounts, "GET /.well-known/jwks.json", req, err)
	if !got.OK() {
		a.lost(got)
		a.Said = "The public keys could not be fetched."
		return
	}
	for _, step := range byHand(c.token, got.body, w.cfg.Orders, time.Now()) {
		a.fact(step.name, step.label, either(step.wrong, "holds"))
		if step.wrong != "" {
			a.Outcome, a.Reason = refused, step.name
		}
	}
	a.Said = "The cookie that Facepage set was checked with a hash, two numbers and a public key. No framework, no library of ours, no secret."
}

// A check is one question about a token; wrong is empty if it holds.
type check struct{ name, label, wrong string }

// byHand checks a token against a key set.
func byHand(token string, keySet []byte, o Orders, now time.Time) []check {
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Aud string
		Exp      int64
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || decode(parts[0], &header) != nil || decode(parts[1], &claims) != nil {
		return []check{{"form", "three parts, two of them JSON", "it is no token"}}
	}
	says := func(ok bool, wrong string) string {
		if ok {
			return ""
		}
		return wrong
	}
	return []check{
		{"signature", "the signature, under the public key " + header.Kid, says(header.Alg == "ES256" && signed(parts, keySet, header.Kid), "does not hold")},
		{"iss", "iss: who made it", says(claims.Iss == o.Issuer, "somebody else")},
		{"aud", "aud: for whom", says(claims.Aud == o.Audience, "not for us")},
		{"exp", "exp: until when", says(now.Unix() < claims.Exp, "it is over")},
	}
}

func decode(part string, v any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// signed checks an ES256 signature: two numbers of 32 bytes (RFC 7518 §3.4).
func signed(parts []string, keySet []byte, kid string) bool {
	key, err := findKey(keySet, kid)
	signature, serr := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || serr != nil || len(signature) != 64 {
		return false
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return ecdsa.Verify(key, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

// findKey reads a P-256 key of a set (RFC 7517 §5, RFC 7518 §6.2.1).
func findKey(keySet []byte, kid string) (*ecdsa.PublicKey, error) {
	var set struct {
		Keys []struct{ Kid, X, Y string }
	}
	if err := json.Unmarshal(keySet, &set); err != nil {
		return nil, err
	}
	for _, k := range set.Keys {
		x, xerr := base64.RawURLEncoding.DecodeString(k.X)
		y, yerr := base64.RawURLEncoding.DecodeString(k.Y)
		if k.Kid == kid && xerr == nil && yerr == nil {
			return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, append(x, y...)...))
		}
	}
	return nil, errors.New("the set has no such key")
}
