package jwt_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// An attack is a good token with one change.
type attack struct {
	name   string
	change func(*forge)        // of what is signed, or how
	text   func(string) string // of the finished token
	want   jwt.Reason
}

// unsigned are the reasons that may be told before the signature holds.
var unsigned = []jwt.Reason{jwt.Malformed, jwt.Header, jwt.BadKey, jwt.Signature}

// refuseAll demands that the unchanged token is accepted, and each changed one
// refused for its reason: by the verifier that looks headers up and by the one
// that parses them; with no claim decoded before the signature held, and
// exactly one decoding after.
func refuseAll(t *testing.T, key *jwt.PrivateKey, attacks []attack) {
	t.Helper()
	control := newForge(t, key).text()
	for _, foreign := range []bool{false, true} {
		for _, a := range attacks {
			name := a.name
			if foreign {
				name += "/foreign"
			}
			t.Run(name, func(t *testing.T) { refuseOne(t, key, a, foreign, control) })
		}
	}
}

func refuseOne(t *testing.T, key *jwt.PrivateKey, a attack, foreign bool, control string) {
	t.Helper()
	cfg := config(key.Public())
	cfg.ForeignHeaders = foreign
	v, err := jwt.NewVerifier[counted](cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := newForge(t, key)
	if a.change != nil {
		a.change(f)
	}
	raw := f.text()
	if a.text != nil {
		raw = a.text(raw)
	}
	if f.header == newForge(t, key).header && raw == control {
		t.Fatal("the attack changes nothing")
	}
	if _, why := verifyAt(v, noon, control); why != "" {
		t.Fatalf("the unchanged token is refused (%s): the attack would prove nothing", why)
	}
	for range 2 { // a refusal is not remembered as anything else
		before := decodings.Load()
		claims, why := verifyAt(v, noon, raw)
		if claims != nil || why != a.want {
			t.Errorf("reason %q, want %q", why, a.want)
		}
		decoded := decodings.Load() - before
		if early := slices.Contains(unsigned, why); early && decoded != 0 || !early && decoded > 1 {
			t.Errorf("refused for %s after %d decodings of its claims", why, decoded)
		}
	}
	if _, why := verifyAt(v, noon, control); why != "" {
		t.Errorf("after the attack the good token is refused (%s)", why)
	}
}

// swap changes one text for another, once, in the header.
func swapHeader(from, to string) func(*forge) {
	return func(f *forge) { f.header = mustReplace(f.header, from, to) }
}

// swapClaims does the same in the claims.
func swapClaims(from, to string) func(*forge) {
	return func(f *forge) { f.claims = mustReplace(f.claims, from, to) }
}

func mustReplace(s, from, to string) string {
	if strings.Count(s, from) != 1 {
		panic("fixture: " + from + " does not stand once in " + s)
	}
	return strings.Replace(s, from, to, 1)
}

// part changes one of the three segments of a finished token.
func part(i int, change func(string) string) func(string) string {
	return func(raw string) string {
		parts := strings.Split(raw, ".")
		parts[i] = change(parts[i])
		return strings.Join(parts, ".")
	}
}

func constant(s string) func(string) string { return func(string) string { return s } }
