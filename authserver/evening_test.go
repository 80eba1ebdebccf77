package authserver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Ada signs up in a browser, comes back, looks around and leaves.
func TestAnEveningInABrowser(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		cookie, first := h.browse("Ada")
		if c := claims(t, first.Access); c["aud"] != "app.example.com" || c["iss"] != issuer || c["sid"] == nil || c["sub"] != "1" {
			t.Errorf("claims %v", c)
		}
		if first.Refresh != "" || first.ExpiresIn != 0 {
			t.Errorf("a page was given %+v in the body", first)
		}

		r := h.do("GET", "/session/refresh", from(app), with(cookie)).want(201)
		second := r.cookie()
		if second.Name != cookie.Name || second.Value == cookie.Value {
			t.Errorf("refresh set %v after %v", second, cookie)
		}
		if claims(t, r.tokens().Access)["sid"] != claims(t, first.Access)["sid"] {
			t.Error("the refresh changed the sid")
		}

		list := h.do("GET", "/sessions", from(app), with(second)).want(200)
		if !strings.Contains(list.body, `"current":true`) || !strings.Contains(list.body, `"amr":["pwd"]`) {
			t.Errorf("sessions: %s", list.body)
		}

		out := h.do("DELETE", "/session", from(app), with(second)).want(200).wantBody("")
		gone := out.Cookies()
		if len(gone) != 1 || gone[0].Name != second.Name || gone[0].MaxAge != -1 {
			t.Errorf("logout set %v", out.Header["Set-Cookie"])
		}
		h.do("POST", "/session/refresh", from(app), with(second)).wantCode(401, "revoked")
		h.do("GET", "/revocation/v1/check", bearer(first.Access)).wantCode(401, "revoked")
	})
}

// The README's transcript: a program with curl.
func TestAnEveningAtATerminal(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		s := h.program("ada")
		if s.ExpiresIn != 900 || !strings.HasPrefix(s.Refresh, "jkr_") {
			t.Errorf("got %+v", s)
		}
		if aud := claims(t, s.Access)["aud"]; aud != "app.example.com" {
			t.Errorf("aud %v, want the first app domain", aud)
		}
		r := h.do("POST", "/session/refresh", form("refresh_token", s.Refresh)).want(201)
		if len(r.Cookies()) != 0 {
			t.Errorf("a program was given a cookie: %v", r.Cookies())
		}
		next := r.tokens()
		if next.Refresh == "" || next.Refresh == s.Refresh {
			t.Errorf("refresh token %q after %q", next.Refresh, s.Refresh)
		}
		h.do("GET", "/sessions", bearer(next.Refresh)).want(200)
		h.do("GET", "/revocation/v1/check", bearer(s.Access)).want(200).wantBody(`{"active":true}`)
		h.do("DELETE", "/session", bearer(s.Access)).want(200)
		h.do("GET", "/revocation/v1/check", bearer(s.Access)).wantCode(401, "revoked")
		h.do("POST", "/session/refresh", form("refresh_token", next.Refresh)).wantCode(401, "revoked")
	})
}

func TestLoginWithTheEnvelopesOfKeratin(t *testing.T) {
	h := inMemory(t)
	h.browse("ada")
	h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(201).cookie()
	h.do("POST", "/session", from(app), form("username", "ada", "password", "wrong")).want(422).
		wantBody(`{"errors":[{"field":"credentials","message":"FAILED"}]}`)
	h.do("POST", "/session", from(app), form("username", "nobody", "password", good)).want(422).
		wantBody(`{"errors":[{"field":"credentials","message":"FAILED"}]}`)
	h.do("POST", "/accounts", from(app), form("username", "ada", "password", good)).want(422).
		wantBody(`{"errors":[{"field":"username","message":"TAKEN"}]}`)
	h.do("POST", "/accounts", from(app), form()).want(422).
		wantBody(`{"errors":[{"field":"username","message":"MISSING"},{"field":"password","message":"MISSING"}]}`)
	h.do("GET", "/accounts/available?username=ada", from(app)).want(422).
		wantBody(`{"errors":[{"field":"username","message":"TAKEN"}]}`)
	h.do("GET", "/accounts/available?username=bob", from(app)).want(200).wantBody(`{"result":true}`)
	h.do("GET", "/session/refresh", from(app)).wantCode(401, "missing")
}

func TestANewPasswordEndsEverySession(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		cookie, first := h.browse("ada")
		elsewhere := h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(201)

		h.do("POST", "/password", from(app), with(cookie), form("currentPassword", "wrong", "password", "another-kettle-43")).want(422).
			wantBody(`{"errors":[{"field":"credentials","message":"FAILED"}]}`)
		h.do("POST", "/password", from(app), form("currentPassword", good, "password", "another-kettle-43")).wantCode(401, "missing")

		r := h.do("POST", "/password", from(app), with(cookie), form("currentPassword", good, "password", "another-kettle-43")).want(201)
		next := r.cookie()
		if next.Name == cookie.Name {
			t.Error("the new password kept the old session")
		}
		for _, dead := range []*http.Cookie{cookie, elsewhere.cookie()} {
			h.do("POST", "/session/refresh", from(app), with(dead)).wantCode(401, "revoked")
		}
		for _, dead := range []string{first.Access, elsewhere.tokens().Access} {
			h.do("GET", "/revocation/v1/check", bearer(dead)).wantCode(401, "revoked")
		}
		h.do("GET", "/revocation/v1/check", bearer(r.tokens().Access)).want(200)
		h.do("POST", "/session/refresh", from(app), with(next)).want(201)
		h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(422)
		h.do("POST", "/session", from(app), form("username", "ada", "password", "another-kettle-43")).want(201)
	})
}

func TestOneEndsSessionsElsewhere(t *testing.T) {
	h := inMemory(t)
	here := h.program("ada")
	h.clock.pass(time.Minute)
	phone := h.do("POST", "/session", form("username", "ada", "password", good, "transport", "body")).want(201).tokens()
	tablet := h.do("POST", "/session", form("username", "ada", "password", good, "transport", "body")).want(201).tokens()
	bob := h.program("bob")

	h.do("DELETE", "/sessions/"+claims(t, phone.Access)["sid"].(string), bearer(here.Refresh)).want(200).wantBody("")
	h.do("POST", "/session/refresh", form("refresh_token", phone.Refresh)).wantCode(401, "revoked")
	h.do("POST", "/session/refresh", form("refresh_token", tablet.Refresh)).want(201)
	h.do("DELETE", "/sessions", bearer(here.Refresh)).want(200).wantBody(`{"result":{"ended":1}}`)
	h.do("GET", "/revocation/v1/check", bearer(tablet.Access)).wantCode(401, "revoked")
	h.do("GET", "/revocation/v1/check", bearer(here.Access)).want(200)
	h.do("GET", "/revocation/v1/check", bearer(bob.Access)).want(200)
}
