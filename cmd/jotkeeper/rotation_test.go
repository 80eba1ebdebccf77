package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// rotationSpan is how long keys rotate: two rotations in CI, more by
// JOTKEEPER_ROTATION=60s.
func rotationSpan(t *testing.T) time.Duration {
	text := os.Getenv("JOTKEEPER_ROTATION")
	if text == "" {
		return 11 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("JOTKEEPER_ROTATION=%q is no length of time", text)
	}
	return d
}

// Keys that rotate every 5 s, three services that verify from afar: no token
// is ever refused, the moment it was signed or later.
func TestRotationLosesNoToken(t *testing.T) {
	s := launch(t, t.TempDir(), "--key-rotation", "5s", "--jwks-max-age", "1s")
	ctx, cancel := context.WithTimeout(t.Context(), rotationSpan(t)+patience)
	defer cancel()
	var services []*jwt.Verifier[jwt.Access]
	for range 3 {
		keys, err := jwks.NewRemote(jwks.RemoteConfig{Issuer: s.url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { keys.Close() })
		if err := keys.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: s.url, Audience: []string{"localhost"}, Keys: keys, CacheEntries: -1})
		if err != nil {
			t.Fatal(err)
		}
		services = append(services, v)
	}
	status, _, body, err := ask(ctx, "POST", s.url+"/accounts", []string{"username=ada", "password=moss-kettle-orbit-42", "transport=body"})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, body, err)
	}
	var refresh string
	kids, checks, refused := map[string]bool{}, 0, 0
	var earlier []string // tokens of a while ago, which are still good
	for over := time.After(rotationSpan(t)); ; {
		var got tokens
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got.Result.Refresh != "" {
			refresh = got.Result.Refresh
		}
		if checks%300 == 0 { // one in 50
			earlier = append(earlier, got.Result.Access)
			earlier = earlier[max(0, len(earlier)-200):]
		}
		for _, v := range services {
			for _, raw := range []string{got.Result.Access, earlier[0]} {
				checks++
				token, err := v.Verify(ctx, time.Now(), raw)
				if err != nil {
					refused++
					t.Errorf("a good token was refused: %v", err)
					continue
				}
				kids[token.KeyID()] = true
			}
		}
		select {
		case <-over:
			t.Logf("%d verifications, %d refused, by %d keys", checks, refused, len(kids))
			if len(kids) < 2 {
				t.Errorf("no key rotated: this test shows nothing")
			}
			return
		default:
		}
		status, _, body, err = ask(ctx, "POST", s.url+"/session/refresh", []string{"refresh_token=" + refresh})
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%d %s %v", status, body, err)
		}
	}
}
