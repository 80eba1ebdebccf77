package jwt_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// reset is a kind of another room.
type reset struct {
	jwt.Registered
	Address string `json:"adr"`
}

func (*reset) Kind() jwt.Kind { return "reset+jwt" }

// full returns one token of each kind, with every claim set.
func full() []jwt.Claims {
	private := map[string]jsontext.Value{"plan": jsontext.Value(`"pro"`), "äöü": jsontext.Value(`[1,{"a":null}]`)}
	return []jwt.Claims{
		&jwt.Access{
			Registered: registered(), AuthTime: 5, Methods: []string{"pwd", "otp"}, Context: "1", Scope: "read", Tenant: "t",
			Generation: "3.x", Revision: "1:2", Confirmation: &jwt.Confirmation{Lock: "l", Thumbprint: "j"}, Private: private,
		},
		&jwt.Session{
			Registered: registered(), AuthTime: 5, Methods: []string{"pwd"}, Context: "1", Scope: "read", Tenant: "t", Version: "7",
			Absolute: 77, Renews: "j-0", Revision: "1:2", Confirmation: &jwt.Confirmation{Lock: "l"}, Private: private,
		},
		&reset{registered(), "ada@example.com"},
	}
}

// No claim is lost on the way (json:",inline" loses them silently).
func TestEveryKindGoesRound(t *testing.T) {
	key := newKey(t, jwt.EdDSA)
	for _, c := range full() {
		raw := mustSign(t, key, c)
		var got any
		var why jwt.Reason
		switch c.(type) {
		case *jwt.Access:
			got, why = verifyKind[jwt.Access](t, key, raw)
		case *jwt.Session:
			got, why = verifyKind[jwt.Session](t, key, raw)
		case *reset:
			got, why = verifyKind[reset](t, key, raw)
		}
		if why != "" {
			t.Errorf("%s: refused for %s", c.Kind(), why)
		}
		if !reflect.DeepEqual(got, any(c)) {
			t.Errorf("%s: sent %+v, came back as %+v", c.Kind(), c, got)
		}
	}
}

func verifyKind[C any, P interface {
	*C
	jwt.Claims
}](t *testing.T, key *jwt.PrivateKey, raw string) (*C, jwt.Reason) {
	t.Helper()
	v, err := jwt.NewVerifier[C, P](config(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	return verifyAt(v, noon, raw)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Each kind is refused at every door not its own, though issuer, audience and
// key are the same.
func TestA019KindsByDoors(t *testing.T) {
	key := newKey(t, jwt.ES256)
	doors := []func(raw string) jwt.Reason{
		func(raw string) jwt.Reason { _, why := verifyKind[jwt.Access](t, key, raw); return why },
		func(raw string) jwt.Reason { _, why := verifyKind[jwt.Session](t, key, raw); return why },
		func(raw string) jwt.Reason { _, why := verifyKind[reset](t, key, raw); return why },
	}
	for i, c := range full() {
		raw := mustSign(t, key, c)
		for j, door := range doors {
			want := jwt.Header
			if i == j {
				want = ""
			}
			if why := door(raw); why != want {
				t.Errorf("%s at the door of %s: reason %q, want %q", c.Kind(), full()[j].Kind(), why, want)
			}
		}
	}
}

func TestSignerRefusesOtherKinds(t *testing.T) {
	signer := jwt.NewSigner(always(newKey(t, jwt.EdDSA)), "reset+jwt")
	for _, s := range []*jwt.Signer{signer, signer.As(jwt.KindAccess, "reset+jwt"), signer.WhenLarge(func(jwt.Size) {})} {
		if raw, err := s.Sign(noon, access()); !errors.Is(err, jwt.ErrKind) || raw != "" {
			t.Errorf("signed %q, error %v; want ErrKind", raw, err)
		}
	}
	odd := jwt.NewSigner(always(newKey(t, jwt.EdDSA)), jwt.KindAccess).As(jwt.KindAccess, `at+jwt","crit":["x`)
	if raw, err := odd.Sign(noon, access()); !errors.Is(err, jwt.ErrKind) {
		t.Errorf("a typ that is none: signed %q, error %v; want ErrKind", raw, err)
	}
}

func TestSignAsAnotherTyp(t *testing.T) {
	key := newKey(t, jwt.ES256)
	own := jwt.NewSigner(always(key), jwt.KindAccess)
	raw, err := own.As(jwt.KindAccess, "JWT").Sign(noon, access())
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(key.Public())
	if _, why := verifyAt(newVerifier(t, cfg), noon, raw); why != jwt.Header {
		t.Errorf("typ JWT where at+jwt is due: reason %q, want header", why)
	}
	cfg.Typ = []string{"at+jwt", "JWT"}
	for _, raw := range []string{raw, mustSign(t, key, access())} {
		if _, why := verifyAt(newVerifier(t, cfg), noon, raw); why != "" {
			t.Errorf("refused for %s where both are taken", why)
		}
	}
}

// Signing again gives the same bytes: a lost answer can be given again (RFC
// 6979 for ECDSA).
func TestSigningIsDeterministic(t *testing.T) {
	keys := []*jwt.PrivateKey{newHMACKey(t, jwt.HS256), newHMACKey(t, jwt.HS384), newHMACKey(t, jwt.HS512)}
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.ES384, jwt.EdDSA, jwt.RS256} {
		keys = append(keys, newKey(t, alg))
	}
	for _, key := range keys {
		first, second := mustSign(t, key, full()[0]), mustSign(t, key, full()[0])
		if first != second {
			t.Errorf("%s: two tokens for the same claims:\n%s\n%s", key.Algorithm(), first, second)
		}
	}
}

// Header and signature are what go-jose makes of the same key and claims.
func TestHeaderIsTheOneOthersWrite(t *testing.T) {
	for _, alg := range algorithms {
		key := newKey(t, alg)
		options := (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", key.ID())
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: standard(t, key)}, options)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := signer.Sign([]byte(asJSON(t, access())))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		ours := mustSign(t, key, access())
		if input := theirs[:strings.LastIndex(theirs, ".")]; !strings.HasPrefix(ours, input+".") {
			t.Errorf("%s: we sign %s, go-jose signs %s", alg, ours, theirs)
		}
		if _, why := verifyAt(newVerifier(t, config(key.Public())), noon, theirs); why != "" {
			t.Errorf("%s by go-jose is refused for %s", alg, why)
		}
	}
}

func TestClaimsAreASCII(t *testing.T) {
	c := access()
	c.Subject = "~?Ada Łovelace 🗝\u2028."
	key := newKey(t, jwt.EdDSA)
	raw := mustSign(t, key, c)
	seen, err := jwt.InspectUnverified(raw)
	if err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(string(seen.Claims), func(r rune) bool { return r == '~' || r == '?' || r > 0x7e }); i >= 0 {
		t.Errorf("%s has a character that old clients choke on, at %d", seen.Claims, i)
	}
	if !strings.Contains(string(seen.Claims), `\u007e\u003fAda \u0141ovelace \ud83d\udddd\u2028.`) {
		t.Errorf("escaped as %s", seen.Claims)
	}
	if got, why := verifyAt(newVerifier(t, config(key.Public())), noon, raw); why != "" || got.Subject != c.Subject {
		t.Errorf("reason %q, subject %+v", why, got)
	}
}

func TestUnusableClaimsAreNotSigned(t *testing.T) {
	key := newKey(t, jwt.EdDSA)
	signer := jwt.NewSigner(always(key), jwt.KindAccess)
	for name, spoil := range map[string]func(*jwt.Access){
		"no iss": func(a *jwt.Access) { a.Issuer = "" }, "no sub": func(a *jwt.Access) { a.Subject = "" },
		"no aud": func(a *jwt.Access) { a.Audience = nil }, "no jti": func(a *jwt.Access) { a.ID = "" },
		"no exp": func(a *jwt.Access) { a.Expires = 0 }, "no iat": func(a *jwt.Access) { a.IssuedAt = 0 },
		"sub with a newline": func(a *jwt.Access) { a.Subject = "a\r\nb" }, "sub not UTF-8": func(a *jwt.Access) { a.Subject = "a\xff" },
		"exp in milliseconds": func(a *jwt.Access) { a.Expires *= 1000 }, "exp negative": func(a *jwt.Access) { a.Expires = -1 },
		"nbf in nanoseconds": func(a *jwt.Access) { a.NotBefore *= 1e9 }, "aud with an empty one": func(a *jwt.Access) { a.Audience = jwt.Audience{audience, ""} },
		"private scope": func(a *jwt.Access) {
			a.Scope, a.Private = "", map[string]jsontext.Value{"scope": jsontext.Value(`"admin"`)}
		},
		"private SUB":  func(a *jwt.Access) { a.Private = map[string]jsontext.Value{"SUB": jsontext.Value(`"eve"`)} },
		"private JSON": func(a *jwt.Access) { a.Private = map[string]jsontext.Value{"a": jsontext.Value(`1,"sub":"eve"`)} },
	} {
		c := access()
		spoil(c)
		if raw, err := signer.Sign(noon, c); !errors.Is(err, jwt.ErrClaims) || raw != "" {
			t.Errorf("%s: signed %q, error %v; want ErrClaims", name, raw, err)
		}
	}
}

func TestReservedNames(t *testing.T) {
	var a jwt.Access
	for _, name := range []string{"", "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "scope", "tid", "cnf", "rev", "gen", "ver", "sxp", "acr", "amr", "auth_time", "SUB", "Scope", "ſub"} {
		if err := a.SetPrivate(name, "x"); !errors.Is(err, jwt.ErrClaims) {
			t.Errorf("%q: error %v, want ErrClaims", name, err)
		}
	}
	if err := a.SetPrivate("fn", func() {}); !errors.Is(err, jwt.ErrClaims) {
		t.Errorf("a function: error %v, want ErrClaims", err)
	}
	if err := a.SetPrivate("plan", map[string]any{"name": "pro"}); err != nil || string(a.Private["plan"]) != `{"name":"pro"}` {
		t.Errorf("plan is %s, error %v", a.Private["plan"], err)
	}
}

func TestSizeBudget(t *testing.T) {
	var reports []jwt.Size
	signer := jwt.NewSigner(always(newKey(t, jwt.ES256)), jwt.KindAccess).WhenLarge(func(s jwt.Size) { reports = append(reports, s) })
	withPhoto := func(n int) *jwt.Access {
		c := access()
		if err := c.SetPrivate("photo", strings.Repeat("x", n)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if _, err := signer.Sign(noon, withPhoto(10)); err != nil || len(reports) != 0 {
		t.Errorf("a small token: error %v, reports %v", err, reports)
	}
	raw, err := signer.Sign(noon, withPhoto(1000))
	if err != nil || len(reports) != 1 {
		t.Fatalf("a large token: error %v, reports %v", err, reports)
	}
	if r := reports[0]; r.Kind != jwt.KindAccess || r.Token != len(raw) || r.Claims <= 1024 || r.Largest[0] != (jwt.ClaimSize{Name: "photo", Bytes: 1011}) {
		t.Errorf("reported %+v", r)
	}
	raw, err = signer.Sign(noon, withPhoto(3000))
	if !errors.Is(err, jwt.ErrTooLarge) || !strings.Contains(err.Error(), "photo 3011, aud 32, ") || raw != "" {
		t.Errorf("a token too large: %d bytes, error %v", len(raw), err)
	}
}

func TestSignerPassesOnWhatTheKeyringSays(t *testing.T) {
	none := errors.New("no active key")
	var asked time.Time
	_, err := jwt.NewSigner(func(now time.Time) (*jwt.PrivateKey, error) { asked = now; return nil, none }, jwt.KindAccess).Sign(noon, access())
	if !errors.Is(err, none) || !asked.Equal(noon) {
		t.Errorf("error %v, asked for %v", err, asked)
	}
}

func TestInspectUnverified(t *testing.T) {
	key := newKey(t, jwt.ES256)
	forged := newForge(t, key)
	forged.sign = func(string) []byte { return []byte("nothing") }
	seen, err := jwt.InspectUnverified(forged.text())
	if err != nil || string(seen.Header) != forged.header || string(seen.Claims) != forged.claims {
		t.Errorf("saw %+v, error %v", seen, err)
	}
	names := []string{}
	for _, c := range seen.Size.Largest {
		names = append(names, c.Name)
	}
	if len(names) != 9 || !slices.Contains(names, "scope") {
		t.Errorf("sizes of %v", names)
	}
	for _, raw := range []string{"", "a.b.c", "AAAA.AAAA.AAAA", b64(`{"a":1}`) + "." + b64(`[]`) + ".AAAA", b64(`{"a":1`) + "." + b64(`{"a":1}`) + ".AAAA"} {
		if _, err := jwt.InspectUnverified(raw); jwt.ReasonOf(err) != jwt.Malformed {
			t.Errorf("%q: error %v, want malformed", raw, err)
		}
	}
}
