package authserver_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A055: the Set-Cookie line of every path that sets one, letter by letter.
func TestA055TheCookieIsOnlyForThisHost(t *testing.T) {
	h := inMemory(t)
	signUp := h.do("POST", "/accounts", from(app), form("username", "ada", "password", good)).want(201)
	refresh := h.do("POST", "/session/refresh", from(app), with(signUp.cookie())).want(201)
	logIn := h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(201)
	change := h.do("POST", "/password", from(app), with(logIn.cookie()), form("currentPassword", good, "password", "another-kettle-43")).want(201)
	out := h.do("DELETE", "/session", from(app), with(change.cookie())).want(200)
	for name, r := range map[string]*reply{"sign-up": signUp, "refresh": refresh, "login": logIn, "password": change, "logout": out} {
		lines := r.Header["Set-Cookie"]
		if len(lines) == 0 {
			t.Errorf("%s sets no cookie", name)
		}
		for _, line := range lines {
			cookie, rest, _ := strings.Cut(line, ";")
			value, _, _ := strings.Cut(strings.TrimPrefix(cookie, "__Host-jkr-"), "=")
			if !strings.HasPrefix(cookie, "__Host-jkr-") || len(value) != 8 || len(line) > 4096 {
				t.Errorf("%s: %s", name, line)
			}
			age, attributes, _ := strings.Cut(strings.TrimPrefix(rest, " Path=/; Max-Age="), ";")
			if want := map[bool]string{true: "0", false: "2592000"}[strings.HasSuffix(cookie, "=")]; age != want || attributes != " HttpOnly; Secure; SameSite=Lax" {
				t.Errorf("%s: Max-Age %s, attributes %q", name, age, attributes)
			}
		}
	}
}

func TestA055OnThisMachineTheCookieNeedsNoTLS(t *testing.T) {
	h := inMemory(t, func(c *authserver.Config) { c.Issuer, c.AppDomains = "http://127.0.0.1:8080", nil })
	r := h.do("POST", "/accounts", from("http://localhost:3000"), form("username", "ada", "password", good)).want(201)
	if c := r.cookie(); !strings.HasPrefix(c.Name, "jkr-") || c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %v", c)
	}
	if aud := claims(t, r.tokens().Access)["aud"]; aud != "localhost:3000" {
		t.Errorf("aud %v, want the page's own host", aud)
	}
	if r.Header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS from an http issuer")
	}
}

// A063: no answer that carries or refuses a token may be kept by anyone.
func TestA063NothingIsKept(t *testing.T) {
	h := inMemory(t)
	cookie, first := h.browse("ada")
	kept := map[string]bool{"/jotkeeper.js": true, "/jwks": true, "/.well-known/jwks.json": true, "/configuration": true, "/.well-known/openid-configuration": true}
	for _, l := range authserver.Table() {
		for _, asks := range [][]ask{{}, {from(app), with(cookie)}, {bearer(first.Access)}, {asAdmin}, {from("https://evil.example")}, {body("text/plain", "x")}} {
			r := h.do(l.Method, at(l.Pattern), asks...)
			got := r.Header.Get("Cache-Control")
			if kept[l.Pattern] != strings.HasPrefix(got, "public, max-age=") || !kept[l.Pattern] && got != "no-store" {
				t.Errorf("%s %s: %d with Cache-Control %q", l.Method, l.Pattern, r.StatusCode, got)
			}
			if !strings.Contains(r.Header.Get("Vary"), "Origin") || r.Header.Get("X-Request-Id") == "" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: headers %v", l.Method, l.Pattern, r.Header)
			}
		}
	}
}

// A069: after a logout the cookie is told to go, and is worth nothing if it stays.
func TestA069ALogoutHoldsEvenIfTheClientKeepsItsCookie(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		cookie, first := h.browse("ada")
		set := h.do("GET", "/session/refresh", from(app), with(cookie)).want(201)
		h.do("DELETE", "/session", from(app), with(set.cookie())).want(200)
		for _, kept := range []*http.Cookie{cookie, set.cookie()} {
			h.do("GET", "/session/refresh", from(app), with(kept)).wantCode(401, "revoked")
			h.do("GET", "/sessions", from(app), with(kept)).wantCode(401, "revoked")
		}
		for _, token := range []string{first.Access, set.tokens().Access} {
			h.do("GET", "/revocation/v1/check", bearer(token)).wantCode(401, "revoked")
		}
		h.do("DELETE", "/session", from(app), with(cookie)).want(200) // again is no error
		h.do("DELETE", "/session", from(app)).want(200)
	})
}

// A106: a cookie that was made up ends nobody's session.
func TestA106AForgedCookieEndsNothing(t *testing.T) {
	h := inMemory(t)
	ada, _ := h.browse("ada")
	eve, _ := h.browse("eve")
	bent := func(c *http.Cookie, at int) *http.Cookie {
		v := []byte(c.Value)
		v[at] ^= 1
		return &http.Cookie{Name: c.Name, Value: string(v)}
	}
	for _, forged := range []*http.Cookie{bent(ada, 20), bent(ada, 60), {Name: ada.Name, Value: eve.Value}, {Name: ada.Name, Value: "jkr_" + strings.Repeat("0", 62)}, {Name: ada.Name, Value: ""}} {
		h.do("DELETE", "/session", from(app), with(forged)).want(200)
		h.do("DELETE", "/sessions", from(app), with(forged)).wantCode(401, "missing")
		h.do("GET", "/session/refresh", from(app), with(forged)).wantCode(401, "missing")
	}
	h.do("GET", "/session/refresh", from(app), with(ada)).want(201)
	h.do("GET", "/session/refresh", from(app), with(eve)).want(201)
}

// A062: whatever was in the browser before a login is dead after it.
func TestA062ALoginMakesANewSession(t *testing.T) {
	h := inMemory(t)
	mallory, _ := h.browse("mallory") // planted in the victim's browser
	h.browse("ada")
	r := h.do("POST", "/session", from(app), with(mallory), form("username", "ada", "password", good, "sid", "AAAAAAAAAAAAAAAAAAAAAA", "refresh", mallory.Value)).want(201)
	if r.cookie().Name == mallory.Name || claims(t, r.tokens().Access)["sub"] != "2" {
		t.Error("the planted session was kept")
	}
	if len(r.Cookies()) != 2 {
		t.Errorf("the planted cookie was left: %v", r.Header["Set-Cookie"])
	}
	h.do("GET", "/session/refresh", from(app), with(mallory)).wantCode(401, "revoked")
	h.do("POST", "/accounts", from(app), with(r.cookie()), form("username", "bob", "password", good)).want(201)
	h.do("GET", "/session/refresh", from(app), with(r.cookie())).wantCode(401, "revoked")
}

func TestOfSeveralCookiesTheNewestLoginCounts(t *testing.T) {
	h := inMemory(t)
	old, _ := h.browse("ada")
	h.clock.pass(time.Minute)
	young := h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(201).cookie()
	r := h.do("GET", "/session/refresh", from(app), with(young, old)).want(201)
	if got := r.cookie(); got.Name != young.Name || len(r.Cookies()) != 1 {
		t.Errorf("set %v", r.Header["Set-Cookie"])
	}
	h.do("DELETE", "/session", from(app), with(r.cookie())).want(200)
	if got := h.do("GET", "/session/refresh", from(app), with(r.cookie(), old)).want(201).cookie(); got.Name != old.Name {
		t.Error("the live session was not found behind the dead one")
	}
	both := h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(201).cookie()
	h.do("DELETE", "/session", from(app), with(old, both)).want(200)
	h.do("GET", "/session/refresh", from(app), with(both)).wantCode(401, "revoked")
}

func TestARefusedRefreshDeletesNoCookie(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	h.do("DELETE", "/session", from(app), with(cookie)).want(200)
	if r := h.do("GET", "/session/refresh", from(app), with(cookie)).want(401); len(r.Cookies()) != 0 {
		t.Errorf("set %v", r.Header["Set-Cookie"])
	}
}

// A counting backend would be a mock; a closed one answers nothing, so what is
// still answered was decided on the CPU.
func TestMadeUpCookiesCostNoQuery(t *testing.T) {
	backend := memory.New()
	h := build(t, backend)
	var many []*http.Cookie
	for i := range 2000 {
		many = append(many, &http.Cookie{Name: fmt.Sprintf("__Host-jkr-%08d", i), Value: "jkr_" + strings.Repeat("a", 62)})
	}
	h.must(backend.Close())
	h.do("GET", "/session/refresh", from(app), with(many...)).wantCode(401, "missing")
}

func TestOnlyTheLastFewCookiesAreLookedAt(t *testing.T) {
	h := inMemory(t)
	first, _ := h.browse("ada")
	jar := []*http.Cookie{first}
	for range 8 {
		jar = append(jar, h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(201).cookie())
	}
	h.do("DELETE", "/session", from(app), with(jar...)).want(200)
	h.do("GET", "/session/refresh", from(app), with(first)).want(201)
	for _, looked := range jar[1:] {
		h.do("GET", "/session/refresh", from(app), with(looked)).wantCode(401, "revoked")
	}
	if n, err := h.backend.Set().Sessions.List(context.Background(), "1", h.clock.now); err != nil || len(n) != 1 {
		t.Errorf("%d sessions live, %v", len(n), err)
	}
}
