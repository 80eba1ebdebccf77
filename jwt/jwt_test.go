package jwt_test

import (
	"context"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

const (
	issuer   = "https://id.example.com"
	audience = "https://api.example.com"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// algorithms are those that keys are generated for.
var algorithms = []jwt.Algorithm{jwt.ES256, jwt.ES384, jwt.EdDSA, jwt.RS256, jwt.PS256}

func newKey(t testing.TB, alg jwt.Algorithm) *jwt.PrivateKey {
	t.Helper()
	key, err := jwt.GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func always(key *jwt.PrivateKey) jwt.KeyFunc {
	return func(time.Time) (*jwt.PrivateKey, error) { return key, nil }
}

func access() *jwt.Access {
	return &jwt.Access{Registered: jwt.Registered{
		Issuer: issuer, Subject: "ada", Audience: jwt.Audience{audience},
		IssuedAt: jwt.TimeOf(noon), NotBefore: jwt.TimeOf(noon), Expires: jwt.TimeOf(noon.Add(15 * time.Minute)),
		ID: "j-1", SessionID: "s-1",
	}, Scope: "read write"}
}

func newVerifier(t testing.TB, change func(*jwt.VerifierConfig), keys ...*jwt.PublicKey) *jwt.Verifier[jwt.Access] {
	t.Helper()
	cfg := jwt.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: jwt.NewSnapshot(keys...)}
	if change != nil {
		change(&cfg)
	}
	v, err := jwt.NewVerifier[jwt.Access](cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustSign(t testing.TB, key *jwt.PrivateKey, c jwt.Claims) string {
	t.Helper()
	raw, err := jwt.NewSigner(always(key), c.Kind()).Sign(noon, c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSignedIsVerified(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			key := newKey(t, alg)
			raw := mustSign(t, key, access())
			v := newVerifier(t, nil, key.Public())
			for range 2 { // once verified, once remembered
				token, err := v.Verify(context.Background(), noon, raw)
				if err != nil {
					t.Fatal(err)
				}
				if c := token.Claims(); c.Subject != "ada" || c.Scope != "read write" {
					t.Errorf("claims came back as %+v", c)
				}
				if token.KeyID() != key.ID() || token.Algorithm() != alg {
					t.Errorf("signed by %s %s, verified by %s %s", key.Algorithm(), key.ID(), token.Algorithm(), token.KeyID())
				}
			}
		})
	}
}
