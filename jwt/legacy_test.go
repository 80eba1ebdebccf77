package jwt_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"errors"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

const legacySecret = "0123456789abcdef0123456789abcdef"

func legacyToken(header, claims string) string {
	input := b64(header) + "." + b64(claims)
	mac := hmac.New(sha512.New, []byte(legacySecret))
	mac.Write([]byte(input))
	return input + "." + b64(string(mac.Sum(nil)))
}

const legacyClaims = `{"iss":"old","aud":"web","iat":1772366400,"nbf":1772366400,"exp":1772370000,"jti":"j","uid":42}`

// The headers of programs that know of no key IDs, and no others: A001, A006 to
// A009 are unknown headers here as well.
func TestLegacyHeaders(t *testing.T) {
	v := jwt.InsecureHMAC{Algorithm: jwt.HS512, Issuer: "old", Audience: []string{"web"}}
	for _, header := range []string{`{"alg":"HS512"}`, `{"typ":"JWT","alg":"HS512"}`, `{"alg":"HS512","typ":"JWT"}`} {
		claims, err := v.Verify(noon, []byte(legacySecret), legacyToken(header, legacyClaims))
		if err != nil || claims.ID != "j" || string(claims.Private["uid"]) != "42" {
			t.Errorf("%s: %+v %v", header, claims, err)
		}
	}
	for _, header := range []string{
		`{"alg":"none"}`, `{"alg":"HS256"}`, `{"alg":"hs512"}`, `{"alg":"HS512","kid":"x"}`, `{"alg":"HS512","crit":["x"]}`, `{"alg":"HS512","jwk":{}}`,
		`{"alg":"HS512","alg":"none"}`, `{ "alg":"HS512"}`, `{"alg":"HS512","typ":"at+jwt"}`, `{"alg":"HS512","b64":false}`, `{}`, `x`,
	} {
		if claims, err := v.Verify(noon, []byte(legacySecret), legacyToken(header, legacyClaims)); claims != nil || jwt.ReasonOf(err) != jwt.Header {
			t.Errorf("%s: %v, want header", header, err)
		}
	}
}

// Its claims are read as strictly as all others, once the signature holds.
func TestLegacyClaims(t *testing.T) {
	v := jwt.InsecureHMAC{Algorithm: jwt.HS512, Issuer: "old", Audience: []string{"web"}}
	for name, claims := range map[string]string{
		"exp twice": strings.Replace(legacyClaims, `{`, `{"exp":1772370000,`, 1), "exp in capitals": strings.Replace(legacyClaims, `"exp"`, `"EXP"`, 1),
		"exp a string": strings.Replace(legacyClaims, `1772370000`, `"1772370000"`, 1), "exp a fraction": strings.Replace(legacyClaims, `1772370000`, `1772370000.5`, 1),
		"more behind": legacyClaims + "{}", "an array": "[" + legacyClaims + "]", "no iat": strings.Replace(legacyClaims, `"iat"`, `"iet"`, 1),
		"sub with spaces": strings.Replace(legacyClaims, `{`, `{"sub":" 1",`, 1), "sub a number": strings.Replace(legacyClaims, `{`, `{"sub":1,`, 1),
		"jti empty": strings.Replace(legacyClaims, `"j"`, `""`, 1), "not UTF-8": strings.Replace(legacyClaims, "42", "\"\xff\"", 1),
	} {
		if got, err := v.Verify(noon, []byte(legacySecret), legacyToken(`{"alg":"HS512"}`, claims)); got != nil || jwt.ReasonOf(err) != jwt.BadClaim {
			t.Errorf("%s: %v, want claims", name, err)
		}
	}
}

func TestLegacyRefusesToBeMisused(t *testing.T) {
	good := legacyToken(`{"alg":"HS512"}`, legacyClaims)
	for name, c := range map[string]struct {
		alg    jwt.Algorithm
		secret string
		want   error
	}{
		"RS256": {jwt.RS256, legacySecret, jwt.ErrConfig}, "no algorithm": {"", legacySecret, jwt.ErrConfig}, "none": {"none", legacySecret, jwt.ErrConfig},
		"an empty secret": {jwt.HS512, "", jwt.ErrKey},
	} {
		v := jwt.InsecureHMAC{Algorithm: c.alg, Issuer: "old", Audience: []string{"web"}}
		if _, err := v.Verify(noon, []byte(c.secret), good); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	key := newKey(t, jwt.ES256)
	if _, why := verifyAt(newVerifier(t, config(key.Public())), noon, good); why != jwt.Header {
		t.Errorf("a Verifier took it for %q", why)
	}
}
