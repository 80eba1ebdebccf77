package jwt_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A vectorFile is one of Project Wycheproof's; testdata/wycheproof/README.md
// says which commit.
type vectorFile struct {
	NumberOfTests int
	TestGroups    []struct {
		Private, Public json.RawMessage
		Tests           []struct {
			ID        int `json:"tcId"`
			Comment   string
			Result    string
			JWS, JWE  json.RawMessage // a string, or the JSON serialization
			Plaintext string          `json:"pt"`
		}
	}
}

// TestA024Wycheproof runs every vector: signatures at the layer of the
// signature, because their payloads are no claims and their headers name no typ
// (a token whose signature held is one that is refused for its claims alone),
// seals by opening them.
func TestA024Wycheproof(t *testing.T) {
	deviations := readDeviations(t)
	for file, want := range map[string]int{
		"json_web_signature_test.json": 401, "json_web_key_test.json": 26, "json_web_crypto_test.json": 83, "json_web_encryption_test.json": 139,
	} {
		ran := 0
		for _, group := range readVectors(t, file).TestGroups {
			holds := signatureHolds(vectorKeys(t, group.Private, group.Public))
			if file == "json_web_encryption_test.json" {
				holds = sealOpens(t, group.Private)
			}
			for _, c := range group.Tests {
				ran++
				name := fmt.Sprintf("%s %d", file, c.ID)
				held, detail := holds(token(append(c.JWS, c.JWE...)), c.Plaintext)
				agrees := held == (c.Result == "valid")
				switch reason, listed := deviations[name]; {
				case agrees && listed:
					t.Errorf("%s agrees; strike it from deviations.txt (%s)", name, reason)
				case !agrees && !listed:
					t.Errorf("%s %s: result %q, it held: %v (%s)", name, c.Comment, c.Result, held, detail)
				}
				delete(deviations, name)
			}
		}
		if ran != want {
			t.Errorf("%s: ran %d vectors, want %d", file, ran, want)
		}
	}
	for name := range deviations {
		t.Errorf("deviations.txt lists %s, which does not exist", name)
	}
}

// sealOpens opens with a group's key, if it is one that is taken.
func sealOpens(t *testing.T, private json.RawMessage) func(raw, plaintext string) (bool, error) {
	key, err := jwt.ParseOpenKey(private, "")
	if err != nil {
		return func(string, string) (bool, error) { return false, err }
	}
	return func(raw, plaintext string) (bool, error) {
		opened, err := jwt.Open(raw, key)
		if err == nil && hex.EncodeToString(opened.Plaintext) != plaintext {
			t.Errorf("opened as %x, want %s", opened.Plaintext, plaintext)
		}
		return err == nil, err
	}
}

func signatureHolds(keys []*jwt.PublicKey) func(raw, plaintext string) (bool, error) {
	v := jwt.NewWithoutTyp(keys...)
	return func(raw, _ string) (bool, error) {
		_, err := v.Verify(context.Background(), noon, raw)
		return jwt.ReasonOf(err) == jwt.BadClaim, err
	}
}

// token returns the text of a vector's token.
func token(data json.RawMessage) (text string) {
	if json.Unmarshal(data, &text) != nil {
		return string(data)
	}
	return text
}

func readVectors(t *testing.T, file string) (v vectorFile) {
	t.Helper()
	data, err := os.ReadFile("testdata/wycheproof/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// readDeviations reads lines of "file tcId reason".
func readDeviations(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/wycheproof/deviations.txt")
	if err != nil {
		t.Fatal(err)
	}
	deviations := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		file, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		id, reason, _ := strings.Cut(rest, " ")
		if reason == "" || deviations[file+" "+id] != "" {
			t.Fatalf("deviations.txt: %q: want a file, a tcId and a reason, each once", line)
		}
		deviations[file+" "+id] = reason
	}
	return deviations
}

// vectorKeys loads a group's keys as a key set loads them: each by itself, and
// what is refused is not there. The group's private key is its public one where
// it is symmetric.
func vectorKeys(t *testing.T, private, public json.RawMessage) (keys []*jwt.PublicKey) {
	t.Helper()
	source := public
	if source == nil {
		source = private
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(source, &set); err != nil {
		t.Fatal(err)
	}
	if set.Keys == nil {
		set.Keys = []json.RawMessage{source}
	}
	for _, data := range set.Keys {
		if key := vectorKey(t, data); key != nil {
			keys = append(keys, key)
		}
	}
	return keys
}

func vectorKey(t *testing.T, data json.RawMessage) *jwt.PublicKey {
	var oct struct {
		Kty, Alg, Use, Kid, K string
		KeyOps                []string `json:"key_ops"`
	}
	if err := json.Unmarshal(data, &oct); err != nil {
		t.Fatal(err)
	}
	if oct.Kty != "oct" {
		key, err := jwt.ParseJWK(data)
		if err != nil {
			t.Logf("key %s: %v", oct.Kid, err)
		}
		return key
	}
	if oct.Use != "sig" && oct.Use != "" || oct.KeyOps != nil && !slices.Contains(oct.KeyOps, "verify") {
		return nil
	}
	secret, err := base64.RawURLEncoding.DecodeString(oct.K)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwt.NewHMACKey(jwt.Algorithm(oct.Alg), secret)
	if err != nil {
		t.Logf("key %s: %v", oct.Kid, err)
		return nil
	}
	return jwt.Named(key.Public(), oct.Kid)
}
