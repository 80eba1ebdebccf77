package jwt_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestSignedIsVerified(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			key := newKey(t, alg)
			raw := mustSign(t, key, access())
			v := newVerifier(t, config(key.Public()))
			for range 2 { // once verified, once remembered
				token, err := v.Verify(context.Background(), noon, raw)
				if err != nil {
					t.Fatal(err)
				}
				if c := token.Claims(); c.Subject != "ada" || c.Scope != "read write" {
					t.Errorf("claims came back as %+v", c)
				}
				if token.KeyID() != key.ID() || token.Algorithm() != alg {
					t.Errorf("signed by %s, verified by %s %s", key, token.Algorithm(), token.KeyID())
				}
			}
		})
	}
}

// An HMAC key can mint. A verifier takes one only if it is told that issuer and
// verifier are one program.
func TestHMACOnlyWithinOneApplication(t *testing.T) {
	for _, alg := range []jwt.Algorithm{jwt.HS256, jwt.HS384, jwt.HS512} {
		key := newHMACKey(t, alg)
		raw := mustSign(t, key, access())
		for _, foreign := range []bool{false, true} {
			cfg := config(key.Public())
			cfg.ForeignHeaders = foreign
			if _, why := verifyAt(newVerifier(t, cfg), noon, raw); why != jwt.Header {
				t.Errorf("%s: reason %q, want header", alg, why)
			}
			cfg.OneApplication = true
			if _, why := verifyAt(newVerifier(t, cfg), noon, raw); why != "" {
				t.Errorf("%s within one application: refused for %s", alg, why)
			}
		}
	}
}

// A forged token is told that it is forged, never that it is also expired: who
// cannot sign learns nothing of claims.
func TestBadSignatureIsReportedFirst(t *testing.T) {
	key := newKey(t, jwt.ES256)
	v := newVerifier(t, config(key.Public()))
	f := newForge(t, key)
	f.sign = signWith(t, newKey(t, jwt.ES256))
	if _, why := verifyAt(v, access().Expires.Time(), f.text()); why != jwt.Signature {
		t.Errorf("reason %q, want signature", why)
	}
}

func TestUnknownKidAsksOnce(t *testing.T) {
	old, next := newKey(t, jwt.ES256), newKey(t, jwt.ES256)
	set := &keySet{keys: jwt.NewSnapshot(old.Public())}
	cfg := config()
	cfg.Keys = set
	for _, c := range []struct {
		name  string
		fetch func() error
		want  jwt.Reason
	}{
		{"certainly unknown", func() error { return &jwt.Error{Reason: jwt.BadKey, Detail: "no such key"} }, jwt.BadKey},
		{"cooling down", func() error { return &jwt.Error{Reason: jwt.Unavailable, Detail: "asked too lately"} }, jwt.Unavailable},
		{"fetch failed", func() error { return errors.New("no route to host") }, jwt.Unavailable},
		{"a verdict that is not the keys' to give", func() error { return &jwt.Error{Reason: jwt.Revoked} }, jwt.Unavailable},
		{"fetched in vain", func() error { return nil }, jwt.BadKey},
		{"fetched", func() error { set.keys = jwt.NewSnapshot(old.Public(), next.Public()); return nil }, ""},
	} {
		set.fetch, set.asked = c.fetch, nil
		if _, why := verifyAt(newVerifier(t, cfg), noon, mustSign(t, next, access())); why != c.want {
			t.Errorf("%s: reason %q, want %q", c.name, why, c.want)
		}
		if len(set.asked) != 1 || set.asked[0] != next.ID() {
			t.Errorf("%s: asked for %q, want the kid once", c.name, set.asked)
		}
	}
}

// Nobody asks the issuer about a header that is no good whatever its kid.
func TestHopelessHeaderAsksNobody(t *testing.T) {
	key := newKey(t, jwt.ES256)
	for _, foreign := range []bool{false, true} {
		set := &keySet{keys: jwt.NewSnapshot(key.Public()), fetch: func() error { return nil }}
		cfg := config()
		cfg.Keys, cfg.ForeignHeaders = set, foreign
		v := newVerifier(t, cfg)
		for _, change := range []func(*forge){
			swapHeader("ES256", "none"), swapHeader("at+jwt", "reset+jwt"), swapHeader(`{"alg"`, `{"crit":["x"],"alg"`),
			func(f *forge) { f.header = `{"alg":"none","kid":"new","typ":"at+jwt"}` },
			func(f *forge) { f.header = `{"alg":"ES256","kid":"new","typ":"reset+jwt"}` },
			func(f *forge) { f.header = `{"alg":"HS256","kid":"new","typ":"at+jwt"}` },
			func(f *forge) { f.header = `{"alg":"ES256","kid":"` + strings.Repeat("k", 257) + `","typ":"at+jwt"}` },
		} {
			f := newForge(t, key)
			change(f)
			if _, why := verifyAt(v, noon, f.text()); why != jwt.Header {
				t.Errorf("%s: reason %q, want header", f.header, why)
			}
		}
		if len(set.asked) != 0 {
			t.Errorf("the issuer was asked for %q", set.asked)
		}
	}
}

// Two keys under one kid: neither is meant.
func TestDuplicateKidMeansNeither(t *testing.T) {
	a, b, c := newKey(t, jwt.ES256), newKey(t, jwt.ES256), newKey(t, jwt.ES256)
	s := jwt.NewSnapshot(a.Public(), jwt.Named(b.Public(), a.ID()), c.Public(), c.Public())
	if got := s.Keys(); len(got) != 1 || got[0] != c.Public() || s.Key(a.ID()) != nil {
		t.Errorf("kept %v, want %v alone", got, c.Public())
	}
	cfg := config()
	cfg.Keys = s
	if _, why := verifyAt(newVerifier(t, cfg), noon, mustSign(t, a, access())); why != jwt.BadKey {
		t.Errorf("reason %q, want key", why)
	}
}

func TestForeignHeaders(t *testing.T) {
	key := newKey(t, jwt.ES256)
	kid := key.ID()
	for header, accepted := range map[string]bool{
		`{"typ":"at+jwt","alg":"ES256","kid":"` + kid + `"}`:              true,
		`{ "typ":"at+jwt", "kid":"` + kid + `", "alg":"ES256" }`:          true,
		`{"typ":"application/at+jwt","alg":"ES256","kid":"` + kid + `"}`:  true,
		`{"typ":"at+jwt","alg":"ES256","x5t":"AAAA","kid":"` + kid + `"}`: true,
		`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","x5t":"AAAA"}`: true,
		`{"typ":"AT+JWT","alg":"ES256","kid":"` + kid + `"}`:              false,
		`{"Typ":"at+jwt","alg":"ES256","kid":"` + kid + `"}`:              false,
		`{"typ":"at+jwt","alg":"ES256","KID":"` + kid + `"}`:              false,
		`{"alg":"ES256","kid":"` + kid + `"}`:                             false,
		`{"typ":"at+jwt","alg":"ES256","kid":"` + kid + `"}{}`:            false,
	} {
		f := newForge(t, key)
		f.header = header
		cfg := config(key.Public())
		if _, why := verifyAt(newVerifier(t, cfg), noon, f.text()); why != jwt.Header {
			t.Errorf("looked up: %s: reason %q, want header", header, why)
		}
		cfg.ForeignHeaders = true
		if _, why := verifyAt(newVerifier(t, cfg), noon, f.text()); (why == "") != accepted {
			t.Errorf("parsed: %s: reason %q, accepted should be %v", header, why, accepted)
		}
	}
}

func TestConfigThatChecksTooLittle(t *testing.T) {
	_, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Typ: []string{""}})
	if !errors.Is(err, jwt.ErrConfig) {
		t.Fatalf("error %v, want ErrConfig", err)
	}
	for _, name := range []string{"Issuer", "Audience", "Keys", "Typ"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q says nothing of %s", err, name)
		}
	}
	for _, break_ := range []func(*jwt.VerifierConfig){
		func(c *jwt.VerifierConfig) { c.Issuer = "" },
		func(c *jwt.VerifierConfig) { c.Audience = nil },
		func(c *jwt.VerifierConfig) { c.Audience = []string{audience, ""} },
		func(c *jwt.VerifierConfig) { c.Keys = nil },
	} {
		cfg := config()
		break_(&cfg)
		if _, err := jwt.NewVerifier[jwt.Access](cfg); !errors.Is(err, jwt.ErrConfig) {
			t.Errorf("%+v: error %v, want ErrConfig", cfg, err)
		}
	}
}

// A key set that has nothing to give is trouble, not a refusal and not a panic.
func TestNilKeySet(t *testing.T) {
	cfg := config()
	cfg.Keys = (*jwt.Snapshot)(nil)
	if _, why := verifyAt(newVerifier(t, cfg), noon, mustSign(t, newKey(t, jwt.ES256), access())); why != jwt.Unavailable {
		t.Errorf("reason %q, want unavailable", why)
	}
	if s := jwt.NewSnapshot(nil); len(s.Keys()) != 0 {
		t.Errorf("a snapshot of nothing holds %v", s.Keys())
	}
}

// Many requests verify while the keys change under them. The race detector
// watches; each answer is one that some order of events explains.
func TestVerifyWhileKeysChange(t *testing.T) {
	first, second := newKey(t, jwt.ES256), newKey(t, jwt.EdDSA)
	v := newVerifier(t, config(first.Public(), second.Public()))
	tokens := []string{mustSign(t, first, access()), mustSign(t, second, access())}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 100 {
				_, why := verifyAt(v, noon, tokens[i%2])
				if i%2 == 0 && why != "" || i%2 == 1 && why != "" && why != jwt.BadKey {
					t.Errorf("token of key %d: reason %q", i%2, why)
				}
			}
		})
	}
	group.Go(second.Public().Withdraw)
	group.Wait()
	if _, why := verifyAt(v, noon, tokens[1]); why != jwt.BadKey {
		t.Errorf("after the withdrawal: reason %q, want key", why)
	}
}
