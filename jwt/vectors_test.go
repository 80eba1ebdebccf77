package jwt_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	stdjson "encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jotkeeper/jotkeeper/jwt"
)

var update = flag.Bool("update", false, "write the vectors of the specification")

const specVectors = "../docs/spec/vectors/access-token.json"

// A vector is a good token with one change, and why it is refused (or, without
// a reason, accepted).
type vector struct {
	name, why string
	change    func(*forge)
	text      func(string) string
	want      jwt.Reason
}

// A vectorToken is a vector as it stands in the file.
type vectorToken struct {
	Name   string     `json:"name"`
	Why    string     `json:"why"`
	Reason jwt.Reason `json:"reason"`
	Token  string     `json:"token"`
}

type vectorBook struct {
	About    string         `json:"about"`
	Issuer   string         `json:"issuer"`
	Audience string         `json:"audience"`
	Now      int64          `json:"now"`
	Keys     jsontext.Value `json:"keys"`
	Claims   jsontext.Value `json:"claims"`
	Tokens   []vectorToken  `json:"tokens"`
}

// specKeys are fixed, and known to everybody.
type specKeys struct{ es, ed, rs, stranger *jwt.PrivateKey }

func newSpecKeys(t testing.TB) specKeys {
	t.Helper()
	rs, err := os.ReadFile("testdata/spec-rs256.p8")
	if err != nil {
		t.Fatal(err)
	}
	seed := sha256.Sum256([]byte("the Ed25519 key of the specification"))
	ed, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	scalar := sha256.Sum256([]byte("the key of a stranger"))
	stranger, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		t.Fatal(err)
	}
	strange, err := x509.MarshalPKCS8PrivateKey(stranger)
	if err != nil {
		t.Fatal(err)
	}
	parse := func(der []byte, alg jwt.Algorithm) *jwt.PrivateKey {
		k, err := jwt.ParsePKCS8(der, alg)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	return specKeys{fuzzKey(t), parse(ed, jwt.EdDSA), parse(rs, jwt.RS256), parse(strange, jwt.ES256)}
}

// signFixed signs with the standard library, the same signature each time (RFC
// 6979), so that the file is made again byte for byte.
func signFixed(t testing.TB, key *jwt.PrivateKey) func(string) []byte {
	private, ok := standard(t, key).(*ecdsa.PrivateKey)
	if !ok {
		return signWith(t, key)
	}
	return func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		der, err := private.Sign(nil, sum[:], crypto.SHA256)
		var rs struct{ R, S *big.Int }
		if err == nil {
			_, err = asn1.Unmarshal(der, &rs)
		}
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32)))
	}
}

// entries makes the tokens of one table, each from a good token under key.
func entries(t testing.TB, key *jwt.PrivateKey, good func() *forge, table []vector) (list []vectorToken) {
	fresh := func() *forge {
		f := good()
		f.sign = signFixed(t, key)
		return f
	}
	for _, v := range table {
		f := fresh()
		if v.change != nil {
			v.change(f)
		}
		raw := f.text()
		if v.text != nil {
			raw = v.text(raw)
		}
		if v.want != "" && raw == fresh().text() {
			t.Fatalf("%s changes nothing", v.name)
		}
		list = append(list, vectorToken{v.name, v.why, v.want, raw})
	}
	return list
}

func makeVectors(t testing.TB) vectorBook {
	keys := newSpecKeys(t)
	good := func(key *jwt.PrivateKey) func() *forge { return func() *forge { return newForge(t, key) } }
	first := vectorToken{Name: "as it was signed", Why: "the issuer's own token, with every claim", Token: mustSign(t, keys.es, full()[0])}
	tokens := []vectorToken{first}
	for _, table := range [][]vector{formVectors(), algVectors(), headerVectors(t, keys), signatureVectors(t, keys), payloadVectors(), claimVectors(), timeVectors(), audienceVectors()} {
		tokens = append(tokens, entries(t, keys.es, good(keys.es), table)...)
	}
	tokens = append(tokens, entries(t, keys.ed, good(keys.ed), edwardsVectors())...)
	tokens = append(tokens, entries(t, keys.rs, good(keys.rs), rsaVectors(t, keys))...)
	return vectorBook{
		About:  "Tokens of docs/spec/token-profile.md, each the good one with one change. reason: why it is refused; empty: it is accepted. Made by: go test ./jwt -run Vectors -update",
		Issuer: issuer, Audience: audience, Now: noon.Unix(),
		Keys: setOf(t, keys.es, keys.ed, keys.rs), Claims: []byte(mustJSON(t, full()[0])), Tokens: tokens,
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func setOf(t testing.TB, keys ...*jwt.PrivateKey) jsontext.Value {
	var set struct {
		Keys []stdjson.RawMessage `json:"keys"`
	}
	for _, k := range keys {
		set.Keys = append(set.Keys, publicJWK(t, k))
	}
	text, err := stdjson.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func publicJWK(t testing.TB, k *jwt.PrivateKey) []byte {
	return []byte(mustJSON(t, k.Public()))
}

// The vectors of the specification are for programs in other languages: the
// file is what this table makes, and our verifier does what it says.
func TestVectorsOfTheSpecification(t *testing.T) {
	book, keys := makeVectors(t), newSpecKeys(t)
	sameAsKept(t, specVectors, book)
	v := newVerifier(t, config(keys.es.Public(), keys.ed.Public(), keys.rs.Public()))
	checkVectors(t, book, func(c vectorToken) jwt.Reason {
		_, why := verifyAt(v, noon, c.Token)
		return why
	})
}

// sameAsKept demands that the file at path is what a table makes, or writes it.
func sameAsKept(t *testing.T, path string, book vectorBook) {
	t.Helper()
	var text bytes.Buffer
	e := stdjson.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(stdjson.RawMessage(mustJSON(t, book))); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(kept, text.Bytes()) {
		t.Errorf("%s is not what the table makes (%v)\n\ttry: go test ./jwt -run Vectors -update", path, err)
	}
}

func checkVectors(t *testing.T, book vectorBook, verify func(vectorToken) jwt.Reason) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range book.Tokens {
		if seen[c.Name] || c.Why == "" {
			t.Errorf("%q: a name is used once, and has a line why", c.Name)
		}
		seen[c.Name] = true
		if why := verify(c); why != c.Reason {
			t.Errorf("%s: reason %q, want %q", c.Name, why, c.Reason)
		}
	}
}

func edwardsVectors() []vector {
	return []vector{
		{"EdDSA: as it was signed", "Ed25519 is in the profile", nil, nil, ""},
		{"EdDSA: S above the order", "the twin of a signature that a lax verifier takes (RFC 8032 §5.1.7)", resigned(plusOrder), nil, jwt.Signature},
		{"EdDSA: one byte short", "a signature has 64 bytes", resigned(func(s []byte) []byte { return s[:63] }), nil, jwt.Signature},
		{"EdDSA: zeros", "no signature at all", resigned(zeros), nil, jwt.Signature},
		{"EdDSA: alg Ed25519", "a header that this key does not produce", swapHeader("EdDSA", "Ed25519"), nil, jwt.Header},
	}
}

// rsaVectors hold the oldest of them all: the public key as an HMAC's secret.
func rsaVectors(t testing.TB, keys specKeys) []vector {
	public := standard(t, keys.rs).(*rsa.PrivateKey).PublicKey
	der, err := x509.MarshalPKIXPublicKey(&public)
	if err != nil {
		t.Fatal(err)
	}
	list := []vector{
		{"RS256: as it was signed", "RSA is in the profile", nil, nil, ""},
		{"RS256: zeros", "no signature at all", resigned(zeros), nil, jwt.Signature},
		{"RS256: a byte of zero before it", "a signature is as long as the modulus", resigned(func(s []byte) []byte { return append([]byte{0}, s...) }), nil, jwt.Signature},
		{"RS256: alg PS256", "a key has one algorithm", swapHeader("RS256", "PS256"), nil, jwt.Header},
		{"RS256: alg RS512", "a key has one algorithm", swapHeader("RS256", "RS512"), nil, jwt.Header},
	}
	for _, s := range []struct {
		name   string
		secret []byte
	}{
		{"PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}, {"DER", der},
		{"JWK", publicJWK(t, keys.rs)}, {"modulus", public.N.Bytes()}, {"empty secret", nil},
	} {
		list = append(list, vector{"RS256: HS256 with the " + s.name, "the public key is public: an HMAC with it proves nothing", func(f *forge) {
			f.header = mustReplace(f.header, "RS256", "HS256")
			f.sign = func(input string) []byte {
				mac := hmac.New(sha256.New, s.secret)
				mac.Write([]byte(input))
				return mac.Sum(nil)
			}
		}, nil, jwt.Header})
	}
	return list
}

// resigned changes the signature.
func resigned(change func([]byte) []byte) func(*forge) {
	return func(f *forge) {
		sign := f.sign
		f.sign = func(in string) []byte { return change(sign(in)) }
	}
}

func zeros(s []byte) []byte { return make([]byte, len(s)) }

func member(text string) func(*forge) { return swapHeader(`{"alg"`, `{`+text+`,"alg"`) }

func at(claim string, seconds int64) func(*forge) {
	return swapClaims(fmt.Sprintf(`"%s":%d`, claim, noon.Unix()), fmt.Sprintf(`"%s":%d`, claim, noon.Unix()+seconds))
}

// padded gives a token as many bytes as wanted, by a claim of our own.
func padded(size int) func(*forge) {
	return func(f *forge) {
		for n := size * 3 / 4; ; n-- {
			g := *f
			g.claims = mustReplace(f.claims, `write"}`, `write","x":"`+strings.Repeat("x", n)+`"}`)
			if len(g.text()) <= size {
				f.claims = g.claims
				return
			}
		}
	}
}
