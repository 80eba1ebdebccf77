package binding_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/internal/needs"
	"github.com/jotkeeper/jotkeeper/jwt"
)

const (
	gemSecret = "dd1d7c2f7bdf4a3e9d0f2b5c8e6a1b4790c3d5e7f9ab1c3d5e7f9a0b2c4d6e8f"
	gemCookie = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
)

// gem mints as JWT Keeper does: JK1 to JK6, by the library that it uses.
const gem = `
claims = { "nbf" => a[2].to_i, "iat" => a[2].to_i, "jti" => "6f1e7a9c-3b0d-4a52-9c1e-0d8f7b6a5c4d",
           "iss" => "api.example.com", "aud" => "web", "exp" => a[2].to_i + 3600, "ver" => "7",
           "uid" => 42, "scope" => ["read", "write"] }
claims.merge!(JSON.parse(a[4])).compact!
JWT.encode(claims, a[0] + a[1], a[3])`

func gemReader() binding.InsecureHMACSuffix {
	return binding.InsecureHMACSuffix{
		Secret: []byte(gemSecret), Until: noon.AddDate(0, 3, 0), Issuer: "api.example.com", Audience: []string{"web"},
	}
}

// minter returns a function that mints as the gem does: alg, what stands behind
// the secret, and claims that differ.
func minter(t *testing.T) func(alg, cookie, claims string) string {
	ruby := needs.Ruby(t, gem)
	return func(alg, cookie, claims string) string {
		return ruby(gemSecret, cookie, fmt.Sprint(noon.Unix()), alg, claims)
	}
}

// JK6: tokens of the gem, locked or not, under each of its three algorithms.
func TestTokensOfTheGemAreRead(t *testing.T) {
	mint := minter(t)
	for _, alg := range []jwt.Algorithm{"", jwt.HS256, jwt.HS384, jwt.HS512} {
		reader := gemReader()
		reader.Algorithm = alg
		name := string(alg)
		if alg == "" {
			name = "HS512"
		}
		for _, cookie := range []string{"", gemCookie} {
			claims, err := reader.Verify(noon, mint(name, cookie, "{}"), cookie)
			if err != nil {
				t.Fatalf("%s, cookie %q: %v", name, cookie, err)
			}
			if claims.ID != "6f1e7a9c-3b0d-4a52-9c1e-0d8f7b6a5c4d" || claims.Expires.Time() != noon.Add(time.Hour) {
				t.Errorf("%s: %+v", name, claims)
			}
			if string(claims.Private["uid"]) != "42" || string(claims.Private["ver"]) != `"7"` || string(claims.Private["scope"]) != `["read","write"]` {
				t.Errorf("%s: its own claims are %s", name, claims.Private)
			}
		}
	}
	bare := binding.InsecureHMACSuffix{Secret: []byte(gemSecret), Until: noon.AddDate(0, 1, 0)}
	if _, err := bare.Verify(noon, mint("HS512", "", `{"iss":null,"aud":null}`), ""); err != nil {
		t.Errorf("a gem that was never told its issuer: %v", err)
	}
	many := mint("HS512", gemCookie, `{"aud":["ios","web"],"sub":"42"}`)
	if claims, err := gemReader().Verify(noon, many, gemCookie); err != nil || claims.Subject != "42" {
		t.Errorf("several audiences: %v %v", claims, err)
	}
}

// A060 for the gem's tokens, and what else is refused.
func TestTokensOfTheGemThatAreRefused(t *testing.T) {
	mint := minter(t)
	locked, unlocked := mint("HS512", gemCookie, "{}"), mint("HS512", "", "{}")
	with := func(change func(*binding.InsecureHMACSuffix)) binding.InsecureHMACSuffix {
		r := gemReader()
		change(&r)
		return r
	}
	required := with(func(r *binding.InsecureHMACSuffix) { r.Lock = binding.Required })
	other := strings.Repeat("0", 32)
	for name, c := range map[string]struct {
		reader      binding.InsecureHMACSuffix
		raw, cookie string
		want        jwt.Reason
	}{
		"locked, without its cookie":    {gemReader(), locked, "", jwt.Signature},
		"locked, another's cookie":      {gemReader(), locked, other, jwt.Signature},
		"unlocked, with a stale cookie": {gemReader(), unlocked, gemCookie, jwt.Signature},
		"locks required, no cookie":     {required, unlocked, "", jwt.Binding},
		"locks required, locked":        {required, locked, "", jwt.Binding},
		"half a cookie":                 {gemReader(), mint("HS512", gemCookie[:16], "{}"), gemCookie[:16], jwt.Binding},
		"a cookie that is no hex":       {gemReader(), mint("HS512", strings.Repeat("z", 32), "{}"), strings.Repeat("z", 32), jwt.Binding},
		"a cookie in capitals":          {gemReader(), mint("HS512", strings.ToUpper(gemCookie), "{}"), strings.ToUpper(gemCookie), jwt.Binding},
		"another algorithm":             {gemReader(), mint("HS256", "", "{}"), "", jwt.Header},
		"another issuer":                {gemReader(), mint("HS512", "", `{"iss":"evil.example"}`), "", jwt.Issuer},
		"no issuer":                     {gemReader(), mint("HS512", "", `{"iss":null}`), "", jwt.Issuer},
		"an issuer where there is none": {with(func(r *binding.InsecureHMACSuffix) { r.Issuer = "" }), unlocked, "", jwt.Issuer},
		"another audience":              {gemReader(), mint("HS512", "", `{"aud":"ios"}`), "", jwt.BadAud},
		"no audience":                   {gemReader(), mint("HS512", "", `{"aud":null}`), "", jwt.BadAud},
		"no exp (JK10)":                 {gemReader(), mint("HS512", "", `{"exp":null}`), "", jwt.BadClaim},
		"no jti (JK10)":                 {gemReader(), mint("HS512", "", `{"jti":null}`), "", jwt.BadClaim},
		"expired":                       {gemReader(), mint("HS512", "", fmt.Sprintf(`{"exp":%d}`, noon.Unix())), "", jwt.Expired},
		"not yet":                       {gemReader(), mint("HS512", "", fmt.Sprintf(`{"nbf":%d}`, noon.Unix()+61)), "", jwt.Early},
		"cut":                           {gemReader(), unlocked[:len(unlocked)-1], "", jwt.Malformed},
		"no signature":                  {gemReader(), unlocked[:strings.LastIndex(unlocked, ".")+1], "", jwt.Malformed},
	} {
		if claims, err := c.reader.Verify(noon, c.raw, c.cookie); claims != nil || jwt.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// After Until nothing is taken, however good; without Until nothing ever was.
func TestTheMigrationEnds(t *testing.T) {
	mint := minter(t)
	reader := gemReader()
	reader.Until = noon.Add(time.Minute)
	good := mint("HS512", gemCookie, "{}")
	if _, err := reader.Verify(noon.Add(time.Minute-time.Second), good, gemCookie); err != nil {
		t.Errorf("before the end: %v", err)
	}
	for _, raw := range []string{good, "", "garbage"} {
		_, err := reader.Verify(noon.Add(time.Minute), raw, gemCookie)
		if !errors.Is(err, binding.ErrEnded) || jwt.ReasonOf(err) != jwt.BadKey || !strings.Contains(err.Error(), "taken until 2026-03-01T12:01:00Z: log in again") {
			t.Errorf("at the end: %v", err)
		}
	}
	reader.Until = time.Time{}
	if _, err := reader.Verify(noon, good, gemCookie); !errors.Is(err, jwt.ErrConfig) || !strings.Contains(err.Error(), "Until is missing") {
		t.Errorf("without an end: %v", err)
	}
}

// JK: a gem with no secret let its clients sign. A short one is taken only when
// somebody says so; none at all, never.
func TestShortSecretsAreRefused(t *testing.T) {
	ruby := needs.Ruby(t, gem)
	mint := func(secret, cookie string) string {
		return ruby(secret, cookie, fmt.Sprint(noon.Unix()), "HS512", "{}")
	}
	reader := gemReader()
	for _, secret := range []string{"", "changeme", gemSecret[:31]} {
		reader.Secret = []byte(secret)
		if _, err := reader.Verify(noon, mint(secret, gemCookie), gemCookie); !errors.Is(err, jwt.ErrKey) {
			t.Errorf("a secret of %d bytes: %v", len(secret), err)
		}
	}
	reader.InsecureShortSecret = true
	if _, err := reader.Verify(noon, mint(gemSecret[:31], gemCookie), gemCookie); err != nil {
		t.Errorf("31 bytes, asked for: %v", err)
	}
	reader.Secret = nil
	if _, err := reader.Verify(noon, mint("", gemCookie), gemCookie); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("the cookie alone: %v", err)
	}
	reader.Secret = []byte(gemSecret[:32])
	if _, err := reader.Verify(noon, mint(gemSecret[:32], gemCookie), gemCookie); err != nil {
		t.Errorf("32 bytes: %v", err)
	}
}

func TestReadersOfTheGemNeverPrint(t *testing.T) {
	reader := gemReader()
	for _, v := range []any{reader, &reader} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if text := fmt.Sprintf(verb, v); text != "a reader of JWT Keeper's tokens" {
				t.Errorf("%s prints %s", verb, text)
			}
		}
		if out, err := json.Marshal(v); !errors.Is(err, jwt.ErrKey) {
			t.Errorf("written as JSON: %s %v", out, err)
		}
	}
}
