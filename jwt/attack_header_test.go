package jwt_test

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"hash"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestA001AlgNone(t *testing.T) {
	var attacks []attack
	for _, alg := range []string{
		`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `""`, `["ES256"]`, `["none"]`, `0`, `null`, `true`, `{}`,
		`"none\u0000"`, `"ES256\u0000"`, `"ES256 "`, `" ES256"`, `"es256"`, `"ES256K"`,
	} {
		swap := swapHeader(`"ES256"`, alg)
		attacks = append(attacks,
			attack{"signed " + alg, swap, nil, jwt.Header},
			attack{"bare " + alg, swap, part(2, constant("")), jwt.Malformed},
			attack{"dummy signature " + alg, swap, part(2, constant("AAAA")), jwt.Header})
	}
	attacks = append(attacks, attack{"missing", swapHeader(`"alg":"ES256",`, ``), nil, jwt.Header})
	refuseAll(t, newKey(t, jwt.ES256), attacks)
}

// The public key is public: an HMAC with it proves nothing.
func TestA002PublicKeyAsSecret(t *testing.T) {
	key := newKey(t, jwt.RS256)
	pub := standard(t, key).(*rsa.PrivateKey).PublicKey
	der, err := x509.MarshalPKIXPublicKey(&pub)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "DER": der,
		"PKCS1": x509.MarshalPKCS1PublicKey(&pub), "JWK": jwk, "modulus": pub.N.Bytes(), "empty": nil,
	}
	hashes := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}
	var attacks []attack
	for alg, h := range hashes {
		for name, secret := range secrets {
			attacks = append(attacks, attack{alg + " with " + name, func(f *forge) {
				f.header = mustReplace(f.header, "RS256", alg)
				f.sign = func(input string) []byte {
					mac := hmac.New(h, secret)
					mac.Write([]byte(input))
					return mac.Sum(nil)
				}
			}, nil, jwt.Header})
		}
	}
	refuseAll(t, key, attacks)
}

func TestA005WrongKey(t *testing.T) {
	key, other := newKey(t, jwt.ES256), newKey(t, jwt.ES256)
	refuseAll(t, key, []attack{
		{"another key of ours under this kid", func(f *forge) { f.sign = signWith(t, other) }, nil, jwt.Signature},
		{"unknown kid", swapHeader(key.ID(), jwt.NewID()), nil, jwt.BadKey},
		{"unknown kid of a real key", func(f *forge) {
			f.header, f.sign = mustReplace(f.header, key.ID(), other.ID()), signWith(t, other)
		}, nil, jwt.BadKey},
		{"kid absent", swapHeader(`"kid":"`+key.ID()+`",`, ``), nil, jwt.Header},
	})

	t.Run("two keys, kid of the other", func(t *testing.T) {
		v := newVerifier(t, config(key.Public(), other.Public()))
		f := newForge(t, key)
		f.header = mustReplace(f.header, key.ID(), other.ID())
		if _, why := verifyAt(v, noon, f.text()); why != jwt.Signature {
			t.Errorf("reason %q, want signature", why)
		}
	})
}

// Nothing in a header can bring a key: not even one that would verify. That no
// request goes out needs no proof here: the package imports no net.
func TestA006EmbeddedKey(t *testing.T) {
	key, attacker := newKey(t, jwt.ES256), newKey(t, jwt.ES256)
	jwk, err := json.Marshal(attacker.Public())
	if err != nil {
		t.Fatal(err)
	}
	var attacks []attack
	for name, member := range map[string]string{
		"jwk": `"jwk":` + string(jwk), "jku": `"jku":"https://evil.example/keys"`,
		"x5u": `"x5u":"https://evil.example/chain.pem"`, "x5c": `"x5c":["MIIB"]`, "x5c empty": `"x5c":[]`,
	} {
		add := swapHeader(`{"alg"`, `{`+member+`,"alg"`)
		attacks = append(attacks,
			attack{name + " beside our key", add, nil, jwt.Header},
			attack{name + " and its signature", func(f *forge) { add(f); f.sign = signWith(t, attacker) }, nil, jwt.Header})
	}
	refuseAll(t, key, attacks)
}

func TestA007HostileKid(t *testing.T) {
	key := newKey(t, jwt.ES256)
	var attacks []attack
	for kid, want := range map[string]jwt.Reason{
		`"../../dev/null"`: jwt.BadKey, `"' OR 1=1 --"`: jwt.BadKey, `"key:*"`: jwt.BadKey, `""`: jwt.Header,
		`"a\nb"`: jwt.Header, `"a\u0000b"`: jwt.Header, `"\u2028"`: jwt.Header, `7`: jwt.Header, `null`: jwt.Header,
		`["` + key.ID() + `"]`: jwt.Header, `{}`: jwt.Header,
		`"` + strings.Repeat("k", 300) + `"`:    jwt.Header,
		`"` + strings.Repeat("k", 64<<10) + `"`: jwt.Malformed,
		`"` + strings.ToUpper(key.ID()) + `"`:   jwt.BadKey,
		`"` + key.ID() + ` "`:                   jwt.BadKey,
		`"` + key.ID() + `","kid":"other"`:      jwt.Header,
	} {
		attacks = append(attacks, attack{kid[:min(len(kid), 24)] + " " + string(want), swapHeader(`"`+key.ID()+`"`, kid), nil, want})
	}
	refuseAll(t, key, attacks)
}

func TestA008Crit(t *testing.T) {
	var attacks []attack
	for _, member := range []string{
		`"crit":["x"],"x":1`, `"crit":[]`, `"crit":["alg"]`, `"crit":"alg"`, `"crit":null`, `"crit":{}`,
		`"crit":["b64"],"b64":false`, `"b64":false`, `"b64":true`, `"crit":["exp"],"exp":1`,
	} {
		attacks = append(attacks, attack{member, swapHeader(`{"alg"`, `{`+member+`,"alg"`), nil, jwt.Header})
	}
	refuseAll(t, newKey(t, jwt.ES256), attacks)
}

func TestA009Duplicates(t *testing.T) {
	refuseAll(t, newKey(t, jwt.ES256), []attack{
		{"alg none first", swapHeader(`{"alg"`, `{"alg":"none","alg"`), nil, jwt.Header},
		{"alg none last", swapHeader(`"at+jwt"}`, `"at+jwt","alg":"none"}`), nil, jwt.Header},
		{"alg twice the same", swapHeader(`{"alg"`, `{"alg":"ES256","alg"`), nil, jwt.Header},
		{"typ twice", swapHeader(`"at+jwt"}`, `"at+jwt","typ":"at+jwt"}`), nil, jwt.Header},
		{"sub twice, first", swapClaims(`{"iss"`, `{"sub":"eve","iss"`), nil, jwt.BadClaim},
		{"sub twice, last", swapClaims(`write"}`, `write","sub":"eve"}`), nil, jwt.BadClaim},
		{"sub twice, escaped", swapClaims(`write"}`, `write","s\u0075b":"eve"}`), nil, jwt.BadClaim},
		{"exp twice", swapClaims(`write"}`, `write","exp":9999999999}`), nil, jwt.BadClaim},
		{"private claim twice", swapClaims(`write"}`, `write","plan":"free","plan":"pro"}`), nil, jwt.BadClaim},
		{"SUB in place of sub", swapClaims(`"sub"`, `"SUB"`), nil, jwt.BadClaim},
		{"EXP in place of exp", swapClaims(`"exp"`, `"EXP"`), nil, jwt.BadClaim},
	})
}

func TestA014OddSignature(t *testing.T) {
	zero, n := strings.Repeat("\x00", 32), curveOrder()
	set := func(sig string) func(*forge) {
		return func(f *forge) { f.sign = func(string) []byte { return []byte(sig) } }
	}
	with := func(change func([]byte) []byte) func(*forge) {
		return func(f *forge) {
			sign := f.sign
			f.sign = func(in string) []byte { return change(sign(in)) }
		}
	}
	refuseAll(t, newKey(t, jwt.ES256), []attack{
		{"DER", with(derOf), nil, jwt.Signature},
		{"r and s zero", set(zero + zero), nil, jwt.Signature},
		{"r zero", with(func(s []byte) []byte { return append([]byte(zero), s[32:]...) }), nil, jwt.Signature},
		{"s zero", with(func(s []byte) []byte { return append(s[:32:32], zero...) }), nil, jwt.Signature},
		{"r and s n", set(n + n), nil, jwt.Signature},
		{"r n", with(func(s []byte) []byte { return append([]byte(n), s[32:]...) }), nil, jwt.Signature},
		{"s n", with(func(s []byte) []byte { return append(s[:32:32], n...) }), nil, jwt.Signature},
		{"one byte short", with(func(s []byte) []byte { return s[:63] }), nil, jwt.Signature},
		{"one byte long", with(func(s []byte) []byte { return append(s, 0) }), nil, jwt.Signature},
		{"padded to ES384", with(func(s []byte) []byte {
			return append(append([]byte(zero[:16]), s[:32]...), append([]byte(zero[:16]), s[32:]...)...)
		}), nil, jwt.Signature},
		{"ES384 in the header", swapHeader("ES256", "ES384"), nil, jwt.Header},
	})

	t.Run("Ed25519", func(t *testing.T) {
		refuseAll(t, newKey(t, jwt.EdDSA), []attack{
			{"S + L", with(plusOrder), nil, jwt.Signature},
			{"short", with(func(s []byte) []byte { return s[:63] }), nil, jwt.Signature},
			{"zero", set(strings.Repeat("\x00", 64)), nil, jwt.Signature},
		})
	})
}

func TestA016JSONSerialization(t *testing.T) {
	flat := func(raw string) string {
		p := strings.Split(raw, ".")
		return `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`
	}
	general := func(raw string) string {
		p := strings.Split(raw, ".")
		return `{"payload":"` + p[1] + `","signatures":[{"protected":"` + p[0] + `","signature":"` + p[2] + `"}]}`
	}
	refuseAll(t, newKey(t, jwt.ES256), []attack{
		{"flattened", nil, flat, jwt.Malformed},
		{"general", nil, general, jwt.Malformed},
		{"compact, then JSON", nil, func(raw string) string { return raw + flat(raw) }, jwt.Malformed},
		{"a header without its braces", func(f *forge) { f.header = strings.Trim(f.header, "{}") }, nil, jwt.Header},
		{"a header without its beginning", swapHeader(`{"alg":"`, ``), nil, jwt.Header},
		{"JSON in the header's place", nil, part(0, func(string) string { return `{"alg":"ES256"}` }), jwt.Malformed},
	})
}

func TestA017EncryptedToken(t *testing.T) {
	refuseAll(t, newKey(t, jwt.ES256), []attack{
		{"five parts", nil, func(raw string) string { return raw + ".AAAA.AAAA" }, jwt.Malformed},
		{"five parts, PBES2", nil, constant(b64(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483648,"p2s":"AAAA"}`) + ".AAAA.AAAA.AAAA.AAAA"), jwt.Malformed},
		{"enc in three parts", swapHeader(`{"alg"`, `{"enc":"A128GCM","alg"`), nil, jwt.Header},
		{"zip", swapHeader(`{"alg"`, `{"zip":"DEF","alg"`), nil, jwt.Header},
		{"nested", swapHeader(`"at+jwt"}`, `"at+jwt","cty":"JWT"}`), nil, jwt.Header},
	})
}
