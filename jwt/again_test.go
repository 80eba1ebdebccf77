package jwt_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// odd are claims that a careless encoder would write in two ways.
func odd(t *testing.T) *jwt.Session {
	t.Helper()
	c := &jwt.Session{Registered: registered(), Absolute: 99, Private: map[string]jsontext.Value{"raw": jsontext.Value(`{"b" : 1.50, "a":"\u00e9\/?~"}`)}}
	for name, value := range map[string]any{"z": 1 << 60, "a": "äöü \u2028 <&>", "m": map[string]any{"y": 1, "x": []string{"?"}}} {
		if err := c.SetPrivate(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// A lost answer is repeated byte for byte, by a key that has retired since,
// from claims that were written down and read.
func TestSignAgainGivesTheSameText(t *testing.T) {
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.ES384, jwt.EdDSA, jwt.RS256, jwt.HS256} {
		old := newHMACKey(t, jwt.HS256)
		if alg != jwt.HS256 {
			old = newKey(t, alg)
		}
		first, err := jwt.NewSigner(always(old), jwt.KindSession).Sign(noon, odd(t))
		if err != nil {
			t.Fatal(err)
		}
		written, err := jwt.EncodeClaims(odd(t))
		if err != nil {
			t.Fatal(err)
		}
		var read jwt.Session
		if err := jwt.DecodeClaims(written, &read); err != nil {
			t.Fatal(err)
		}
		later := jwt.NewSigner(always(newKey(t, jwt.EdDSA)), jwt.KindSession).Recalling(func(_ time.Time, kid string) (*jwt.PrivateKey, error) {
			if kid != old.ID() {
				return nil, errors.New("unknown")
			}
			return old, nil
		})
		again, err := later.SignAgain(noon.Add(time.Hour), old.ID(), &read)
		if err != nil || again != first {
			t.Errorf("%s: first\n\t%s\nthen\n\t%s\n%v", alg, first, again, err)
		}
	}
}

func TestSignAgainRefuses(t *testing.T) {
	key, salted, gone := newKey(t, jwt.ES256), newKey(t, jwt.PS256), newKey(t, jwt.ES256)
	gone.Public().Withdraw()
	unknown := errors.New("unknown")
	signer := jwt.NewSigner(always(key), jwt.KindSession).Recalling(func(_ time.Time, kid string) (*jwt.PrivateKey, error) {
		switch kid {
		case salted.ID():
			return salted, nil
		case gone.ID():
			return gone, nil
		}
		return nil, unknown
	})
	for name, kid := range map[string]string{"a random salt": salted.ID(), "a withdrawn key": gone.ID(), "an unknown key": "x"} {
		if raw, err := signer.SignAgain(noon, kid, odd(t)); !errors.Is(err, jwt.ErrKey) || raw != "" {
			t.Errorf("%s: %q, %v; want ErrKey", name, raw, err)
		}
	}
	if _, err := signer.SignAgain(noon, "x", odd(t)); !errors.Is(err, unknown) {
		t.Errorf("the cause is lost: %v", err)
	}
	if raw, err := signer.SignAgain(noon, key.ID(), access()); !errors.Is(err, jwt.ErrKind) || raw != "" {
		t.Errorf("another kind: %q, %v", raw, err)
	}
	if _, err := jwt.NewSigner(always(key), jwt.KindSession).SignAgain(noon, "x", odd(t)); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("without Recalling: %v", err)
	}
}

func TestSignerTellsItsKeyAndKinds(t *testing.T) {
	key := newKey(t, jwt.ES256)
	signer := jwt.NewSigner(always(key), jwt.KindSession)
	if got, err := signer.Key(noon); err != nil || got != key.Public() {
		t.Errorf("the key is %v, %v", got, err)
	}
	if !signer.Signs(jwt.KindSession) || signer.Signs(jwt.KindAccess) {
		t.Error("it signs other kinds than it was made for")
	}
	none := errors.New("none")
	if _, err := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return nil, none }).Key(noon); !errors.Is(err, none) {
		t.Errorf("without a key: %v", err)
	}
}

// What a store gives back is read as strictly as what a stranger sends.
func TestDecodeClaimsIsStrict(t *testing.T) {
	for _, bad := range []string{`{`, `[]`, `{"iss":"i","iss":"i"}`, `{"iss":"i"}`, `{"iss":"i","sub":"s","aud":"a","iat":1,"exp":2,"jti":"j"}x`} {
		if err := jwt.DecodeClaims([]byte(bad), new(jwt.Session)); !errors.Is(err, jwt.ErrClaims) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := jwt.EncodeClaims(&jwt.Session{}); !errors.Is(err, jwt.ErrClaims) {
		t.Errorf("claims of nobody: %v", err)
	}
}
