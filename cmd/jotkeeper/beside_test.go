package main

import (
	"io"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A command may have other settings than the server, or none: it leaves the
// calendar of the keys alone.
func TestACommandLeavesTheServersKeysAlone(t *testing.T) {
	p := newPlace(t)
	p.set.SigningAlg = "EdDSA"
	h := p.open()
	p.must(h.close())
	command := &program{env: environment{"HOME": p.set.home}, stdout: io.Discard, stderr: io.Discard, flags: map[string]given{}}
	h, err := command.openBeside(t.Context())
	p.must(err)
	defer h.close()
	if h.set.SigningAlg != "ES256" {
		t.Fatalf("the command knows of %s, so this shows nothing", h.set.SigningAlg)
	}
	p.must(h.keys.Rotate(t.Context(), time.Now(), ""))
	keys, err := h.backend.Set().Keys.Keys(t.Context())
	p.must(err)
	for _, k := range keys {
		if k.Algorithm != jwt.EdDSA {
			t.Errorf("the command made a key for %s, the server's are for EdDSA", k.Algorithm)
		}
	}
}
