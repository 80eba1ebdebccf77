package jwt_test

import (
	"bytes"
	"compress/flate"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// A017, and the JWE rows of its kind: headers that say something else, each over
// content that is encrypted as it should be, so that only the header can be why
// it is refused. Nothing is decrypted, however much work it asks for.
func TestA017SealedHeadersThatAreRefusedUnread(t *testing.T) {
	key := newOpenKey(t, "dir")
	secret, decryptions := key.Secret().([]byte), 0
	counted := jwt.Counted(key, &decryptions)
	good := fmt.Sprintf(`{"alg":"dir","enc":"A256GCM","kid":"%s"}`, key.ID())
	opens(t, sealByHand(secret, good, []byte("x")), "x", key)
	opens(t, sealByHand(secret, good, []byte("x")), "x", counted)
	if decryptions != 1 {
		t.Fatalf("%d decryptions of a good seal, want 1: the count would prove nothing", decryptions)
	}
	with := func(members string) string { return mustReplace(good, `{`, `{`+members+`,`) }
	for name, header := range map[string]string{
		"zip":                     with(`"zip":"DEF"`),
		"zip of another name":     with(`"zip":""`),
		"crit":                    with(`"crit":["exp"],"exp":1`),
		"crit empty":              with(`"crit":[]`),
		"crit null":               with(`"crit":null`),
		"crit standard name":      with(`"crit":["alg"]`),
		"b64":                     with(`"b64":false`),
		"jwk":                     with(`"jwk":{}`),
		"jku":                     with(`"jku":"https://evil.example/keys"`),
		"x5u":                     with(`"x5u":"https://evil.example/cert"`),
		"x5c":                     with(`"x5c":[]`),
		"p2c beside dir":          with(`"p2c":2147483648,"p2s":"AAAA"`),
		"epk beside dir":          with(`"epk":{"kty":"EC","crv":"P-256","x":"A","y":"A"}`),
		"apu beside dir":          with(`"apu":"QWxpY2U"`),
		"iv of GCM key wrap":      with(`"iv":"AAAA"`),
		"a member of no standard": with(`"hello":1`),
		"typ":                     with(`"typ":"JWT"`),
		"alg twice":               with(`"alg":"none"`),
		"alg in capitals":         mustReplace(good, `"alg"`, `"ALG"`),
		"kid null":                mustReplace(good, `"`+key.ID()+`"`, `null`),
		"alg null":                mustReplace(good, `"dir"`, `null`),
		"alg none":                mustReplace(good, `"dir"`, `"none"`),
		"alg in another case":     mustReplace(good, `"dir"`, `"DIR"`),
		"alg a number":            mustReplace(good, `"dir"`, `1`),
		"alg of signatures":       mustReplace(good, `"dir"`, `"HS256"`),
		"alg of another key":      mustReplace(good, `"dir"`, `"A256KW"`),
		"alg RSA1_5":              mustReplace(good, `"dir"`, `"RSA1_5"`),
		"alg RSA-OAEP with SHA-1": mustReplace(good, `"dir"`, `"RSA-OAEP"`),
		"alg A256GCMKW":           mustReplace(good, `"dir"`, `"A256GCMKW"`),
		"alg PBES2, 2^31 rounds":  mustReplace(good, `"dir"`, `"PBES2-HS256+A128KW","p2c":2147483648,"p2s":"AAAAAAAAAAA"`),
		"enc missing":             mustReplace(good, `"enc":"A256GCM",`, ``),
		"enc A128GCM":             mustReplace(good, `A256GCM`, `A128GCM`),
		"enc a mix":               mustReplace(good, `A256GCM`, `a256gcm`),
		"cty JWT":                 with(`"cty":"JWT"`),
		"cty of a claim":          with(`"cty":"json"`),
		"not an object":           `["dir"]`,
		"two objects":             good + good,
		"invalid UTF-8":           mustReplace(good, key.ID(), "\xff"),
		"long":                    with(fmt.Sprintf(`"apu":"%s"`, strings.Repeat("A", 1024))),
	} {
		sealed := sealByHand(secret, header, []byte("x"))
		decryptions = 0
		if opened, err := jwt.Open(sealed, counted); opened != nil || jwt.ReasonOf(err) != jwt.Header || decryptions != 0 {
			t.Errorf("%s: opened %v, %v, after %d decryptions; want header, unread", name, opened, err, decryptions)
		}
	}
}

// A015, A017: a bomb would be 4 MB; its seal is below every limit, and go-jose
// alone would inflate the smaller ones.
func TestA017ZipBombIsNotInflated(t *testing.T) {
	key := newOpenKey(t, "dir")
	var bomb bytes.Buffer
	w := must(flate.NewWriter(&bomb, flate.BestCompression))
	must(w.Write(make([]byte, 200_000)))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	header := fmt.Sprintf(`{"alg":"dir","enc":"A256GCM","kid":"%s","zip":"DEF"}`, key.ID())
	sealed := sealByHand(key.Secret().([]byte), header, bomb.Bytes())
	object := must(jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM}))
	if plain, err := object.Decrypt(key.Secret()); err != nil || len(plain) != 200_000 {
		t.Fatalf("go-jose: %d bytes, %v: the bomb would prove nothing", len(plain), err)
	}
	if why := whyShut(sealed, key); why != jwt.Header {
		t.Errorf("%q, want header", why)
	}
}

// Seals that others make with algorithms that we do not take, with our own keys.
func TestSealsOfOtherAlgorithms(t *testing.T) {
	rsaKey, ecKey, secret := newOpenKey(t, "RSA-OAEP-256"), newOpenKey(t, "ECDH-ES"), newOpenKey(t, "A256KW")
	for alg, key := range map[jose.KeyAlgorithm]*jwt.OpenKey{
		jose.RSA1_5: rsaKey, jose.RSA_OAEP: rsaKey, jose.ECDH_ES_A128KW: ecKey, jose.ECDH_ES_A192KW: ecKey,
		jose.ECDH_ES_A256KW: ecKey, jose.A256GCMKW: secret, jose.DIRECT: secret, jose.PBES2_HS256_A128KW: secret,
	} {
		to := jose.Recipient{Algorithm: alg, KeyID: key.ID(), Key: publicOf(key.Secret()), PBES2Count: 1000}
		sealer, err := jose.NewEncrypter(jose.A256GCM, to, nil)
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		sealed := must(must(sealer.Encrypt([]byte("x"))).CompactSerialize())
		if why := whyShut(sealed, key); why != jwt.Header {
			t.Errorf("%s for a key of %s: %q, want header", alg, key.SealKey().Algorithm(), why)
		}
	}
}

func publicOf(key any) any {
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		return &key.PublicKey
	case *rsa.PrivateKey:
		return &key.PublicKey
	}
	return key
}

// No oracle: whatever goes wrong once the header is right, the answer is one and
// the same value. What was changed cannot be told from it.
func TestAllFailuresOfTheCryptographyAreOne(t *testing.T) {
	for _, alg := range sealAlgorithms {
		key := newOpenKey(t, alg)
		for _, enc := range encryptions {
			s := sealFor(key)
			s.Encryption = enc
			var told []error
			parts := strings.Split(mustSeal(t, "sixteen bytes, ok", s), ".")
			for name, sealed := range bent(parts, alg) {
				opened, err := jwt.Open(sealed, key)
				if opened != nil || jwt.ReasonOf(err) != jwt.Signature {
					t.Errorf("%s %s, %s: %v", alg, enc, name, err)
				}
				told = append(told, err)
			}
			if len(told) < 9 || slices.ContainsFunc(told, func(err error) bool { return err != told[0] }) {
				t.Errorf("%s %s: not one answer: %v", alg, enc, told)
			}
		}
	}
}

// bent returns seals with one change each in what the header does not decide.
func bent(parts []string, alg string) map[string]string {
	with := func(i int, text string) string {
		changed := slices.Clone(parts)
		changed[i] = text
		return strings.Join(changed, ".")
	}
	list := map[string]string{
		"iv changed": flip(strings.Join(parts, "."), 2), "iv of 8 bytes": with(2, b64("12345678")), "iv of 32 bytes": with(2, b64(strings.Repeat("i", 32))),
		"content changed": flip(strings.Join(parts, "."), 3), "content cut": with(3, parts[3][:4]), "content longer": with(3, parts[3][:4]+parts[3]),
		"tag changed": flip(strings.Join(parts, "."), 4), "tag of 12 bytes": with(4, parts[4][:16]), "tag of 18 bytes": with(4, parts[4][:20]+"AAAA"),
		"tag of zeros": with(4, b64(strings.Repeat("\x00", 16))), "encrypted key of 8 bytes": with(1, b64("12345678")), "encrypted key too long": with(1, parts[1]+"AAAA"+"AAAA"),
	}
	if alg == "dir" || alg == "ECDH-ES" { // RFC 7516 §5.2, step 10
		list["encrypted key where there is none"] = with(1, b64(strings.Repeat("k", 40)))
		return list
	}
	list["encrypted key changed"] = flip(strings.Join(parts, "."), 1)
	list["encrypted key missing"] = with(1, "")
	return list
}

// RFC 8725 §2.4: points that are on no curve, on another, of another width, or
// that come with more than a point.
func TestEphemeralKeysThatAreRefused(t *testing.T) {
	for _, alg := range []string{"ECDH-ES", "ECDH-ES+A256KW"} {
		key := newOpenKey(t, alg)
		sealed := strings.Split(mustSeal(t, "x", sealFor(key)), ".")
		var head struct {
			Epk map[string]string `json:"epk"`
		}
		if err := json.Unmarshal(must(rawURL(sealed[0])), &head); err != nil {
			t.Fatal(err)
		}
		other := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
		x384, y384 := b64(string(other.X.FillBytes(make([]byte, 48)))), b64(string(other.Y.FillBytes(make([]byte, 48))))
		for name, c := range map[string]struct {
			change func(epk map[string]string)
			want   jwt.Reason
		}{
			"not on the curve": {func(e map[string]string) { e["x"] = e["y"] }, jwt.Signature},
			"zero": {func(e map[string]string) {
				e["x"], e["y"] = b64(strings.Repeat("\x00", 32)), b64(strings.Repeat("\x00", 32))
			}, jwt.Signature},
			"beyond the field":   {func(e map[string]string) { e["x"] = b64(strings.Repeat("\xff", 32)) }, jwt.Signature},
			"another curve":      {func(e map[string]string) { e["crv"], e["x"], e["y"] = "P-384", x384, y384 }, jwt.Signature},
			"another curve's":    {func(e map[string]string) { e["x"], e["y"] = x384, y384 }, jwt.Signature},
			"a curve of no name": {func(e map[string]string) { e["crv"] = "" }, jwt.Signature},
			"X25519":             {func(e map[string]string) { e["kty"], e["crv"] = "OKP", "X25519" }, jwt.Signature},
			"short x":            {func(e map[string]string) { e["x"] = e["x"][:40] }, jwt.Signature},
			"long x":             {func(e map[string]string) { e["x"] = b64("\x00" + string(must(rawURL(e["x"])))) }, jwt.Signature},
			"not base64url":      {func(e map[string]string) { e["x"] += "=" }, jwt.Signature},
			"no y":               {func(e map[string]string) { delete(e, "y") }, jwt.Signature},
			"private":            {func(e map[string]string) { e["d"] = e["x"] }, jwt.Header},
			"with a certificate": {func(e map[string]string) { e["x5u"] = "https://evil.example" }, jwt.Header},
		} {
			epk := maps.Clone(head.Epk)
			c.change(epk)
			header := fmt.Sprintf(`{"alg":"%s","enc":"A256GCM","epk":%s,"kid":"%s"}`, alg, must(json.Marshal(epk)), key.ID())
			bad := append([]string{b64(header)}, sealed[1:]...)
			if why := whyShut(strings.Join(bad, "."), key); why != c.want {
				t.Errorf("%s, %s: %q, want %s", alg, name, why, c.want)
			}
		}
	}
}

// The gate refuses them itself, before go-jose computes with one.
func TestEphemeralKeysFit(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		key := must(jwt.ParseOpenKey([]byte(pemKey(t, must(ecdsa.GenerateKey(curve, rand.Reader))).private), "ECDH-ES"))
		point := must(must(ecdsa.GenerateKey(curve, rand.Reader)).PublicKey.Bytes())[1:]
		n, name := len(point)/2, curve.Params().Name
		x, y := string(point[:n]), string(point[n:])
		if !key.Fits("EC", name, b64(x), b64(y)) {
			t.Fatalf("%s: a good point does not fit", name)
		}
		for why, bad := range map[string][4]string{
			"not on the curve": {"EC", name, b64(y), b64(x)},
			"another curve":    {"EC", "P-521", b64(x), b64(y)},
			"another type":     {"OKP", name, b64(x), b64(y)},
			"another width":    {"EC", name, b64(x + y[:1]), b64(y[1:])},
			"infinity":         {"EC", name, "", ""},
		} {
			if key.Fits(bad[0], bad[1], bad[2], bad[3]) {
				t.Errorf("%s: %s fits", name, why)
			}
		}
	}
}

// A016 for seals: what the JSON serializations may not say.
func TestSealedJSONThatIsRefused(t *testing.T) {
	a, b := newOpenKey(t, "A256KW"), newOpenKey(t, "A256KW")
	s := sealFor(a)
	s.JSON, s.Beside = true, []byte("beside")
	flat := mustSeal(t, "x", s)
	opens(t, flat, "x", a)
	many := mustSeal(t, "x", sealFor(a, b))
	opens(t, many, "x", b)
	add := func(to, members string) string { return strings.Replace(to, "{", "{"+members+",", 1) }
	for name, c := range map[string]struct {
		sealed string
		want   jwt.Reason
	}{
		"an unknown member":           {add(flat, `"hello":1`), jwt.Malformed},
		"a member twice":              {add(flat, `"iv":"AAAA"`), jwt.Malformed},
		"more behind it":              {flat + "{}", jwt.Malformed},
		"both forms":                  {add(many, `"encrypted_key":"AAAA"`), jwt.Malformed},
		"both headers":                {add(many, `"header":{}`), jwt.Malformed},
		"no recipients":               {add(flat, `"recipients":[]`), jwt.Malformed},
		"no tag":                      {mustReplace(flat, `"tag"`, `"tog"`), jwt.Malformed},
		"padded":                      {mustReplace(flat, `"tag":"`, `"tag":"=`), jwt.Malformed},
		"nothing protected":           {strings.Replace(flat, `"protected":"`, `"protected":"","x":"`, 1), jwt.Malformed},
		"alg not protected as well":   {add(flat, `"unprotected":{"alg":"A256KW"}`), jwt.Header},
		"enc not protected":           {add(flat, `"unprotected":{"enc":"A256GCM"}`), jwt.Header},
		"zip not protected":           {add(flat, `"unprotected":{"zip":"DEF"}`), jwt.Header},
		"crit not protected":          {add(flat, `"header":{"crit":["x"]}`), jwt.Header},
		"cty not protected":           {add(flat, `"header":{"cty":"JWT"}`), jwt.Header},
		"a header that is null":       {add(flat, `"header":null`), jwt.Header},
		"a header in two places":      {add(many, `"unprotected":{"kid":"x"}`), jwt.Header},
		"beside changed":              {mustReplace(flat, b64("beside"), b64("beside!")), jwt.Signature},
		"beside taken away":           {mustReplace(flat, `"aad":"`+b64("beside")+`",`, ``), jwt.Signature},
		"an empty member of its kind": {`{}`, jwt.Malformed},
		"compact within":              {`{"protected":"a.b.c.d.e"}`, jwt.Malformed},
		"not closed":                  {flat[:len(flat)-1], jwt.Malformed},
	} {
		if why := whyShut(c.sealed, a); why != c.want {
			t.Errorf("%s: %q, want %s\n%s", name, why, c.want, c.sealed)
		}
	}
}

// RFC 7520 §5.12 with an algorithm of ours: what decides on the content must be
// protected, or whoever carries the seal decides.
func TestEncThatIsNotProtected(t *testing.T) {
	key := newOpenKey(t, "dir")
	build := func(protected, unprotected string) string {
		parts := strings.Split(sealByHand(key.Secret().([]byte), protected, []byte("x")), ".")
		return fmt.Sprintf(`{"protected":"%s","unprotected":%s,"iv":"%s","ciphertext":"%s","tag":"%s"}`, parts[0], unprotected, parts[2], parts[3], parts[4])
	}
	alg := fmt.Sprintf(`{"alg":"dir","kid":"%s"}`, key.ID())
	opens(t, build(`{"enc":"A256GCM"}`, alg), "x", key)
	if why := whyShut(build(alg, `{"enc":"A256GCM"}`), key); why != jwt.Header {
		t.Errorf("enc not protected: %q, want header", why)
	}
}

// Several recipients: one weak one spoils the content, since all share its key;
// nobody is found twice.
func TestRecipientsThatSpoilTheSeal(t *testing.T) {
	a, b, weak := newOpenKey(t, "A256KW"), newOpenKey(t, "A256KW"), newOpenKey(t, "RSA-OAEP-256")
	readers := func(algs ...jose.KeyAlgorithm) string {
		list := []jose.Recipient{{Algorithm: jose.A256KW, KeyID: a.ID(), Key: a.Secret()}}
		for _, alg := range algs {
			list = append(list, jose.Recipient{Algorithm: alg, KeyID: string(alg), Key: publicOf(weak.Secret())})
		}
		object := must(must(jose.NewMultiEncrypter(jose.A256GCM, list, nil)).Encrypt([]byte("x")))
		return withoutStrayKey(object.FullSerialize())
	}
	opens(t, readers(jose.RSA_OAEP_256), "x", a)
	if why := whyShut(readers(jose.RSA1_5), a); why != jwt.Header {
		t.Errorf("beside RSA1_5: %q, want header", why)
	}
	if why := whyShut(readers(jose.RSA_OAEP), a); why != jwt.Header {
		t.Errorf("beside RSA-OAEP with SHA-1: %q, want header", why)
	}
	good := mustSeal(t, "x", sealFor(a, b))
	for name, sealed := range map[string]string{
		"one name for two": strings.Replace(good, b.ID(), a.ID(), 1),
		"dir among two":    strings.Replace(good, `"alg":"A256KW"`, `"alg":"dir"`, 1),
		"no name":          strings.Replace(good, fmt.Sprintf(`,"kid":"%s"`, a.ID()), ``, 1),
	} {
		for _, keys := range [][]*jwt.OpenKey{{a, b}, {b}} {
			if why := whyShut(sealed, keys...); why != jwt.Header {
				t.Errorf("%s, %d keys: %q, want header", name, len(keys), why)
			}
		}
	}
	other := strings.Replace(good, `"alg":"A256KW"`, `"alg":"RSA-OAEP-256"`, 1)
	if why := whyShut(other, a, b); why != jwt.Header {
		t.Errorf("our key under another alg: %q, want header", why)
	}
	crowd := strings.Replace(good, `"recipients":[`, `"recipients":[`+strings.Repeat(`{"header":{"alg":"A256KW","kid":"z"}},`, 15), 1)
	if why := whyShut(crowd, a); why != jwt.Malformed {
		t.Errorf("17 recipients: %q, want malformed", why)
	}
}

// withoutStrayKey drops what go-jose writes beside recipients (RFC 7516 §7.2.2).
func withoutStrayKey(full string) string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(full), &members); err != nil {
		panic(err)
	}
	delete(members, "encrypted_key")
	return string(must(json.Marshal(members)))
}

// A015, A011: shapes that are refused before anything is looked into.
func TestSealsOfOtherShapes(t *testing.T) {
	key := newOpenKey(t, "dir")
	good := mustSeal(t, "x", sealFor(key))
	parts := strings.Split(good, ".")
	for name, sealed := range map[string]string{
		"empty": "", "dots": "....", "a million dots": strings.Repeat(".", 1_000_000), "six parts": good + ".AAAA", "four parts": strings.Join(parts[:4], "."),
		"a space": " " + good, "a newline": good[:40] + "\n" + good[40:], "padding": good + "=", "plus": strings.Replace(good, parts[4], "+"+parts[4][1:], 1),
		"above 8 KiB": strings.Replace(good, parts[3], strings.Repeat("A", 8192), 1), "no content": strings.Replace(good, "."+parts[3]+".", "..", 1),
		"stray bits": good[:len(good)-1] + string("BCDEFGHIJKLMNOP"[strings.IndexByte("AQgw", good[len(good)-1])]), "deep JSON": strings.Repeat(`{"header":`, 800), "16 MB": strings.Repeat("A", 16<<20),
	} {
		if why := whyShut(sealed, key); why != jwt.Malformed {
			t.Errorf("%s: %q, want malformed", name, why)
		}
	}
}
