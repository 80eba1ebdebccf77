package jwt_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

var (
	sealAlgorithms = []string{"dir", "A256KW", "ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256"}
	encryptions    = []string{"A256GCM", "A128CBC-HS256"}
)

func newOpenKey(t testing.TB, alg string) *jwt.OpenKey {
	t.Helper()
	key, err := jwt.GenerateOpenKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustSeal(t testing.TB, plaintext string, s jwt.Sealing) string {
	t.Helper()
	sealed, err := jwt.Seal([]byte(plaintext), s)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func sealFor(keys ...*jwt.OpenKey) (s jwt.Sealing) {
	for _, k := range keys {
		s.For = append(s.For, k.SealKey())
	}
	return s
}

// opens demands that sealed opens as want.
func opens(t *testing.T, sealed, want string, keys ...*jwt.OpenKey) *jwt.Opened {
	t.Helper()
	got, err := jwt.Open(sealed, keys...)
	if err != nil {
		t.Fatalf("%v\n%s", err, sealed)
	}
	if string(got.Plaintext) != want {
		t.Fatalf("opened as %q, want %q", got.Plaintext, want)
	}
	return got
}

func whyShut(sealed string, keys ...*jwt.OpenKey) jwt.Reason {
	_, err := jwt.Open(sealed, keys...)
	return jwt.ReasonOf(err)
}

// Every algorithm with every encryption, in every serialization that it has.
func TestWhatWasSealedOpens(t *testing.T) {
	for _, alg := range sealAlgorithms {
		key, stranger := newOpenKey(t, alg), newOpenKey(t, alg)
		for _, enc := range encryptions {
			s := sealFor(key)
			s.Encryption = enc
			compact := mustSeal(t, "a secret", s)
			if strings.Count(compact, ".") != 4 || strings.Contains(compact, "{") {
				t.Errorf("%s %s: not compact: %s", alg, enc, compact)
			}
			s.Beside = []byte{}
			opens(t, mustSeal(t, "empty beside", s), "empty beside", key)
			if got := opens(t, compact, "a secret", key); got.KeyID != key.ID() || got.Beside != nil {
				t.Errorf("%s %s: opened as %+v", alg, enc, got)
			}
			s.JSON, s.Beside = true, []byte("for all to see")
			flat := mustSeal(t, "a secret", s)
			if !json.Valid([]byte(flat)) || strings.Contains(flat, "recipients") {
				t.Errorf("%s %s: not flattened JSON: %s", alg, enc, flat)
			}
			if got := opens(t, flat, "a secret", stranger, key); string(got.Beside) != "for all to see" {
				t.Errorf("%s %s: beside it stood %q", alg, enc, got.Beside)
			}
			if why := whyShut(compact, stranger); why != jwt.BadKey {
				t.Errorf("%s %s: another key: %q, want key", alg, enc, why)
			}
		}
	}
}

// Three readers, each with another kind of key: every one finds his own.
func TestSealedForSeveral(t *testing.T) {
	ada, bob, eve := newOpenKey(t, "A256KW"), newOpenKey(t, "ECDH-ES+A256KW"), newOpenKey(t, "RSA-OAEP-256")
	stranger := newOpenKey(t, "A256KW")
	for _, enc := range encryptions {
		s := sealFor(ada, bob, eve)
		s.Encryption = enc
		sealed := mustSeal(t, "for three", s)
		for _, key := range []*jwt.OpenKey{ada, bob, eve} {
			if got := opens(t, sealed, "for three", stranger, key); got.KeyID != key.ID() {
				t.Errorf("opened with %s, want %s", got.KeyID, key.ID())
			}
		}
		if why := whyShut(sealed, stranger); why != jwt.BadKey {
			t.Errorf("a stranger: %q, want key", why)
		}
		if why := whyShut(sealed); why != jwt.BadKey {
			t.Errorf("no key at all: %q, want key", why)
		}
	}
}

// The person signs up with an address; the token carries it past everybody but
// the service that mails.
func TestAClaimThatOnlyTheMailerReads(t *testing.T) {
	signing, mailer := newKey(t, jwt.ES256), newOpenKey(t, "ECDH-ES+A256KW")
	claims := access()
	if err := claims.SealPrivate("email", "ada@example.com", sealFor(mailer)); err != nil {
		t.Fatal(err)
	}
	raw := mustSign(t, signing, claims)
	seen, err := jwt.InspectUnverified(raw)
	if err != nil || bytes.Contains(seen.Claims, []byte("ada@example.com")) {
		t.Fatalf("whoever carries the token reads: %s (%v)", seen.Claims, err)
	}
	token, why := verifyAt(newVerifier(t, config(signing.Public())), noon, raw)
	if why != "" {
		t.Fatal(why)
	}
	var email string
	if err := token.OpenPrivate("email", &email, mailer); err != nil || email != "ada@example.com" {
		t.Fatalf("the mailer reads %q (%v)", email, err)
	}
	for name, c := range map[string]struct {
		claim string
		into  any
		key   *jwt.OpenKey
		want  jwt.Reason
	}{
		"no such claim":  {"phone", new(string), mailer, jwt.BadClaim},
		"another type":   {"email", new(int), mailer, jwt.BadClaim},
		"a stranger":     {"email", new(string), newOpenKey(t, "ECDH-ES+A256KW"), jwt.BadKey},
		"no key":         {"email", new(string), nil, jwt.BadKey},
		"not sealed":     {"plan", new(string), mailer, jwt.Malformed},
		"not even text":  {"seats", new(int), mailer, jwt.BadClaim},
		"sealed as text": {"raw", new(string), mailer, jwt.Header},
	} {
		open := access()
		open.Private = token.Private
		for claim, value := range map[string]any{"plan": "pro", "seats": 3, "raw": mustSeal(t, `"x"`, sealFor(mailer))} {
			if err := open.SetPrivate(claim, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := open.OpenPrivate(c.claim, c.into, c.key); jwt.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestAClaimForSeveralReaders(t *testing.T) {
	a, b := newOpenKey(t, "A256KW"), newOpenKey(t, "A256KW")
	claims := access()
	if err := claims.SealPrivate("address", map[string]string{"city": "Paris"}, sealFor(a, b)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []*jwt.OpenKey{a, b} {
		var exact struct {
			City string `json:"city"`
		}
		if err := claims.OpenPrivate("address", &exact, key); err != nil || exact.City != "Paris" {
			t.Fatalf("%+v %v", exact, err)
		}
	}
	if err := claims.SealPrivate("sub", "eve", sealFor(a)); !errors.Is(err, jwt.ErrClaims) {
		t.Errorf("a reserved name: %v", err)
	}
	if err := claims.SealPrivate("f", func() {}, sealFor(a)); !errors.Is(err, jwt.ErrClaims) {
		t.Errorf("a value that is no JSON: %v", err)
	}
	if err := claims.SealPrivate("x", 1, jwt.Sealing{}); !errors.Is(err, jwt.ErrConfig) {
		t.Errorf("for nobody: %v", err)
	}
}

// Sign, then seal; Open returns nothing unless both layers hold.
func TestASealedTokenOpensOnlyIfBothLayersHold(t *testing.T) {
	signing, other, key := newKey(t, jwt.ES256), newKey(t, jwt.ES256), newOpenKey(t, "RSA-OAEP-256")
	v := newVerifier(t, config(signing.Public()))
	seal := func(by *jwt.PrivateKey, c *jwt.Access) string {
		sealed, err := jwt.NewSigner(always(by), jwt.KindAccess).Seal(noon, c, sealFor(key))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	good := seal(signing, access())
	token, err := v.Open(context.Background(), noon, good, key)
	if err != nil || token.Claims().Subject != "ada" {
		t.Fatalf("%v %v", token, err)
	}
	late := access()
	late.Expires = jwt.TimeOf(noon)
	for name, c := range map[string]struct {
		sealed string
		keys   []*jwt.OpenKey
		want   jwt.Reason
	}{
		"another signer":             {seal(other, access()), []*jwt.OpenKey{key}, jwt.BadKey},
		"expired":                    {seal(signing, late), []*jwt.OpenKey{key}, jwt.Expired},
		"no key":                     {good, nil, jwt.BadKey},
		"a signed token, not sealed": {mustSign(t, signing, access()), []*jwt.OpenKey{key}, jwt.Malformed},
		"sealed bytes":               {mustSeal(t, mustSign(t, signing, access()), sealFor(key)), []*jwt.OpenKey{key}, jwt.Header},
		"changed":                    {flip(good, 3), []*jwt.OpenKey{key}, jwt.Signature},
	} {
		if token, err := v.Open(context.Background(), noon, c.sealed, c.keys...); token != nil || jwt.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if why := whyShut(good, key); why != jwt.Header {
		t.Errorf("Open gave out a token that nobody verified (%q)", why)
	}
	if _, why := verifyAt(v, noon, good); why != jwt.Malformed {
		t.Errorf("A017: where a signed token is due a sealed one is %q, want malformed", why)
	}
	reset := jwt.NewSigner(always(signing), "reset+jwt")
	if _, err := reset.Seal(noon, access(), sealFor(key)); !errors.Is(err, jwt.ErrKind) {
		t.Errorf("a signer sealed a kind that it does not sign: %v", err)
	}
}

// flip changes one bit within a part of a compact JWE.
func flip(sealed string, part int) string {
	parts := strings.Split(sealed, ".")
	raw := must(rawURL(parts[part]))
	raw[len(raw)/2] ^= 1
	parts[part] = b64(string(raw))
	return strings.Join(parts, ".")
}

func TestSealRefuses(t *testing.T) {
	direct, wrap, agree := newOpenKey(t, "dir"), newOpenKey(t, "A256KW"), newOpenKey(t, "ECDH-ES")
	for name, c := range map[string]struct {
		plaintext string
		sealing   jwt.Sealing
		want      error
		says      string
	}{
		"for nobody":         {"x", jwt.Sealing{}, jwt.ErrConfig, "say who shall open it"},
		"a nil key":          {"x", jwt.Sealing{For: []*jwt.SealKey{nil}}, jwt.ErrConfig, "say who shall open it"},
		"nothing":            {"", sealFor(wrap), jwt.ErrConfig, "nothing to seal"},
		"dir for two":        {"x", sealFor(direct, wrap), jwt.ErrConfig, "use A256KW, ECDH-ES+A256KW or RSA-OAEP-256"},
		"ECDH-ES for two":    {"x", sealFor(wrap, agree), jwt.ErrConfig, "ECDH-ES agrees on the content key itself"},
		"one key twice":      {"x", sealFor(wrap, wrap), jwt.ErrConfig, "two keys with the ID"},
		"another encryption": {"x", jwt.Sealing{For: sealFor(wrap).For, Encryption: "A128GCM"}, jwt.ErrConfig, `"A128GCM"; use A256GCM or A128CBC-HS256`},
		"beside compact":     {"x", jwt.Sealing{For: sealFor(wrap).For, Beside: []byte("y")}, jwt.ErrConfig, "set JSON"},
		"too much":           {strings.Repeat("x", 4001), sealFor(wrap), jwt.ErrTooLarge, "4001 bytes to seal (limit 4000)"},
		"too much for many":  {strings.Repeat("x", 4000), sealFor(long(t, 16)...), jwt.ErrTooLarge, "sealed for 16 keys (limit 8192)"},
		"too many":           {"x", sealFor(long(t, 17)...), jwt.ErrConfig, "17 keys; at most 16"},
	} {
		sealed, err := jwt.Seal([]byte(c.plaintext), c.sealing)
		if sealed != "" || !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v, want %v that says %q", name, err, c.want, c.says)
		}
	}
	opens(t, mustSeal(t, strings.Repeat("x", 4000), sealFor(wrap)), strings.Repeat("x", 4000), wrap)
}

// long makes n keys with long names.
func long(t *testing.T, n int) (keys []*jwt.OpenKey) {
	t.Helper()
	for i := range n {
		jwk := fmt.Sprintf(`{"kty":"oct","alg":"A256KW","kid":"%0200d","k":"%s"}`, i, b64(strings.Repeat("s", 32)))
		key, err := jwt.ParseOpenKey([]byte(jwk), "")
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// A key is read from JWK or PEM and fits exactly one algorithm; what does not
// fit is refused with its remedy.
func TestSealKeysAreReadStrictly(t *testing.T) {
	secret := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	good := fmt.Sprintf(`{"kty":"oct","use":"enc","kid":"k1","alg":"A256KW","k":"%s"}`, secret)
	if k, err := jwt.ParseOpenKey([]byte(good), ""); err != nil || k.ID() != "k1" {
		t.Fatalf("%v %v", k, err)
	}
	p256 := pemKey(t, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	p521 := pemKey(t, must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)))
	weak := pemKey(t, must(rsa.GenerateKey(rand.Reader, 1024)))
	strong := pemKey(t, must(rsa.GenerateKey(rand.Reader, 2048)))
	for name, c := range map[string]struct{ private, alg, says string }{
		"no key":             {"hello", "", "neither a JSON Web Key nor -----BEGIN PRIVATE KEY-----"},
		"signs":              {strings.Replace(good, `"enc"`, `"sig"`, 1), "", "a key that signs does not seal"},
		"only verifies":      {strings.Replace(good, `"use":"enc"`, `"key_ops":["verify"]`, 1), "", "neither seals nor opens"},
		"no alg":             {strings.Replace(good, `"alg":"A256KW",`, "", 1), "", "alg is missing"},
		"another alg":        {good, "dir", `says alg "A256KW", not "dir"`},
		"alg twice":          {strings.Replace(good, `{`, `{"alg":"dir",`, 1), "", "not a JSON Web Key"},
		"password":           {strings.Replace(good, "A256KW", "PBES2-HS512+A256KW", 1), "", "does not seal; use dir, A256KW, ECDH-ES, ECDH-ES+A256KW, RSA-OAEP-256"},
		"RSA1_5":             {strong.private, "RSA1_5", `"RSA1_5" does not seal`},
		"a short secret":     {strings.Replace(good, secret, secret[:22], 1), "", "a secret of 16 bytes; A256KW takes 32 random ones"},
		"a long secret":      {strings.Replace(good, secret, secret[:40]+secret[:4], 1), "", "a secret of 33 bytes; A256KW takes 32"},
		"an empty secret":    {strings.Replace(good, secret, "", 1), "", "a secret of 0 bytes; A256KW takes 32"},
		"a secret for RSA":   {strings.Replace(good, "A256KW", "RSA-OAEP-256", 1), "", "a secret does not fit RSA-OAEP-256"},
		"P-256 for RSA":      {p256.private, "RSA-OAEP-256", "a key on P-256 does not fit RSA-OAEP-256"},
		"P-521":              {p521.private, "", "a key on P-521; use P-256 or P-384"},
		"RSA 1024":           {weak.private, "", "an RSA modulus of 1024 bits; use 2048 to 4096"},
		"RSA for agreement":  {strong.private, "ECDH-ES", "an RSA key does not fit ECDH-ES"},
		"a public key":       {p256.public, "", "neither a JSON Web Key nor -----BEGIN PRIVATE KEY-----"},
		"a kid with a quote": {strings.Replace(good, "k1", `k\"`, 1), "", "kid must be printable ASCII"},
	} {
		k, err := jwt.ParseOpenKey([]byte(c.private), c.alg)
		if k != nil || !errors.Is(err, jwt.ErrKey) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v, want ErrKey that says %q", name, err, c.says)
		}
	}
	if _, err := jwt.ParseSealKey([]byte(p256.private), ""); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("a private key in PEM, to seal with: %v", err)
	}
	if _, err := jwt.ParseSealKey([]byte(privateJWK), ""); err == nil || !strings.Contains(err.Error(), "give that one") {
		t.Errorf("a private JWK, to seal with: %v", err)
	}
	mixed := strings.Replace(privateJWK, "870MB6gf", "870MB6gg", 1)
	if _, err := jwt.ParseOpenKey([]byte(mixed), ""); err == nil || !strings.Contains(err.Error(), "halves do not belong together") {
		t.Errorf("a point beside the d of another key: %v", err)
	}
	if _, err := jwt.GenerateOpenKey("ES256"); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("a key that signs was made to open: %v", err)
	}
}

const privateJWK = `{"kty":"EC","alg":"ECDH-ES","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}`

type pair struct{ private, public string }

func pemKey(t *testing.T, key crypto.Signer) pair {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return pair{block("PRIVATE KEY", private), block("PUBLIC KEY", public)}
}

// What the public half seals, in PEM or JWK, the private half opens, under the
// same ID.
func TestTheHalvesOfASealKeyBelongTogether(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		both := pemKey(t, must(ecdsa.GenerateKey(curve, rand.Reader)))
		for _, alg := range []string{"", "ECDH-ES", "ECDH-ES+A256KW"} {
			halves(t, both, alg)
		}
	}
	halves(t, pemKey(t, must(rsa.GenerateKey(rand.Reader, 2048))), "")
}

func halves(t *testing.T, both pair, alg string) {
	t.Helper()
	open, err := jwt.ParseOpenKey([]byte(both.private), alg)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := jwt.ParseSealKey([]byte(both.public), alg)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, mustSeal(t, "x", jwt.Sealing{For: []*jwt.SealKey{seal}}), "x", open)
	published, err := json.Marshal(seal)
	if err != nil || !strings.Contains(string(published), `"use":"enc"`) || strings.Contains(string(published), `"d"`) {
		t.Fatalf("%s %v", published, err)
	}
	again, err := jwt.ParseSealKey(published, "")
	if err != nil || again.ID() != open.ID() || again.Algorithm() != open.SealKey().Algorithm() {
		t.Fatalf("%v became %v: %v", seal, again, err)
	}
	opens(t, mustSeal(t, "x", jwt.Sealing{For: []*jwt.SealKey{again}}), "x", open)
}

func TestSealKeysNeverPrint(t *testing.T) {
	key := newOpenKey(t, "A256KW")
	secret := key.Secret().([]byte)
	for _, k := range []any{key, key.SealKey()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			text := fmt.Sprintf(verb, k)
			if strings.Contains(text, fmt.Sprintf("%x", secret)) || strings.Contains(text, fmt.Sprint(secret)) || !strings.HasPrefix(text, "A256KW ") {
				t.Errorf("%s prints %s", verb, text)
			}
		}
		if out, err := json.Marshal(k); !errors.Is(err, jwt.ErrKey) {
			t.Errorf("written as JSON: %s %v", out, err)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
