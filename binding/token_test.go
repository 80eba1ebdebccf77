package binding_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/internal/needs"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// verified signs claims that end with these members, and verifies them.
func verified(t *testing.T, members string) *jwt.Access {
	t.Helper()
	private, key := signingKey(t)
	claims := fmt.Sprintf(`{"iss":"https://id.example.com","sub":"42","aud":"app","iat":%d,"exp":%d,"jti":"j",%s}`, noon.Unix(), noon.Unix()+60, members)
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64(fmt.Appendf(nil, `{"alg":"ES256","kid":"%s","typ":"at+jwt"}`, key.ID())) + "." + b64([]byte(claims))
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	raw := input + "." + b64(slices.Concat(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))))
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: "https://id.example.com", Audience: []string{"app"}, Keys: jwt.NewSnapshot(key.Public())})
	if err != nil {
		t.Fatal(err)
	}
	token, err := v.Verify(context.Background(), noon, raw)
	if err != nil {
		t.Fatal(err)
	}
	return token.Claims()
}

func signingKey(t *testing.T) (*ecdsa.PrivateKey, *jwt.PrivateKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwt.ParsePKCS8(der, jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return private, key
}

// A stranger in another language verifies the token with the public key, and the
// lock with a hash: no secret, no question to anybody.
func TestAThirdPartyChecksTheLock(t *testing.T) {
	private, key := signingKey(t)
	lock := binding.NewLock()
	now := time.Now()
	claims := &jwt.Access{Registered: jwt.Registered{
		Issuer: "https://id.example.com", Subject: "42", Audience: jwt.Audience{"app"}, ID: jwt.NewID(), SessionID: jwt.NewID(),
		IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(time.Hour)),
	}}
	claims.Confirmation = lock.Confirmation(claims.SessionID)
	raw, err := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess).Sign(now, claims)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	ruby := needs.Ruby(t, `
claims, _ = JWT.decode(a[0], OpenSSL::PKey.read(a[1]), true, algorithm: "ES256")
lock = Base64.urlsafe_decode64(a[2])
abort "not 32 bytes" unless lock.bytesize == 32
Base64.urlsafe_encode64(Digest::SHA256.digest("jotkeeper/lock" + claims["sid"] + lock), padding: false) == claims["cnf"]["lck"]`)
	cookie := lock.Cookie(claims.SessionID, now)
	if said := ruby(raw, public, cookie.Value); said != "true" {
		t.Errorf("its own lock: %s", said)
	}
	if said := ruby(raw, public, binding.NewLock().Cookie(claims.SessionID, now).Value); said != "false" {
		t.Errorf("another lock: %s", said)
	}
}

// The vectors of the specification are for programs in other languages. They
// must hold for ours.
func TestVectorsOfTheSpecification(t *testing.T) {
	data, err := os.ReadFile("../docs/spec/vectors/cookie-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Locks    []struct{ SID, Lock, LCK, Cookie string }
		Requests []struct {
			Name, SID string
			CNF       json.RawMessage
			Required  bool
			Cookies   []string
			Refused   bool
		}
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	if len(spec.Locks) < 4 || len(spec.Requests) < 15 {
		t.Fatalf("%d locks, %d requests: the file lost some", len(spec.Locks), len(spec.Requests))
	}
	for _, v := range spec.Locks {
		lock, err := binding.ParseLock(v.Lock)
		if err != nil {
			t.Fatal(err)
		}
		if got := lock.Confirmation(v.SID).Lock; got != v.LCK || binding.CookieName(v.SID) != v.Cookie {
			t.Errorf("%s: lck %s in %s, want %s in %s", v.SID, got, binding.CookieName(v.SID), v.LCK, v.Cookie)
		}
	}
	for _, v := range spec.Requests {
		r := carrying()
		if len(v.Cookies) > 0 {
			r.Header.Set("Cookie", strings.Join(v.Cookies, "; "))
		}
		p := binding.WhenLocked
		if v.Required {
			p = binding.Required
		}
		var cnf *jwt.Confirmation
		if string(v.CNF) != "null" {
			cnf = confirmation(t, string(v.CNF))
		}
		bound(t, v.Name, p.Check(r, v.SID, cnf), v.Refused)
	}
}
