package jwt_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// Nothing that we accept is refused by go-jose, or read with another subject.
// The payloads are bent and then signed, so that they reach the claims.
func TestDifferentialAgainstGoJose(t *testing.T) {
	const rounds = 5_000
	key := newKey(t, jwt.EdDSA)
	f := newForge(t, key)
	v := newVerifier(t, config(key.Public()))
	rnd := rand.New(rand.NewPCG(1, 2))
	whole := f.claims
	accepted := 0
	for range rounds {
		f.claims = bend(rnd, whole)
		raw := f.text()
		claims, why := verifyAt(v, noon, raw)
		if why != "" {
			continue
		}
		accepted++
		theirs, err := joseVerify(key, raw)
		if err != nil {
			t.Errorf("accepted, and go-jose refuses it: %s: %v", f.claims, err)
		} else if theirs.Subject != claims.Subject || theirs.ID != claims.ID || theirs.Issuer != claims.Issuer {
			t.Errorf("%s: we read %q, go-jose %q", f.claims, claims.Subject, theirs.Subject)
		}
	}
	if accepted < rounds/100 || accepted > rounds/2 {
		t.Errorf("%d of %d were accepted: the bending is too strong or too weak to prove anything", accepted, rounds)
	}
}

func joseVerify(key *jwt.PrivateKey, raw string) (c josejwt.Claims, err error) {
	data, err := key.Public().MarshalJSON()
	if err != nil {
		return c, err
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(data); err != nil {
		return c, err
	}
	token, err := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return c, err
	}
	if err := token.Claims(jwk, &c); err != nil {
		return c, err
	}
	expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: noon}
	return c, c.ValidateWithLeeway(expected, time.Minute)
}

// bend changes a JSON object by one to three small edits: pieces of JSON put in,
// doubled, cut out, exchanged.
func bend(rnd *rand.Rand, object string) string {
	pieces := []string{
		`"sub":"eve",`, `"SUB":"eve",`, `"exp":1,`, `"x":[1,{"y":null}],`, `,`, `"`, `{`, `}`, ` `, "\n", "\xff", `\u0000`, `\ud800`,
		`null`, `0`, `1`, `9`, `-`, `.`, `e`, `true`, `[`, `]`, `~`, `é`, `a`,
	}
	for range 1 + rnd.IntN(3) {
		i := rnd.IntN(len(object) + 1)
		j := min(len(object), i+rnd.IntN(8))
		switch rnd.IntN(4) {
		case 0:
			object = object[:i] + pieces[rnd.IntN(len(pieces))] + object[i:]
		case 1:
			object = object[:i] + object[j:]
		case 2:
			object = object[:j] + object[i:]
		case 3:
			k := strings.IndexByte(object[i:], ',') + i + 1
			object = object[:k] + pieces[rnd.IntN(len(pieces))] + object[k:]
		}
	}
	return object
}
