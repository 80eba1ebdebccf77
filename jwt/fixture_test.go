package jwt_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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

func newHMACKey(t testing.TB, alg jwt.Algorithm) *jwt.PrivateKey {
	t.Helper()
	key, err := jwt.NewHMACKey(alg, []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func always(key *jwt.PrivateKey) jwt.KeyFunc {
	return func(time.Time) (*jwt.PrivateKey, error) { return key, nil }
}

// registered are good claims at noon.
func registered() jwt.Registered {
	return jwt.Registered{
		Issuer: issuer, Subject: "ada", Audience: jwt.Audience{audience},
		IssuedAt: jwt.TimeOf(noon), NotBefore: jwt.TimeOf(noon), Expires: jwt.TimeOf(noon.Add(15 * time.Minute)),
		ID: "j-1", SessionID: "s-1",
	}
}

func access() *jwt.Access {
	return &jwt.Access{Registered: registered(), Scope: "read write"}
}

func mustSign(t testing.TB, key *jwt.PrivateKey, c jwt.Claims) string {
	t.Helper()
	raw, err := jwt.NewSigner(always(key), c.Kind()).Sign(noon, c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func config(keys ...*jwt.PublicKey) jwt.VerifierConfig {
	return jwt.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: jwt.NewSnapshot(keys...)}
}

func newVerifier(t testing.TB, cfg jwt.VerifierConfig) *jwt.Verifier[jwt.Access] {
	t.Helper()
	v, err := jwt.NewVerifier[jwt.Access](cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// verifyAt verifies raw and returns its claims, or nil and the reason.
func verifyAt[C any](v *jwt.Verifier[C], now time.Time, raw string) (*C, jwt.Reason) {
	token, err := v.Verify(context.Background(), now, raw)
	if err != nil {
		return nil, jwt.ReasonOf(err)
	}
	return token.Claims(), ""
}

// counted are access claims that count how often somebody decodes them.
type counted struct{ jwt.Access }

var decodings atomic.Int64

func (c *counted) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	decodings.Add(1)
	return json.UnmarshalDecode(dec, &c.Access)
}

// A forge makes tokens that no Signer would make. Unchanged, it makes a good one.
type forge struct {
	header, claims string // JSON
	sign           func(input string) []byte
	key            *jwt.PrivateKey
}

func newForge(t testing.TB, key *jwt.PrivateKey) *forge {
	claims, err := json.Marshal(access())
	if err != nil {
		t.Fatal(err)
	}
	header := fmt.Sprintf(`{"alg":"%s","kid":"%s","typ":"at+jwt"}`, key.Algorithm(), key.ID())
	return &forge{header, string(claims), signWith(t, key), key}
}

func (f *forge) text() string {
	input := b64(f.header) + "." + b64(f.claims)
	return input + "." + b64(string(f.sign(input)))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// signWith signs with the standard library alone, so that forged tokens do not
// depend on the code they test.
func signWith(t testing.TB, key *jwt.PrivateKey) func(string) []byte {
	t.Helper()
	private := standard(t, key)
	return func(input string) (sig []byte) {
		sum := sha256.Sum256([]byte(input))
		var err error
		switch k := private.(type) {
		case ed25519.PrivateKey:
			sig = ed25519.Sign(k, []byte(input))
		case *rsa.PrivateKey:
			if key.Algorithm() == jwt.PS256 {
				sig, err = rsa.SignPSS(rand.Reader, k, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: 32})
			} else {
				sig, err = rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
			}
		case *ecdsa.PrivateKey:
			digest := sum[:]
			if key.Algorithm() == jwt.ES384 {
				long := sha512.Sum384([]byte(input))
				digest = long[:]
			}
			n := (k.Params().BitSize + 7) / 8
			r, s, signErr := ecdsa.Sign(rand.Reader, k, digest)
			if err = signErr; err == nil {
				sig = slices.Concat(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n)))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
}

func standard(t testing.TB, key *jwt.PrivateKey) any {
	t.Helper()
	der, err := key.MarshalPKCS8()
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return private
}
