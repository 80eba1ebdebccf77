package keyring_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/secret"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

func TestWrongMasterKeyIsNamedWithItsRemedy(t *testing.T) {
	s := &shelf{}
	open(t, noon, config(s))
	cfg := config(s)
	cfg.Master = secret.NewRing(secret.Generate())
	_, err := keyring.Open(t.Context(), noon, cfg)
	if !errors.Is(err, keyring.ErrMasterKey) || !strings.Contains(err.Error(), "start with the master key that this data was made with") {
		t.Errorf("got %v, want ErrMasterKey with a remedy", err)
	}
	if len(s.records) != 2 || s.records[0].Revision != 1 {
		t.Error("the start with a wrong master key changed the store")
	}
}

func TestKeysAreSealedAgainUnderANewMasterKey(t *testing.T) {
	s := &shelf{}
	older, newer := secret.Generate(), secret.Generate()
	cfg := config(s)
	cfg.Master = secret.NewRing(older)
	kids := published(open(t, noon, cfg))
	cfg.Master = secret.NewRing(newer, older)
	r := open(t, noon, cfg)
	if got := s.counted(func() { tick(t, r, noon) }); got != "keys" {
		t.Errorf("once sealed again, a tick did: %s", got)
	}
	cfg.Master = secret.NewRing(newer) // the older one is thrown away
	if got := published(open(t, noon, cfg)); !slices.Equal(got, kids) {
		t.Errorf("keys %v, they were %v", got, kids)
	}
}

// A node that cannot open what another one made goes on with what it knows, for
// as long as that is safe.
func TestNodeWithAnOlderListOfMasterKeys(t *testing.T) {
	s := &shelf{}
	older, newer := secret.Generate(), secret.Generate()
	cfg := config(s)
	cfg.Master = secret.NewRing(older)
	behind := open(t, noon, cfg)
	cfg.Master = secret.NewRing(newer, older)
	ahead := open(t, noon.Add(time.Minute), cfg)
	if err := ahead.Rotate(t.Context(), noon.Add(time.Minute), jwt.EdDSA); err != nil {
		t.Fatal(err)
	}
	now := noon.Add(2 * time.Minute)
	if err := behind.Tick(t.Context(), now); !errors.Is(err, keyring.ErrMasterKey) {
		t.Errorf("Tick says %v", err)
	}
	sign(t, behind, now)
	if _, err := trySign(behind, noon.Add(11*time.Minute)); jwt.ReasonOf(err) != jwt.Unavailable {
		t.Errorf("after twice max-age: %v", err)
	}
}

// Whoever can write to the database, but lacks the master key, can neither
// publish a key of his own nor have one used.
func TestPlantedKeyIsNotPublished(t *testing.T) {
	thief, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := thief.MarshalPKCS8()
	public, _ := thief.Public().MarshalJSON()
	for name, plant := range map[string]func(s *shelf){
		"a row of his own": func(s *shelf) {
			s.records = append(s.records, keyring.Record{ID: thief.ID(), Algorithm: jwt.ES256, State: keyring.Retired, Public: public,
				Sealed: append(slices.Clone(s.records[0].Sealed[:16]), der...), SignsTo: noon, GoneAt: noon.Add(day), Period: 7, Revision: 1})
		},
		"the public half exchanged": func(s *shelf) { s.records[1].Public = public },
		"another row's secret":      func(s *shelf) { s.records[1].Sealed = s.records[0].Sealed },
		"a bit of the secret":       func(s *shelf) { s.records[1].Sealed[40] ^= 1 },
		"no secret":                 func(s *shelf) { s.records[1].Sealed = nil },
	} {
		s := &shelf{}
		first := signs(t, open(t, noon, config(s)), noon)
		plant(s)
		r := open(t, noon, config(s))
		raw := sign(t, r, noon)
		if _, err := verifier(t, r).Verify(t.Context(), noon, raw); err != nil || signs(t, r, noon) != first {
			t.Errorf("%s: our own token: %v", name, err)
		}
		if slices.Contains(published(r), thief.ID()) {
			t.Errorf("%s: the thief's key is published", name)
		}
		if s.records[1].ID != thief.ID() && name != "the public half exchanged" && slices.Contains(published(r), s.records[1].ID) && len(s.records) == 3 && s.records[2].ID != thief.ID() {
			t.Errorf("%s: the damaged key is published", name)
		}
		problems := 0
		for _, i := range list(t, r, noon) {
			if i.Problem != "" {
				problems++
			}
		}
		if want := map[bool]int{true: 0, false: 1}[name == "the public half exchanged"]; problems != want {
			t.Errorf("%s: %d keys with a problem, want %d", name, problems, want)
		}
		if got := strings.Count(states(t, r, noon), "next"); got < 1 {
			t.Errorf("%s: no next key", name)
		}
	}
}

// The key that signs may be the damaged one: the next takes over.
func TestDamagedSignerIsReplaced(t *testing.T) {
	s := &shelf{}
	r := open(t, noon, config(s))
	next := list(t, r, noon)[1].ID
	s.records[0].Sealed[50] ^= 1
	again := open(t, noon.Add(time.Hour), config(s))
	if got := signs(t, again, noon.Add(time.Hour)); got != next {
		t.Errorf("%s signs, want the next key", got)
	}
}

func TestNoPrivateKeyIsEverShown(t *testing.T) {
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.EdDSA, jwt.RS256, jwt.PS256, jwt.ES384} {
		s := &shelf{}
		cfg := config(s)
		cfg.Algorithm = alg
		r := open(t, noon, cfg)
		if _, err := verifier(t, r).Verify(t.Context(), noon, sign(t, r, noon)); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		for _, rec := range s.records {
			der, err := master.Open(rec.Sealed, "signing key", rec.ID)
			if err != nil {
				t.Fatal(err)
			}
			secretPart := der[len(der)-20:]
			if alg == jwt.ES256 || alg == jwt.ES384 { // there the public key comes last
				secretPart = der[36:56]
			}
			asJSON, err := json.Marshal(map[string]any{"set": r.Set(), "list": list(t, r, noon), "stats": r.Stats()})
			if err != nil {
				t.Fatal(err)
			}
			shown := [][]byte{asJSON, rec.Public, rec.Sealed, fmt.Appendf(nil, "%+v %#v", r.Stats(), list(t, r, noon))}
			for _, text := range shown {
				if bytes.Contains(text, secretPart) || bytes.Contains(text, []byte(`"d":`)) {
					t.Errorf("%s: the private key shows in %q", alg, text)
				}
			}
		}
	}
}
