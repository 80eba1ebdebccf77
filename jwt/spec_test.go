package jwt_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// The vectors of the specification are for programs in other languages. They
// must hold for ours.
func TestVectorsOfTheSpecification(t *testing.T) {
	var spec struct {
		Issuer, Audience string
		Now              int64
		JWK, Claims      json.RawMessage
		Tokens           []struct{ Name, Reason, Token string }
	}
	data, err := os.ReadFile("../docs/spec/vectors/access-token.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	key, err := jwt.ParseJWK(spec.JWK)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, jwt.VerifierConfig{Issuer: spec.Issuer, Audience: []string{spec.Audience}, Keys: jwt.NewSnapshot(key)})
	if len(spec.Tokens) < 20 {
		t.Fatalf("%d tokens: the file lost some", len(spec.Tokens))
	}
	for _, c := range spec.Tokens {
		if _, why := verifyAt(v, time.Unix(spec.Now, 0), c.Token); string(why) != c.Reason {
			t.Errorf("%s: reason %q, want %q", c.Name, why, c.Reason)
		}
	}
	if again := mustSign(t, fuzzKey(t), full()[0]); again != spec.Tokens[0].Token {
		t.Errorf("signing the claims again gives another token:\n%s", again)
	}
}

// The page lists every reason, and none that does not exist.
func TestReasonsPageIsComplete(t *testing.T) {
	read := func(file, pattern string) (found []string) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(data, -1) {
			found = append(found, string(m[1]))
		}
		slices.Sort(found)
		return found
	}
	code := read("reason.go", `Reason = "(\w+)"`)
	page := read("../docs/spec/reasons.md", "(?m)^\\| `(\\w+)` \\|")
	if len(code) == 0 || !slices.Equal(code, page) {
		t.Errorf("reason.go has  %q\nreasons.md has %q", code, page)
	}
}
