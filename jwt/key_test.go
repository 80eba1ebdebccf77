package jwt_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestPublicKeyGoesThroughJWK(t *testing.T) {
	for _, alg := range algorithms {
		key := newKey(t, alg).Public()
		data, err := json.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		back, err := jwt.ParseJWK(data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if !back.Equal(key) || back.Algorithm() != alg || back.ID() != back.Thumbprint() {
			t.Errorf("%s came back as %s", key, back)
		}
		for _, private := range []string{`"d"`, `"p"`, `"q"`, `"k"`} {
			if bytes.Contains(data, []byte(private)) {
				t.Errorf("%s: the JWK has the member %s", alg, private)
			}
		}
	}
}

// RFC 7638 §3.1 gives this key with its thumbprint.
func TestThumbprintOfTheRFC(t *testing.T) {
	key, err := jwt.ParseJWK([]byte(`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; key.Thumbprint() != want || key.ID() != "2011-04-29" {
		t.Errorf("thumbprint %s of key %s, want %s", key.Thumbprint(), key.ID(), want)
	}
}

func TestPrivateKeyGoesThroughPKCS8(t *testing.T) {
	for _, alg := range algorithms {
		key := newKey(t, alg)
		der, err := key.MarshalPKCS8()
		if err != nil {
			t.Fatal(err)
		}
		back, err := jwt.ParsePKCS8(der, alg)
		if err != nil {
			t.Fatal(err)
		}
		if !back.Public().Equal(key.Public()) {
			t.Errorf("%s came back as %s", key, back)
		}
		if _, why := verifyAt(newVerifier(t, config(key.Public())), noon, mustSign(t, back, access())); why != "" {
			t.Errorf("%s: signed by what came back, refused for %s", alg, why)
		}
	}
}

func TestA021WeakKeys(t *testing.T) {
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any, alg jwt.Algorithm) error {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		_, err = jwt.ParsePKCS8(der, alg)
		return err
	}
	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, notAKey := jwt.ParsePKCS8([]byte("hunter2"), jwt.ES256)
	hmac := func(alg jwt.Algorithm, n int) error {
		_, err := jwt.NewHMACKey(alg, make([]byte, n))
		return err
	}
	generate := func(alg jwt.Algorithm) error { _, err := jwt.GenerateKey(alg); return err }
	for name, err := range map[string]error{
		"HS256 empty": hmac(jwt.HS256, 0), "HS256 of 31 bytes": hmac(jwt.HS256, 31),
		"HS384 of 47": hmac(jwt.HS384, 47), "HS512 of 63": hmac(jwt.HS512, 63), "secret for ES256": hmac(jwt.ES256, 64),
		"RSA 1024": pkcs8(small, jwt.RS256), "P-256 as ES384": pkcs8(ecKey, jwt.ES384), "P-256 as RS256": pkcs8(ecKey, jwt.RS256),
		"P-256 as HS256": pkcs8(ecKey, jwt.HS256), "P-256 as none": pkcs8(ecKey, "none"), "P-256 as nothing": pkcs8(ecKey, ""),
		"Ed25519 as ES256": pkcs8(standard(t, newKey(t, jwt.EdDSA)), jwt.ES256), "RSA as EdDSA": pkcs8(small, jwt.EdDSA),
		"X25519": pkcs8(exchange, jwt.EdDSA), "not a key": notAKey,
		"generate HS256": generate(jwt.HS256), "generate none": generate("none"), "generate nothing": generate(""),
	} {
		if !errors.Is(err, jwt.ErrKey) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want ErrKey", name, err)
		}
	}
	for alg, n := range map[jwt.Algorithm]int{jwt.HS256: 32, jwt.HS384: 48, jwt.HS512: 64} {
		if err := hmac(alg, n); err != nil {
			t.Errorf("%s of %d bytes: %v", alg, n, err)
		}
	}
}

// Each key that is refused is a good one with one change.
func TestA021WeakJWK(t *testing.T) {
	ec, ok, rs := jwkOf(t, jwt.ES256), jwkOf(t, jwt.EdDSA), jwkOf(t, jwt.RS256)
	for name, c := range map[string]struct {
		good   string
		member string
		value  string // "" removes it
		says   string
	}{
		"use enc":              {ec, "use", `"enc"`, "use"},
		"key_ops sign":         {ec, "key_ops", `["sign"]`, "key_ops"},
		"key_ops both":         {ec, "key_ops", `["sign","verify"]`, "key_ops"},
		"key_ops empty":        {ec, "key_ops", `[]`, "key_ops"},
		"alg missing":          {ec, "alg", ``, "alg is missing"},
		"alg none":             {ec, "alg", `"none"`, "does not fit"},
		"alg HS256":            {rs, "alg", `"HS256"`, "does not fit"},
		"alg of another curve": {ec, "alg", `"ES384"`, "does not fit"},
		"alg of another type":  {ec, "alg", `"RS256"`, "does not fit"},
		"RS256 on Ed25519":     {ok, "alg", `"RS256"`, "does not fit"},
		"private d":            {ec, "d", `"AAAA"`, "private"},
		"private d of Ed25519": {ok, "d", `"AAAA"`, "private"},
		"private p":            {rs, "p", `"AAAA"`, "private"},
		"symmetric":            {ec, "k", `"AAAA"`, "private"},
		"kty oct":              {ec, "kty", `"oct"`, "ErrKey"},
		"kty unknown":          {ec, "kty", `"AKP"`, "ErrKey"},
		"kty missing":          {ec, "kty", ``, "ErrKey"},
		"kty in capitals":      {ec, "kty", `"ec"`, "ErrKey"},
		"curve unknown":        {ec, "crv", `"P-255"`, "ErrKey"},
		"curve secp256k1":      {ec, "crv", `"secp256k1"`, "ErrKey"},
		"off the curve":        {ec, "x", `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"`, "ErrKey"},
		"short x":              {ec, "x", `"AQ"`, "ErrKey"},
		"no y":                 {ec, "y", ``, "ErrKey"},
		"Ed25519 of 31 bytes":  {ok, "x", `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`, "ErrKey"},
		"Ed25519 of low order": {ok, "x", `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`, "ErrKey"},
		"RSA without n":        {rs, "n", ``, "ErrKey"},
		"RSA e 1":              {rs, "e", `"AQ"`, "bad e"},
		"RSA e even":           {rs, "e", `"AQAA"`, "exponent"},
		"RSA e huge":           {rs, "e", `"AQAAAAAAAAAB"`, "ErrKey"},
		"RSA 1024":             {rs, "n", `"` + b64(strings.Repeat("\xff", 128)) + `"`, "1024 bits"},
		"RSA 2047":             {rs, "n", `"` + b64("\x7f"+strings.Repeat("\xff", 255)) + `"`, "2047 bits"},
		"RSA 8192":             {rs, "n", `"` + b64(strings.Repeat("\xff", 1024)) + `"`, "ErrKey"},
		"leading zero in e":    {rs, "e", `"AAEAAQ"`, "canonical"},
		"padding":              {ok, "x", `"AAAA="`, "ErrKey"},
		"kid with a quote":     {ec, "kid", `"a\"b"`, "kid"},
		"kid with a newline":   {ec, "kid", `"a\nb"`, "kid"},
		"kid of 257 bytes":     {ec, "kid", `"` + strings.Repeat("k", 257) + `"`, "kid"},
		"kid a number":         {ec, "kid", `7`, "not a JSON Web Key"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := jwt.ParseJWK([]byte(c.good)); err != nil {
				t.Fatalf("the unchanged key is refused: %v", err)
			}
			_, err := jwt.ParseJWK([]byte(withMember(t, c.good, c.member, c.value)))
			if !errors.Is(err, jwt.ErrKey) {
				t.Fatalf("error %v, want ErrKey", err)
			}
			if c.says != "ErrKey" && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}

	for name, data := range map[string]string{
		"not JSON": `{`, "array": `[]`, "null": `null`, "empty": ``, "two": ec + ec,
		"member twice": strings.Replace(ec, `{`, `{"kty":"EC",`, 1),
	} {
		if _, err := jwt.ParseJWK([]byte(data)); !errors.Is(err, jwt.ErrKey) {
			t.Errorf("%s: error %v, want ErrKey", name, err)
		}
	}
	for name, data := range map[string]string{
		"no use": withMember(t, ec, "use", ``), "key_ops verify": withMember(t, ec, "key_ops", `["verify"]`),
		"no kid": withMember(t, ec, "kid", ``), "certificates": withMember(t, ec, "x5c", `["MIIB"]`), "unknown member": withMember(t, ec, "ext", `true`),
	} {
		if _, err := jwt.ParseJWK([]byte(data)); err != nil {
			t.Errorf("%s: refused: %v", name, err)
		}
	}
}

func jwkOf(t testing.TB, alg jwt.Algorithm) string {
	data, err := json.Marshal(newKey(t, alg).Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// withMember sets, adds or removes one member of a JSON object.
func withMember(t *testing.T, object, name, value string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		t.Fatal(err)
	}
	delete(members, name)
	if value != "" {
		members[name] = json.RawMessage(value)
	}
	data, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestKeysNeverPrint(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	mac, err := jwt.NewHMACKey(jwt.HS256, secret)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t, jwt.ES256)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		for _, k := range []*jwt.PrivateKey{key, mac} {
			if got, want := fmt.Sprintf(format, k), string(k.Algorithm())+" key "+k.ID(); got != want {
				t.Errorf("%s prints %q, want %q", format, got, want)
			}
			if got, want := fmt.Sprintf(format, k.Public()), string(k.Algorithm())+" key "+k.ID(); got != want {
				t.Errorf("%s of the public half prints %q, want %q", format, got, want)
			}
		}
	}
	for name, v := range map[string]any{"private key": key, "HMAC key": mac, "its other half": mac.Public()} {
		if data, err := json.Marshal(v); !errors.Is(err, jwt.ErrKey) {
			t.Errorf("%s as JSON: %s, %v; want ErrKey", name, data, err)
		}
	}
	if _, err := mac.MarshalPKCS8(); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("HMAC key as PKCS #8: error %v, want ErrKey", err)
	}
	secret[0] = 'X' // the key has a copy of its own
	if again, _ := jwt.NewHMACKey(jwt.HS256, []byte("0123456789abcdef0123456789abcdef")); again.ID() != mac.ID() {
		t.Error("the key changed with the caller's slice")
	}
}

func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := jwt.NewID()
		if len(id) != 22 || seen[id] || strings.ContainsAny(id, "=+/") {
			t.Fatalf("ID %q", id)
		}
		seen[id] = true
	}
}
