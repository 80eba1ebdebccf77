package keyring_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A lost answer is repeated after the keys have turned, for as long as a token
// of the retired key may be alive, and never under a stolen key.
func TestRetiredKeySignsAgain(t *testing.T) {
	r := open(t, noon, config(&shelf{}))
	claims := &jwt.Access{Registered: jwt.Registered{
		Issuer: issuer, Subject: "42", Audience: jwt.Audience{audience}, ID: "j-1", IssuedAt: jwt.TimeOf(noon), Expires: jwt.TimeOf(noon.Add(15 * time.Minute)),
	}}
	signer := r.Signer(jwt.KindAccess)
	key, err := signer.Key(noon)
	if err != nil {
		t.Fatal(err)
	}
	first, err := signer.Sign(noon, claims)
	if err != nil {
		t.Fatal(err)
	}
	turned := noon.Add(30 * day)
	tick(t, r, turned)
	if now, err := signer.Key(turned); err != nil || now.ID() == key.ID() {
		t.Fatalf("the keys did not turn: %v", err)
	}
	if again, err := signer.SignAgain(turned, key.ID(), claims); err != nil || again != first {
		t.Errorf("repeated as\n\t%s\nwant\n\t%s\n%v", again, first, err)
	}
	if err := r.Compromise(t.Context(), turned, key.ID()); err != nil {
		t.Fatal(err)
	}
	tick(t, r, turned)
	if raw, err := signer.SignAgain(turned, key.ID(), claims); !errors.Is(err, jwt.ErrKey) || raw != "" {
		t.Errorf("under a stolen key: %q, %v", raw, err)
	}
	if raw, err := signer.SignAgain(turned, "x", claims); !errors.Is(err, jwt.ErrKey) || raw != "" {
		t.Errorf("under an unknown key: %q, %v", raw, err)
	}
}
