package keeper_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// The vectors of the specification are for programs in other languages. They
// must hold for ours.
func TestVectorsOfTheSpecification(t *testing.T) {
	text, err := os.ReadFile("../docs/spec/vectors/session-token.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Issuer, Audience string
		Now              int64
		Keys             json.RawMessage
		Tokens           []struct {
			Name, Token string
			Reason      jwt.Reason
		}
	}
	if err := json.Unmarshal(text, &spec); err != nil || len(spec.Tokens) < 47 {
		t.Fatalf("%d tokens: the file lost some; %v", len(spec.Tokens), err)
	}
	keys, _, err := jwks.Parse(spec.Keys)
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, func(c *keeper.Config) {
		c.Issuer, c.Audience, c.Audiences, c.Keys = spec.Issuer, spec.Audience, nil, keys
		c.Now = func() time.Time { return time.Unix(spec.Now, 0) }
	})
	for _, v := range spec.Tokens {
		if _, err := h.Find(t.Context(), v.Token); jwt.ReasonOf(err) != v.Reason {
			t.Errorf("%s: %v, want %q", v.Name, err, v.Reason)
		}
	}
}
