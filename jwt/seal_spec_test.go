package jwt_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// RFC 7520 §5, all thirteen examples: those of the algorithms that we take open,
// the others are refused, by the key or by the header, and the file says for
// what (the keys of §5.3 and §5.13 got the alg that their example uses, since a
// key must say one). From §5.13, which is refused for the company it keeps, the recipient
// that we could be is tried alone as well.
func TestRFC7520(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc7520.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples []struct {
		Section, Refused, Plaintext string
		Key, Sealed                 json.RawMessage
	}
	if err := json.Unmarshal(data, &examples); err != nil {
		t.Fatal(err)
	}
	if len(examples) != 15 {
		t.Fatalf("%d examples, want 15", len(examples))
	}
	for _, e := range examples {
		key, err := jwt.ParseOpenKey(e.Key, "")
		if e.Plaintext != "" {
			if err != nil {
				t.Fatalf("§%s: %v", e.Section, err)
			}
			opens(t, token(e.Sealed), e.Plaintext, key)
			continue
		}
		if e.Refused == "" || err == nil && key == nil {
			t.Fatalf("§%s: the file says neither what it holds nor why it is refused", e.Section)
		}
		if why := whyShut(token(e.Sealed), key, newOpenKey(t, "A256KW")); why != jwt.Header && why != jwt.Malformed {
			t.Errorf("§%s: %q, want header: %s", e.Section, why, e.Refused)
		}
	}
}

// The vectors of the specification are for programs in other languages. They
// must hold for ours.
func TestSealVectorsOfTheSpecification(t *testing.T) {
	data, err := os.ReadFile("../docs/spec/vectors/sealed.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Keys  []json.RawMessage
		Seals []struct{ Name, Key, Plaintext, Beside, Reason, Sealed string }
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	keys := map[string]*jwt.OpenKey{}
	for _, jwk := range spec.Keys {
		key, err := jwt.ParseOpenKey(jwk, "")
		if err != nil {
			t.Fatal(err)
		}
		keys[key.ID()] = key
	}
	if len(spec.Seals) < 29 {
		t.Fatalf("%d seals: the file lost some", len(spec.Seals))
	}
	for _, c := range spec.Seals {
		if c.Reason != "" {
			if why := whyShut(c.Sealed, keys[c.Key]); string(why) != c.Reason {
				t.Errorf("%s: reason %q, want %q", c.Name, why, c.Reason)
			}
			continue
		}
		if got := opens(t, c.Sealed, c.Plaintext, keys[c.Key]); string(got.Beside) != c.Beside {
			t.Errorf("%s: beside it stood %q, want %q", c.Name, got.Beside, c.Beside)
		}
	}
}
