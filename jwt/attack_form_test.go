package jwt_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestA003NoSignature(t *testing.T) {
	refuseAll(t, newKey(t, jwt.ES256), []attack{
		{"empty", nil, part(2, constant("")), jwt.Malformed},
		{"absent with its dot", nil, func(raw string) string { return raw[:strings.LastIndex(raw, ".")] }, jwt.Malformed},
		{"all zero", nil, part(2, constant(b64(strings.Repeat("\x00", 64)))), jwt.Signature},
		{"of another token", nil, part(2, constant(b64(strings.Repeat("\x01", 64)))), jwt.Signature},
		{"payload empty", nil, part(1, constant("")), jwt.Malformed},
		{"header empty", nil, part(0, constant("")), jwt.Malformed},
	})
}

// Every flip of every bit of the text is refused before a claim is read.
func TestA004BitFlip(t *testing.T) {
	key := newKey(t, jwt.EdDSA)
	v, err := jwt.NewVerifier[counted](config(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	raw := newForge(t, key).text()
	if _, why := verifyAt(v, noon, raw); why != "" {
		t.Fatalf("the unchanged token is refused: %s", why)
	}
	before := decodings.Load()
	for i := range raw {
		for bit := range 8 {
			flipped := []byte(raw)
			flipped[i] ^= 1 << bit
			claims, why := verifyAt(v, noon, string(flipped))
			if claims != nil || why != jwt.Malformed && why != jwt.Header && why != jwt.BadKey && why != jwt.Signature {
				t.Fatalf("byte %d bit %d: reason %q", i, bit, why)
			}
		}
	}
	if n := decodings.Load() - before; n != 0 {
		t.Errorf("%d decodings of claims that were not signed", n)
	}
}

func TestA011Base64(t *testing.T) {
	insert := func(s string) func(string) string { return func(p string) string { return p[:8] + s + p[8:] } }
	suffix := func(s string) func(string) string { return func(p string) string { return p + s } }
	var attacks []attack
	for i, name := range []string{"header", "payload", "signature"} {
		for _, stray := range []string{"=", "+", "/", " ", "\n", "\r", "\r\n", "\t", "\x00", "é", "."} {
			attacks = append(attacks, attack{name + " with " + strings.Trim(b64(stray), "="), nil, part(i, insert(stray)), jwt.Malformed})
		}
		attacks = append(attacks,
			attack{name + " padded", nil, part(i, suffix("==")), jwt.Malformed},
			attack{name + " then newline", nil, part(i, suffix("\n")), jwt.Malformed},
			attack{name + " with a lone character", nil, part(i, loneCharacter), jwt.Malformed},
			attack{name + " percent-encoded", nil, part(i, func(p string) string { return "%65" + p[1:] }), jwt.Malformed})
	}
	attacks = append(attacks,
		attack{"stray bits in the signature", nil, part(2, strayBit), jwt.Malformed},
		attack{"stray bits in the payload", swapClaims(`"ada"`, `"adam"`), part(1, strayBit), jwt.Malformed},
		attack{"a space before", nil, func(raw string) string { return " " + raw }, jwt.Malformed},
		attack{"a newline after", nil, func(raw string) string { return raw + "\n" }, jwt.Malformed})
	refuseAll(t, newKey(t, jwt.ES256), attacks)
}

// strayBit sets a bit in the last character that no byte has room for. Decoders
// that are not strict take the result for the same bytes.
func strayBit(p string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(p)%4 == 0 {
		panic("fixture: this segment has no bits to spare")
	}
	last := strings.IndexByte(alphabet, p[len(p)-1])
	other := p[:len(p)-1] + alphabet[last+1:last+2]
	same, _ := base64.RawURLEncoding.DecodeString(p)
	if again, err := base64.RawURLEncoding.DecodeString(other); err != nil || string(again) != string(same) {
		panic("fixture: the bit is not stray")
	}
	return other
}

// loneCharacter makes the length 1 modulo 4, which no bytes have.
func loneCharacter(p string) string {
	for len(p)%4 != 1 {
		p += "A"
	}
	return p
}

// What costs a stranger nothing to send costs nothing to refuse: counted, not
// timed. The bound of the row, 1 MB, is undercut by 1 MB.
func TestA015LargeAndDeep(t *testing.T) {
	key := newKey(t, jwt.ES256)
	v := newVerifier(t, config(key.Public()))
	good := newForge(t, key).text()
	deep := newForge(t, key)
	deep.header = mustReplace(deep.header, `{"alg"`, `{"x":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)+`,"alg"`)
	for name, c := range map[string]struct {
		raw  string
		want jwt.Reason
	}{
		"a million dots":         {strings.Repeat(".", 1<<20), jwt.Malformed},
		"8 KiB of dots":          {strings.Repeat(".", 8<<10), jwt.Malformed},
		"16 MB":                  {good + strings.Repeat("A", 16<<20), jwt.Malformed},
		"one byte above":         {good + strings.Repeat("A", 8<<10+1-len(good)), jwt.Malformed},
		"100,000 deep":           {b64(strings.Repeat("[", 100_000)) + ".AAAA.AAAA", jwt.Malformed},
		"8 KiB header":           {strings.Repeat("A", 8<<10-10) + ".AAAA.AAAA", jwt.Header},
		"deep header":            {deep.text(), jwt.Header},
		"a million claims":       {part(1, constant(b64(strings.Repeat(`"a":1,`, 1_000_000))))(good), jwt.Malformed},
		"unknown header, short":  {b64(`{"alg":"ES256"}`) + ".AAAA.AAAA", jwt.Header},
		"empty":                  {"", jwt.Malformed},
		"no dot":                 {"AAAA", jwt.Malformed},
		"nothing but three dots": {"...", jwt.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, why := verifyAt(v, noon, c.raw); why != c.want {
				t.Fatalf("reason %q, want %q", why, c.want)
			}
			most := 0.0
			if c.want == jwt.Header {
				most = 2 // the header as bytes, as text, to learn which kid it asks for
			}
			if n := testing.AllocsPerRun(20, func() { verifyAt(v, noon, c.raw) }); n > most {
				t.Errorf("refused with %v allocations, want at most %v", n, most)
			}
		})
	}

	t.Run("signed 1e400", func(t *testing.T) {
		refuseAll(t, key, []attack{
			{"exp", swapClaims(`"exp":`, `"exp":1e400,"x":`), nil, jwt.BadClaim},
			{"nested", swapClaims(`"scope":`, `"cnf":`+strings.Repeat("[", 7000)+`,"scope":`), nil, jwt.Malformed},
			{"deep", swapClaims(`"scope":`, `"x":`+strings.Repeat("[", 2000)+`,"scope":`), nil, jwt.BadClaim},
		})
	})
}

// The HTTP half of this row belongs to the room that reads requests. Here: only
// the token itself is a token.
func TestA025OnlyTheToken(t *testing.T) {
	refuseAll(t, newKey(t, jwt.ES256), []attack{
		{"with its scheme", nil, func(raw string) string { return "Bearer " + raw }, jwt.Malformed},
		{"twice, by comma", nil, func(raw string) string { return raw + "," + raw }, jwt.Malformed},
		{"twice, by space", nil, func(raw string) string { return raw + " " + raw }, jwt.Malformed},
		{"twice, by dot", nil, func(raw string) string { return raw + "." + raw }, jwt.Malformed},
		{"after a tab", nil, func(raw string) string { return "\t" + raw }, jwt.Malformed},
		{"in quotes", nil, func(raw string) string { return `"` + raw + `"` }, jwt.Malformed},
	})
}
