package jwks_test

import (
	"encoding/json"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer   = "https://id.example.com"
	audience = "https://api.example.com"
)

func newKey(t testing.TB, alg jwt.Algorithm) *jwt.PrivateKey {
	t.Helper()
	k, err := jwt.GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// jwk returns the public key as a JSON object, to be bent.
func jwk(t testing.TB, k *jwt.PrivateKey) map[string]any {
	t.Helper()
	data, err := k.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// with returns m with one member changed, or removed by a nil.
func with(m map[string]any, name string, value any) map[string]any {
	bent := map[string]any{}
	for k, v := range m {
		bent[k] = v
	}
	if bent[name] = value; value == nil {
		delete(bent, name)
	}
	return bent
}

// document writes a key set of these keys.
func document(t testing.TB, keys ...any) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func sign(t testing.TB, k *jwt.PrivateKey, now time.Time) string {
	t.Helper()
	signer := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return k, nil }, jwt.KindAccess)
	raw, err := signer.Sign(now, &jwt.Access{Registered: jwt.Registered{
		Issuer: issuer, Subject: "42", Audience: jwt.Audience{audience}, ID: jwt.NewID(),
		IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(72 * time.Hour)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func verifier(t testing.TB, keys jwt.Keys) *jwt.Verifier[jwt.Access] {
	t.Helper()
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
