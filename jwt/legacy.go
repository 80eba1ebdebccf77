package jwt

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// An InsecureHMAC verifies tokens of programs that signed with a secret and
// wrote neither key ID nor typ nor sub: for a migration, see
// binding.InsecureHMACSuffix. It is insecure because whoever verifies can mint,
// because any kind of token passes for any other, and because it takes whatever
// secret it is given. Nothing of it can be signed here.
type InsecureHMAC struct {
	Algorithm Algorithm // HS256, HS384 or HS512
	Issuer    string    // compared with iss; empty: there must be none
	Audience  []string  // one of them must be in aud; empty: there must be none
}

// LegacyClaims are the claims of a token that InsecureHMAC accepted. It is no
// Token, and no Verifier's: nothing that wants one takes it.
type LegacyClaims struct {
	Registered                           // Subject may be empty
	Private    map[string]jsontext.Value `json:",embed"`
}

// Verify returns the claims of raw, if it was signed with secret and is good at
// now. The header is looked up, whole, among the few that such programs write;
// nothing is parsed before the signature holds, claims as strictly as those of
// a Verifier: exp, iat and jti are required. ErrConfig is another algorithm,
// ErrKey an empty secret; refusals are as from a Verifier.
func (v InsecureHMAC) Verify(now time.Time, secret []byte, raw string) (*LegacyClaims, error) {
	switch {
	case !v.Algorithm.symmetric():
		return nil, fmt.Errorf("%w: %q is no HMAC: use HS256, HS384 or HS512", ErrConfig, v.Algorithm)
	case len(secret) == 0:
		return nil, badKey("an empty secret: everybody has it")
	case !wellFormed(raw):
		return nil, errMalformed
	}
	header, payload, signature := segments(raw)
	if !canonical(header) || !canonical(payload) || !canonical(signature) {
		return nil, errMalformed
	}
	if !slices.Contains(v.headers(), header) {
		return nil, errHeader
	}
	sig, err := base64url.DecodeString(signature)
	if err != nil || !(hmacKey{v.Algorithm.hash(), secret}).check([]byte(header+"."+payload), sig) {
		return nil, errSignature
	}
	data, err := base64url.DecodeString(payload)
	if err != nil {
		return nil, errMalformed
	}
	return v.judge(now, data)
}

// headers are the segments that programs write who know of no key IDs.
func (v InsecureHMAC) headers() (segments []string) {
	alg := `"alg":"` + string(v.Algorithm) + `"`
	for _, header := range []string{`{` + alg + `}`, `{"typ":"JWT",` + alg + `}`, `{` + alg + `,"typ":"JWT"}`} {
		segments = append(segments, base64url.EncodeToString([]byte(header)))
	}
	return segments
}

func (v InsecureHMAC) judge(now time.Time, data []byte) (*LegacyClaims, error) {
	c := new(LegacyClaims)
	if len(data) == 0 || data[0] != '{' {
		return nil, refuse(BadClaim, "the claims are not a JSON object")
	}
	if err := unmarshalClaims(data, c); err != nil {
		return nil, &Error{BadClaim, "the claims cannot be read: " + err.Error(), err}
	}
	ours := func(aud string) bool { return slices.Contains(v.Audience, aud) }
	switch {
	case c.Issuer != v.Issuer:
		return nil, refuse(Issuer, "iss is %q, not %q", c.Issuer, v.Issuer)
	case len(v.Audience) == 0 && len(c.Audience) > 0, len(v.Audience) > 0 && !slices.ContainsFunc(c.Audience, ours):
		return nil, refuse(BadAud, "aud is %q, not %q", c.Audience, v.Audience)
	case c.Expires == 0 || c.IssuedAt == 0:
		return nil, refuse(BadClaim, "exp or iat is missing")
	case !plainText(c.ID):
		return nil, refuse(BadClaim, "jti must be %s", plainTextRule)
	case c.Subject != "" && !plainText(c.Subject):
		return nil, refuse(BadClaim, "sub must be %s", plainTextRule)
	}
	if err := c.inTime(now); err != nil {
		return nil, err
	}
	return c, nil
}
