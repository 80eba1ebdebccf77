package jwt_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/jotkeeper/jotkeeper/jwt"
)

func fuzzKey(t testing.TB) *jwt.PrivateKey {
	t.Helper()
	der, err := os.ReadFile("testdata/fuzz-key.p8")
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwt.ParsePKCS8(der, jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// addSeeds adds the lines of a file in testdata/seeds. No line is no fuzzing,
// so it fails.
func addSeeds(f *testing.F, file string) {
	f.Helper()
	data, err := os.ReadFile("testdata/seeds/" + file)
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" {
			f.Add(line)
			n++
		}
	}
	if n == 0 {
		f.Fatalf("%s has no seed", file)
	}
}

// Whatever is accepted is the one token that was signed, or its ECDSA twin: the
// same header and payload, byte for byte.
func FuzzVerify(f *testing.F) {
	addSeeds(f, "tokens.txt")
	key := fuzzKey(f)
	good := mustSign(f, key, access())
	f.Add(good)
	cfg := config(key.Public())
	strict := newVerifier(f, cfg)
	cfg.ForeignHeaders = true
	foreign := newVerifier(f, cfg)
	f.Fuzz(func(t *testing.T, raw string) {
		for _, v := range []*jwt.Verifier[jwt.Access]{strict, foreign} {
			if _, why := verifyAt(v, noon, raw); why == "" && !sameInput(raw, good) {
				t.Errorf("accepted, and never signed: %s", raw)
			}
		}
		if _, err := jwt.InspectUnverified(raw); err != nil && jwt.ReasonOf(err) != jwt.Malformed {
			t.Errorf("inspecting: %v", err)
		}
	})
}

func sameInput(a, b string) bool {
	return a[:strings.LastIndex(a, ".")] == b[:strings.LastIndex(b, ".")] && len(a) == len(b)
}

// What parses is written again as a key with the same thumbprint, go-jose takes
// it too, and it is strong.
func FuzzParseJWK(f *testing.F) {
	addSeeds(f, "keys.txt")
	f.Fuzz(func(t *testing.T, data string) {
		key, err := jwt.ParseJWK([]byte(data))
		if err != nil {
			return
		}
		again, err := json.Marshal(key)
		if err != nil {
			t.Fatalf("%s parses and cannot be written: %v", data, err)
		}
		back, err := jwt.ParseJWK(again)
		if err != nil || !back.Equal(key) {
			t.Fatalf("%s became %s: %v", data, again, err)
		}
		var theirs jose.JSONWebKey
		if err := theirs.UnmarshalJSON(again); err != nil || !theirs.IsPublic() || !theirs.Valid() {
			t.Fatalf("%s: go-jose: %v", again, err)
		}
		for _, private := range []string{`"d":`, `"k":`, `"p":`, `"q":`} {
			if bytes.Contains(again, []byte(private)) {
				t.Fatalf("%s holds the member %s", again, private)
			}
		}
	})
}

// A header that is accepted says what the key says, and go-jose reads it in the
// same way.
func FuzzHeader(f *testing.F) {
	addSeeds(f, "headers.txt")
	key := fuzzKey(f)
	cfg := config(key.Public())
	strict := newVerifier(f, cfg)
	cfg.ForeignHeaders = true
	foreign := newVerifier(f, cfg)
	forged := newForge(f, key)
	f.Fuzz(func(t *testing.T, header string) {
		one := *forged
		one.header = header
		raw := one.text()
		_, why := verifyAt(strict, noon, raw)
		if why == "" && header != forged.header {
			t.Errorf("looked up and found: %q", header)
		}
		if _, why := verifyAt(foreign, noon, raw); why != "" {
			return
		}
		jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatalf("accepted, and go-jose refuses it: %q: %v", header, err)
		}
		h := jws.Signatures[0].Protected
		if h.KeyID != key.ID() || h.Algorithm != "ES256" || h.JSONWebKey != nil {
			t.Errorf("%q: go-jose reads %+v", header, h)
		}
	})
}

var takenAlgorithms = []jose.KeyAlgorithm{jose.DIRECT, jose.A256KW, jose.ECDH_ES, jose.ECDH_ES_A256KW, jose.RSA_OAEP_256}

// Whatever opens is what was sealed, and go-jose opens it to the same: under a
// key that only the tests have, nothing else can be made.
func FuzzOpen(f *testing.F) {
	addSeeds(f, "seals.txt")
	var keys []*jwt.OpenKey
	for _, alg := range []string{"dir", "A256KW"} {
		key, err := jwt.ParseOpenKey([]byte(`{"kty":"oct","kid":"`+alg+`","alg":"`+alg+`","k":"`+b64("0123456789abcdef0123456789abcdef")+`"}`), "")
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, key)
		for _, enc := range encryptions {
			s := jwt.Sealing{For: []*jwt.SealKey{key.SealKey()}, Encryption: enc}
			f.Add(mustSeal(f, "ada@example.com", s))
			s.JSON, s.Beside = true, []byte("beside")
			f.Add(mustSeal(f, "ada@example.com", s))
		}
	}
	f.Fuzz(func(t *testing.T, sealed string) {
		opened, err := jwt.Open(sealed, keys...)
		if err != nil {
			if opened != nil || jwt.ReasonOf(err) == "" {
				t.Fatalf("%v, %v", opened, err)
			}
			return
		}
		if string(opened.Plaintext) != "ada@example.com" {
			t.Fatalf("opened as %q, and that was never sealed: %s", opened.Plaintext, sealed)
		}
		parse := jose.ParseEncryptedCompact
		if sealed[0] == '{' {
			parse = jose.ParseEncryptedJSON
		}
		theirs, err := parse(sealed, takenAlgorithms, []jose.ContentEncryption{jose.A256GCM, jose.A128CBC_HS256})
		if err != nil {
			t.Fatalf("go-jose refuses what opens: %v: %s", err, sealed)
		}
		if plain, err := theirs.Decrypt([]byte("0123456789abcdef0123456789abcdef")); err == nil && string(plain) != "ada@example.com" {
			t.Fatalf("go-jose reads %q: %s", plain, sealed)
		}
	})
}
