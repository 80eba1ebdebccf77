package jwks_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestSetIsWhatItPublishes(t *testing.T) {
	es, rs := newKey(t, jwt.ES256), newKey(t, jwt.RS256)
	hmac, err := jwt.NewHMACKey(jwt.HS256, bytes.Repeat([]byte("s"), 32))
	if err != nil {
		t.Fatal(err)
	}
	set := jwks.NewSet(es.Public(), hmac.Public(), rs.Public())
	if len(set.Keys()) != 2 {
		t.Errorf("%d keys: a key without a public half is in the set", len(set.Keys()))
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	again, skipped, err := jwks.Parse(data)
	if err != nil || len(skipped) > 0 || len(again.Keys()) != 2 {
		t.Fatalf("read back: %d keys, skipped %v, %v", len(again.Keys()), skipped, err)
	}
	if again.ETag() != set.ETag() || set.ETag() == jwks.NewSet(es.Public()).ETag() {
		t.Error("the entity tag does not tell documents apart by their content")
	}
	now := time.Now()
	for _, k := range []*jwt.PrivateKey{es, rs} {
		if _, err := verifier(t, again).Verify(t.Context(), now, sign(t, k, now)); err != nil {
			t.Errorf("%v: %v", k, err)
		}
	}
	if _, err := verifier(t, again).Verify(t.Context(), now, sign(t, newKey(t, jwt.ES256), now)); jwt.ReasonOf(err) != jwt.BadKey {
		t.Errorf("a key of somebody else: %v", err)
	}
}

// Published clients of Keratin AuthN look for these members by name.
func TestDocumentHasTheMembersOfOldClients(t *testing.T) {
	for alg, members := range map[jwt.Algorithm]string{
		jwt.ES256: "use kty kid alg crv x y", jwt.EdDSA: "use kty kid alg crv x", jwt.RS256: "use kty kid alg n e",
	} {
		data, err := json.Marshal(jwks.NewSet(newKey(t, alg).Public()))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct{ Keys []map[string]string }
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(members)
		for _, name := range want {
			if doc.Keys[0][name] == "" {
				t.Errorf("%s: no %q", alg, name)
			}
		}
		if len(doc.Keys[0]) != len(want) || doc.Keys[0]["use"] != "sig" || doc.Keys[0]["alg"] != string(alg) {
			t.Errorf("%s: got %v", alg, doc.Keys[0])
		}
	}
	if data, _ := json.Marshal(jwks.NewSet()); string(data) != `{"keys":[]}` {
		t.Errorf("no keys: %s", data)
	}
}

func TestA045BadKeysAreSkippedAndGoodOnesWork(t *testing.T) {
	good, other := newKey(t, jwt.ES256), newKey(t, jwt.ES256)
	ec, ed, rsa := jwk(t, other), jwk(t, newKey(t, jwt.EdDSA)), jwk(t, newKey(t, jwt.RS256))
	short := func(n int) string { return base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{1}, n)) }
	weak := new(big.Int).Lsh(big.NewInt(3), 1022)
	for name, bad := range map[string]any{
		"symmetric":           map[string]any{"kty": "oct", "kid": "x", "alg": "HS256", "k": short(32)},
		"symmetric, no alg":   map[string]any{"kty": "oct", "k": short(1)},
		"private EC":          with(ec, "d", short(32)),
		"private Ed25519":     with(ed, "d", short(32)),
		"private RSA":         with(rsa, "d", short(256)),
		"RSA with a prime":    with(rsa, "p", short(128)),
		"unknown kty":         map[string]any{"kty": "AKP", "alg": "ML-DSA-44", "pub": short(1312)},
		"kty in capitals":     map[string]any{"KTY": "EC", "alg": "ES256"},
		"unknown curve":       with(ec, "crv", "P-999"),
		"short x":             with(ec, "x", short(31)),
		"off the curve":       with(ec, "x", short(32)),
		"31-byte Ed25519":     with(ed, "x", short(31)),
		"RSA without n":       with(rsa, "n", nil),
		"RSA of 1024 bits":    with(rsa, "n", base64.RawURLEncoding.EncodeToString(weak.Bytes())),
		"RSA exponent 1":      with(rsa, "e", "AQ"),
		"for encryption":      with(ec, "use", "enc"),
		"no alg":              with(ec, "alg", nil),
		"alg of another type": with(ec, "alg", "RS256"),
		"alg none":            with(ec, "alg", "none"),
		"kid is a number":     with(ec, "kid", 7),
		"a string":            "key",
		"a list":              []any{ec},
		"null":                nil,
		"an empty object":     map[string]any{},
	} {
		set, skipped, err := jwks.Parse(document(t, bad, jwk(t, good)))
		if err != nil {
			t.Errorf("%s: the whole set is refused: %v", name, err)
			continue
		}
		if len(set.Keys()) != 1 || set.Keys()[0].ID() != good.ID() {
			t.Errorf("%s: %d keys are used", name, len(set.Keys()))
		}
		if len(skipped) != 1 || !strings.HasPrefix(skipped[0].Error(), "key 1: ") || !errors.Is(skipped[0], jwt.ErrKey) {
			t.Errorf("%s: skipped %v", name, skipped)
		}
	}
}

func TestA045SharedKeyIDIsNobodys(t *testing.T) {
	good, one, two := newKey(t, jwt.ES256), newKey(t, jwt.ES256), newKey(t, jwt.RS256)
	for name, pair := range map[string][2]any{
		"two keys":        {with(jwk(t, one), "kid", "k"), with(jwk(t, two), "kid", "k")},
		"the same twice":  {with(jwk(t, one), "kid", "k"), with(jwk(t, one), "kid", "k")},
		"good then bad":   {with(jwk(t, one), "kid", "k"), with(with(jwk(t, two), "kid", "k"), "use", "enc")},
		"bad then good":   {map[string]any{"kty": "oct", "kid": "k"}, with(jwk(t, one), "kid", "k")},
		"three of a kind": {with(jwk(t, one), "kid", "k"), with(jwk(t, two), "kid", "k")},
	} {
		set, skipped, err := jwks.Parse(document(t, pair[0], jwk(t, good), pair[1]))
		if err != nil || len(set.Keys()) != 1 || set.Keys()[0].ID() != good.ID() || len(skipped) != 2 {
			t.Errorf("%s: %d keys, skipped %v, %v", name, len(set.Keys()), skipped, err)
		}
	}
}

// A key with a member named twice is that key's fault, not the set's.
func TestA045DuplicateMembersStayWithinTheirKey(t *testing.T) {
	good := newKey(t, jwt.ES256)
	data, _ := good.Public().MarshalJSON()
	set, skipped, err := jwks.Parse(fmt.Appendf(nil, `{"x":1,"keys":[{"kty":"EC","kty":"oct","kid":"a"},%s],"y":{"z":1,"z":2}}`, data))
	if err != nil || len(set.Keys()) != 1 || len(skipped) != 1 {
		t.Errorf("%v, skipped %v, %v", set, skipped, err)
	}
}

func TestDocumentsThatAreNoKeySet(t *testing.T) {
	keys := make([]any, 65)
	for i := range keys {
		keys[i] = map[string]any{"kty": "AKP"}
	}
	for name, data := range map[string]string{
		"nothing":           "",
		"HTML":              "<!DOCTYPE html><title>502</title>",
		"a list":            "[]",
		"no keys":           `{"issuer":"x"}`,
		"keys is an object": `{"keys":{}}`,
		"keys twice":        `{"keys":[],"keys":[]}`,
		"cut off":           `{"keys":[{"kty":"EC"`,
		"more after it":     `{"keys":[]} {}`,
		"65 keys":           string(document(t, keys...)),
		"257 KiB":           `{"keys":[],"pad":"` + strings.Repeat("x", 257<<10) + `"}`,
	} {
		if set, _, err := jwks.Parse([]byte(data)); !errors.Is(err, jwks.ErrSet) || set != nil {
			t.Errorf("%s: got %v, %v; want ErrSet", name, set, err)
		}
	}
	if set, _, err := jwks.Parse(document(t, keys[:64]...)); err != nil || len(set.Keys()) != 0 {
		t.Errorf("64 keys nobody knows: %v, %v", set, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"a","x":"AQ","y":"AQ"}]}`))
	f.Add(document(f, jwk(f, newKey(f, jwt.ES256)), jwk(f, newKey(f, jwt.EdDSA))))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AA"},null,1,[],{"kty":"RSA","d":"AQ"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, _, err := jwks.Parse(data)
		if err != nil {
			return
		}
		again, skipped, err := jwks.Parse(mustMarshal(t, set))
		if err != nil || len(skipped) > 0 || again.ETag() != set.ETag() {
			t.Errorf("what was read does not read back: skipped %v, %v", skipped, err)
		}
	})
}

func length(body io.Reader) int64 {
	n, _ := io.Copy(io.Discard, body)
	return n
}

func mustMarshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestA054Response(t *testing.T) {
	set := jwks.NewSet(newKey(t, jwt.ES256).Public(), newKey(t, jwt.RS256).Public(), newKey(t, jwt.EdDSA).Public())
	maxAge := 300 * time.Second
	h := jwks.Handler(func(time.Time) (*jwks.Set, time.Duration) { return set, maxAge })
	ask := func(method, etag string) *http.Response {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, "/.well-known/jwks.json", nil)
		if etag != "" {
			r.Header.Set("If-None-Match", etag)
		}
		h.ServeHTTP(w, r)
		return w.Result()
	}
	get := ask("GET", "")
	var body bytes.Buffer
	body.ReadFrom(get.Body)
	for name, want := range map[string]string{
		"Content-Type": "application/jwk-set+json", "Cache-Control": "public, max-age=300", "Etag": set.ETag(),
		"Access-Control-Allow-Origin": "*",
	} {
		if got := get.Header.Get(name); get.StatusCode != 200 || got != want {
			t.Errorf("GET: %d, %s: %q, want %q", get.StatusCode, name, got, want)
		}
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if strings.Contains(body.String(), fmt.Sprintf("%q:", private)) {
			t.Errorf("the document has a private member %q", private)
		}
	}
	head := ask("HEAD", "")
	if head.StatusCode != 200 || head.Header.Get("Etag") != set.ETag() || head.Header.Get("Content-Length") != fmt.Sprint(body.Len()) || length(head.Body) != 0 {
		t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
	}
	for etag, want := range map[string]int{set.ETag(): 304, "W/" + set.ETag(): 304, `"old", ` + set.ETag(): 304, "*": 304, `"old"`: 200} {
		if got := ask("GET", etag); got.StatusCode != want || got.Header.Get("Etag") != set.ETag() {
			t.Errorf("If-None-Match %s: %d, want %d", etag, got.StatusCode, want)
		}
	}
	if got := ask("POST", ""); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", got.StatusCode, got.Header.Get("Allow"))
	}
	maxAge = 999 * time.Millisecond
	if got := ask("GET", "").Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("a set nobody may rely on says %q", got)
	}
}
