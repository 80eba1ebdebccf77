package golangjwt_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/examples/migrate/golangjwt"
	"github.com/jotkeeper/jotkeeper/jotkeepertest"
)

const oldIssuer, oldAudience = "shop", "shop-api"

var oldSecret = []byte("3f9c1b7e5d2a48860c4e9f7a1b3d5e70")

// A shop is the program in the middle of its move.
type shop struct {
	*testing.T
	issuer *jotkeepertest.Issuer
	guard  *golangjwt.Guard
	now    time.Time
}

func newShop(t *testing.T, old golangjwt.Old) *shop {
	s := &shop{T: t, issuer: jotkeepertest.NewIssuer(t), now: time.Now()}
	auth, err := jotkeeper.New(jotkeeper.Config{Issuer: s.issuer.URL, Audience: jotkeepertest.DefaultAudience, Keys: s.issuer.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(auth.Close)
	old.Issuer, old.Audience, old.Until = oldIssuer, oldAudience, s.now.Add(24*time.Hour)
	if s.guard, err = golangjwt.NewGuard(auth, old, func() time.Time { return s.now }); err != nil {
		t.Fatal(err)
	}
	return s
}

func hmacOld() golangjwt.Old { return golangjwt.Old{Algorithm: "HS256", Key: oldSecret} }

// ask shows a token at a route and returns the status with who was served.
func (s *shop) ask(raw string, scopes ...string) (int, string) {
	s.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	return s.send(r, scopes...)
}

func (s *shop) send(r *http.Request, scopes ...string) (int, string) {
	s.Helper()
	w := httptest.NewRecorder()
	s.guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := golangjwt.From(r.Context())
		fmt.Fprint(w, p.Account, p.Scopes)
	}), scopes...).ServeHTTP(w, r)
	if w.Header().Get("Cache-Control") != "no-store" {
		s.Error("the answer may be kept by others")
	}
	return w.Code, w.Body.String()
}

func (s *shop) claims() jwt.MapClaims {
	return jwt.MapClaims{"iss": oldIssuer, "aud": oldAudience, "user_id": 42, "role": "admin",
		"iat": s.now.Unix(), "exp": s.now.Add(100 * time.Hour).Unix()}
}

func sign(t *testing.T, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	raw, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The evening: old people and new ones are served alike, then the date comes.
func TestBothAreTakenUntilTheDate(t *testing.T) {
	s := newShop(t, hmacOld())
	old := sign(t, jwt.SigningMethodHS256, oldSecret, s.claims())
	fresh := s.issuer.Token(t, jotkeepertest.Subject("42"), jotkeepertest.Scope("pay"), jotkeepertest.Lifetime(48*time.Hour))
	for name, raw := range map[string]string{"old": old, "new": fresh} {
		if code, who := s.ask(raw, "pay"); code != 200 || who != "42[pay]" {
			t.Errorf("%s: %d %q", name, code, who)
		}
	}
	if o, n := s.guard.Counts(); o != 1 || n != 1 {
		t.Errorf("counted %d old and %d new", o, n)
	}
	plain := s.claims()
	plain["role"] = "superuser" // a role that nobody mapped
	raw := sign(t, jwt.SigningMethodHS256, oldSecret, plain)
	if code, who := s.ask(raw); code != 200 || who != "42[]" {
		t.Errorf("no role: %d %q", code, who)
	}
	if code, _ := s.ask(raw, "pay"); code != 403 {
		t.Errorf("paid without the right: %d", code)
	}

	s.now = s.now.Add(24*time.Hour - time.Second)
	if code, _ := s.ask(old); code != 200 {
		t.Errorf("a second before the date: %d", code)
	}
	s.now = s.now.Add(time.Second)
	if code, body := s.ask(old); code != 401 || !strings.Contains(body, `"code":"header"`) {
		t.Errorf("an old token after the date: %d %s", code, body)
	}
	before, _ := s.guard.Counts()
	if code, _ := s.ask(fresh, "pay"); code != 200 {
		t.Errorf("a new token after the date: %d", code)
	}
	if after, _ := s.guard.Counts(); after != before {
		t.Error("the old side is not empty")
	}
}

// forge signs any header over any claims.
func forge(header string, claims jwt.MapClaims, secret []byte) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// A001, A003, A005 to A009: even with the right secret, one header is taken.
func TestOneHeaderIsTaken(t *testing.T) {
	s := newShop(t, hmacOld())
	good := forge(`{"alg":"HS256","typ":"JWT"}`, s.claims(), oldSecret)
	if code, _ := s.ask(good); code != 200 {
		t.Fatalf("the one header: %d", code)
	}
	for _, header := range []string{
		`{"alg":"none","typ":"JWT"}`, `{"alg":"None","typ":"JWT"}`, `{"alg":"","typ":"JWT"}`, `{"typ":"JWT"}`, `{"alg":["HS256"],"typ":"JWT"}`, `{"alg":"HS256\u0000","typ":"JWT"}`, // A001
		`{"alg":"HS512","typ":"JWT"}`, `{"alg":"ES256","typ":"at+jwt"}`,
		`{"alg":"HS256","kid":"1","typ":"JWT"}`, `{"alg":"HS256","kid":"../../dev/null","typ":"JWT"}`, // A005, A007
		`{"alg":"HS256","jku":"` + s.issuer.URL + `/elsewhere","typ":"JWT"}`, `{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"typ":"JWT"}`, // A006
		`{"alg":"HS256","b64":false,"crit":["b64"],"typ":"JWT"}`, `{"alg":"HS256","crit":[],"typ":"JWT"}`, // A008
		`{"alg":"none","alg":"HS256","typ":"JWT"}`, `{"alg":"HS256","alg":"none","typ":"JWT"}`, // A009
	} {
		if code, who := s.ask(forge(header, s.claims(), oldSecret)); code != 401 {
			t.Errorf("%s: %d %s", header, code, who)
		}
	}
	body := good[:strings.LastIndex(good, ".")]
	for _, raw := range []string{body, body + ".", body + "." + strings.Repeat("A", 43)} { // A003
		if code, _ := s.ask(raw); code != 401 {
			t.Errorf("without its signature: %d", code)
		}
	}
	if n := s.issuer.Requests("elsewhere"); n != 0 {
		t.Errorf("A006: %d requests to where the token said", n)
	}
}

// A002: the old public key, in each shape that people publish, is no secret; and
// a program that mixes the two up does not start.
func TestAPublicKeyIsNoSecret(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, golangjwt.Old{Algorithm: "RS256", Key: &key.PublicKey})
	if code, who := s.ask(sign(t, jwt.SigningMethodRS256, key, s.claims()), "pay"); code != 200 || who != "42[pay]" {
		t.Fatalf("the old program's token: %d %q", code, who)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{der, x509.MarshalPKCS1PublicKey(&key.PublicKey), key.N.Bytes(),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		for _, alg := range []string{"HS256", "RS256"} {
			if code, _ := s.ask(forge(`{"alg":"`+alg+`","typ":"JWT"}`, s.claims(), secret)); code != 401 {
				t.Errorf("signed with the public key under %s: %d", alg, code)
			}
		}
	}
	now := func() time.Time { return s.now }
	for _, o := range []golangjwt.Old{{Algorithm: "HS256", Key: &key.PublicKey}, {Algorithm: "RS256", Key: der}, {Algorithm: "none", Key: crypto.PublicKey("")}, {Algorithm: "HS256"}} {
		o.Issuer, o.Audience, o.Until = oldIssuer, oldAudience, s.now
		if _, err := golangjwt.NewGuard(nil, o, now); err == nil {
			t.Errorf("%s with a %T: it started", o.Algorithm, o.Key)
		}
	}
}

// A004: no bit of an old token may flip.
func TestNoBitFlips(t *testing.T) {
	s := newShop(t, hmacOld())
	raw := []byte(sign(t, jwt.SigningMethodHS256, oldSecret, s.claims()))
	for i := range raw {
		for bit := range 7 {
			raw[i] ^= 1 << bit
			if code, who := s.ask(string(raw)); code == 200 {
				t.Errorf("byte %d, bit %d: served %s", i, bit, who)
			}
			raw[i] ^= 1 << bit
		}
	}
	last := len(raw) - 1 // of its six bits two are spare: there are three other spellings
	signed := raw[last]
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		if raw[last] = c; c == signed {
			continue
		}
		if code, who := s.ask(string(raw)); code == 200 {
			t.Errorf("another spelling: served %s", who)
		}
	}
}

// What golang-jwt lets pass unless it is told.
func TestClaimsOfOldAreDemanded(t *testing.T) {
	s := newShop(t, hmacOld())
	for name, change := range map[string]func(jwt.MapClaims){
		"no exp":           func(c jwt.MapClaims) { delete(c, "exp") },
		"expired":          func(c jwt.MapClaims) { c["exp"] = s.now.Unix() },
		"from tomorrow":    func(c jwt.MapClaims) { c["iat"] = s.now.Add(time.Hour).Unix() },
		"no issuer":        func(c jwt.MapClaims) { delete(c, "iss") },
		"another issuer":   func(c jwt.MapClaims) { c["iss"] = "evil" },
		"no audience":      func(c jwt.MapClaims) { delete(c, "aud") },
		"another audience": func(c jwt.MapClaims) { c["aud"] = "files" },
		"nobody":           func(c jwt.MapClaims) { delete(c, "user_id") },
	} {
		c := s.claims()
		change(c)
		if code, who := s.ask(sign(t, jwt.SigningMethodHS256, oldSecret, c)); code != 401 {
			t.Errorf("%s: %d %q", name, code, who)
		}
	}
}

// A request with two credentials is nobody's.
func TestTwoCredentialsAreRefused(t *testing.T) {
	s := newShop(t, hmacOld())
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+sign(t, jwt.SigningMethodHS256, oldSecret, s.claims()))
	r.AddCookie(&http.Cookie{Name: jotkeeper.DefaultCookie, Value: s.issuer.Token(t, jotkeepertest.Subject("bob"))})
	if code, who := s.send(r); code != 400 {
		t.Errorf("%d %q", code, who)
	}
}
