package jotkeepertest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jotkeepertest"
	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func verifier(t testing.TB, iss *jotkeepertest.Issuer, keys jwt.Keys) *jwt.Verifier[jwt.Access] {
	t.Helper()
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{
		Issuer: iss.URL, Audience: []string{jotkeepertest.DefaultAudience}, Keys: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// remote is a verifier's key set, found by the issuer's URL.
func remote(t testing.TB, iss *jotkeepertest.Issuer, timeout time.Duration) *jwks.Remote {
	t.Helper()
	transport := &http.Transport{}
	r, err := jwks.NewRemote(jwks.RemoteConfig{
		Issuer: iss.URL, Client: &http.Client{Transport: transport}, Timeout: timeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); transport.CloseIdleConnections() })
	return r
}

func TestTokensAreWhatWasAskedFor(t *testing.T) {
	iss := jotkeepertest.NewIssuer(t)
	v := verifier(t, iss, iss.Keys())
	now := time.Now()
	for name, c := range map[string]struct {
		options []jotkeepertest.Option
		want    jwt.Reason
	}{
		"plain":           {nil, ""},
		"expired":         {[]jotkeepertest.Option{jotkeepertest.Expired()}, jwt.Expired},
		"short, expired":  {[]jotkeepertest.Option{jotkeepertest.Lifetime(time.Second), jotkeepertest.Expired()}, jwt.Expired},
		"of tomorrow":     {[]jotkeepertest.Option{jotkeepertest.At(now.Add(24 * time.Hour))}, jwt.Early},
		"other audience":  {[]jotkeepertest.Option{jotkeepertest.Audience("https://other.example.com")}, jwt.BadAud},
		"two audiences":   {[]jotkeepertest.Option{jotkeepertest.Audience("x", jotkeepertest.DefaultAudience)}, ""},
		"another issuer":  {[]jotkeepertest.Option{jotkeepertest.IssuedBy("https://evil.example.net")}, jwt.Issuer},
		"a bad signature": {[]jotkeepertest.Option{jotkeepertest.BadSignature()}, jwt.Signature},
	} {
		if _, err := v.Verify(t.Context(), now, iss.Token(t, c.options...)); jwt.ReasonOf(err) != c.want {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	token, err := v.Verify(t.Context(), now, iss.Token(t, jotkeepertest.Subject("ada"),
		jotkeepertest.Scope("pay", "read"), jotkeepertest.Claim("plan", "pro")))
	if err != nil {
		t.Fatal(err)
	}
	if c := token.Claims(); c.Subject != "ada" || c.Scope != "pay read" || string(c.Private["plan"]) != `"pro"` || c.SessionID == "" {
		t.Errorf("claims: %+v", c)
	}
}

func TestVerifierFindsTheKeysByTheIssuersURL(t *testing.T) {
	iss := jotkeepertest.NewIssuer(t)
	r := remote(t, iss, 0)
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := verifier(t, iss, r)
	old := iss.Token(t)
	iss.Rotate(t)
	for _, raw := range []string{old, iss.Token(t), iss.Token(t)} {
		if _, err := v.Verify(t.Context(), time.Now(), raw); err != nil {
			t.Error(err)
		}
	}
	if d, k := iss.Requests("/.well-known/openid-configuration"), iss.Requests("/.well-known/jwks.json"); d != 1 || k != 2 {
		t.Errorf("%d requests for the document and %d for the keys, want 1 and 2", d, k)
	}
}

// TestA043Misbehaviour is the same as in virtual time, over real sockets: the
// good set stays, whatever comes when it is asked for again.
func TestA043Misbehaviour(t *testing.T) {
	for _, mode := range []jotkeepertest.Mode{
		jotkeepertest.Slow, jotkeepertest.Drip, jotkeepertest.Status500, jotkeepertest.HTML, jotkeepertest.Empty,
		jotkeepertest.Huge, jotkeepertest.GzipBomb, jotkeepertest.Redirect,
	} {
		t.Run(string(mode), func(t *testing.T) {
			iss := jotkeepertest.NewIssuer(t)
			r := remote(t, iss, 300*time.Millisecond)
			if err := r.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			v, raw := verifier(t, iss, r), iss.Token(t)
			iss.Misbehave(mode)
			if err := r.Missing(t.Context(), time.Now(), "unknown"); jwt.ReasonOf(err) != jwt.Unavailable || !errors.Is(err, jwks.ErrFetch) && !errors.Is(err, jwks.ErrSet) {
				t.Errorf("the fetch says %v", err)
			}
			if _, err := v.Verify(t.Context(), time.Now(), raw); err != nil {
				t.Errorf("a good token: %v", err)
			}
			if n := iss.Requests("elsewhere"); n > 0 {
				t.Errorf("a redirect to another host was followed %d times", n)
			}
			if _, err := jwks.Discover(t.Context(), &http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}, iss.URL); err == nil {
				t.Error("the discovery document is good")
			}
		})
	}
}

func TestKeysThatAreNotTheOnesThatSign(t *testing.T) {
	for mode, want := range map[jotkeepertest.Mode]jwt.Reason{
		jotkeepertest.RotatedAway: jwt.BadKey, jotkeepertest.WrongKeys: jwt.Signature,
	} {
		iss := jotkeepertest.NewIssuer(t)
		iss.Misbehave(mode)
		r := remote(t, iss, 0)
		if err := r.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := verifier(t, iss, r).Verify(t.Context(), time.Now(), iss.Token(t)); jwt.ReasonOf(err) != want {
			t.Errorf("%s: got %v, want %q", mode, err, want)
		}
	}
}

func TestCheckKnowsWhatWasRevoked(t *testing.T) {
	iss := jotkeepertest.NewIssuer(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(token string) (int, jwt.Reason) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", iss.URL+"/revocation/v1/check", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer struct{ Code jwt.Reason }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, answer.Code
	}
	good, ended := iss.Token(t), iss.Token(t)
	iss.Revoke(ended)
	for token, want := range map[string]jwt.Reason{good: "", ended: jwt.Revoked, iss.Token(t, jotkeepertest.BadSignature()): jwt.Signature} {
		status, code := ask(token)
		if code != want || (status == 200) != (want == "") {
			t.Errorf("got %d %q, want %q", status, code, want)
		}
	}
}

// A locked token opens with its cookie alone, at a service and at the issuer.
func TestLockedTokens(t *testing.T) {
	iss := jotkeepertest.NewIssuer(t)
	raw, lock := iss.LockedToken(t, jotkeepertest.Lifetime(time.Hour))
	_, other := iss.LockedToken(t)
	if left := time.Until(lock.Expires); left < 50*time.Minute || left > time.Hour {
		t.Errorf("the lock lives for %v, its token for an hour", left)
	}
	auth, err := jotkeeper.New(jotkeeper.Config{Issuer: iss.URL, Audience: jotkeepertest.DefaultAudience, Keys: iss.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	defer auth.Close()
	for name, c := range map[string]struct {
		lock *http.Cookie
		want jwt.Reason
	}{"its lock": {lock, ""}, "another's": {other, jwt.Binding}, "none": {nil, jwt.Binding}} {
		ask := httptest.NewRequest("GET", iss.URL+"/revocation/v1/check", nil)
		ask.Header.Set("Authorization", "Bearer "+raw)
		if c.lock != nil {
			ask.AddCookie(c.lock)
		}
		if _, err := auth.Authenticate(ask); jwt.ReasonOf(err) != c.want {
			t.Errorf("%s, at a service: %v", name, err)
		}
		w := httptest.NewRecorder()
		iss.ServeHTTP(w, ask)
		var said struct{ Code jwt.Reason }
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Code != c.want {
			t.Errorf("%s, at the issuer: %d %s", name, w.Code, w.Body)
		}
	}
}
