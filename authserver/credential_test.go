package authserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/authserver"
)

// A058: two people in one request are nobody.
func TestA058TwoIdentitiesAreAmbiguous(t *testing.T) {
	h := inMemory(t)
	cookie, a := h.browse("ada")
	bob := h.program("bob")
	own := h.do("POST", "/session", form("username", "bob", "password", good, "audience", issuer)).want(201).tokens()
	for _, path := range []string{"/sessions"} {
		h.do("GET", path, from(app), with(cookie), bearer(bob.Refresh)).wantCode(400, "ambiguous")
		h.do("GET", path, from(app), with(cookie), bearer(own.Access)).wantCode(400, "ambiguous")
	}
	h.do("DELETE", "/session", from(app), with(cookie), bearer(bob.Access)).wantCode(400, "ambiguous")
	h.do("DELETE", "/session", form("refresh_token", bob.Refresh), bearer(a.Access)).wantCode(400, "ambiguous")
	h.do("GET", "/revocation/v1/check", bearer(a.Access)).want(200)
	h.do("GET", "/revocation/v1/check", bearer(bob.Access)).want(200)

	h.do("DELETE", "/session", from(app), with(cookie), bearer(a.Access)).want(200)  // one identity twice
	h.do("GET", "/sessions", from(app), with(cookie), bearer(bob.Refresh)).want(200) // a dead cookie says nothing
}

// A025, at this door: one spelling of the header.
func TestA025TheAuthorizationHeaderHasOneForm(t *testing.T) {
	h := inMemory(t)
	p := h.program("ada")
	for value, want := range map[string]int{
		"Bearer " + p.Refresh: 200, "bearer " + p.Refresh: 200, "BEARER " + p.Refresh: 200,
		"Bearer  " + p.Refresh: 400, "Bearer\t" + p.Refresh: 401, "Bearer Bearer " + p.Refresh: 400, "Bearer": 400,
		"Bearer " + p.Refresh + ",": 400, "Basic " + p.Refresh: 401, p.Refresh: 401, "Token " + p.Refresh: 401,
	} {
		if r := h.do("GET", "/sessions", header("Authorization", value)); r.StatusCode != want {
			t.Errorf("%.20q…: %d, want %d", value, r.StatusCode, want)
		}
	}
	h.do("GET", "/sessions", bearer(p.Refresh), bearer(p.Refresh)).wantCode(400, "malformed_request")
}

// A067: a token in a URL is not a token, and is not written down.
func TestA067TokensInURLsAreIgnoredAndNotLogged(t *testing.T) {
	h := inMemory(t)
	p := h.program("ada")
	for _, q := range []string{"access_token", "token", "refresh_token", "id_token", "jwt"} {
		h.do("GET", "/sessions?"+q+"="+p.Refresh).wantCode(401, "missing")
		h.do("GET", "/revocation/v1/check?"+q+"="+p.Access).wantCode(401, "missing")
		h.do("GET", "/session/refresh?"+q+"="+p.Refresh).wantCode(401, "missing")
		h.do("POST", "/session/refresh?"+q+"="+p.Refresh, form()).wantCode(401, "missing")
		h.do("DELETE", "/session?"+q+"="+p.Refresh).want(200)
	}
	h.do("POST", "/session?username=ada&password="+good, form()).want(422)
	h.do("GET", "/reset/"+p.Access).wantCode(404, "not_found")
	h.do("GET", "/"+p.Refresh).wantCode(404, "not_found")
	h.do("GET", "/sessions/"+p.Refresh, bearer(p.Refresh)).wantCode(405, "method_not_allowed")
	for _, never := range []string{p.Access[:20], p.Refresh[:20], good} {
		if strings.Contains(h.log.String(), never) {
			t.Errorf("the log holds %q", never)
		}
	}
	h.do("POST", "/session/refresh", form("refresh_token", p.Refresh)).want(201)
}

// Pinned: who is answered with a refresh token in the body.
func TestWhoMayCarryTheRefreshToken(t *testing.T) {
	h := inMemory(t, func(c *authserver.Config) { c.BodyOrigins = []string{"other.example.com"} })
	cookie, _ := h.browse("ada")
	login := func(asks ...ask) *reply {
		return h.do("POST", "/session", append(asks, form("username", "ada", "password", good, "transport", "body"))...)
	}
	site := header("Sec-Fetch-Site", "cross-site")
	login().want(201)                                           // a program
	login(from(app)).want(201)                                  // a program that names an origin of the list
	login(from("https://evil.example")).wantCode(403, "origin") // or one that is not
	login(from(app), site).wantCode(403, "origin")              // a page
	login(from(other), site).want(201)                          // a page of an origin that may
	login(from(app), with(cookie)).wantCode(400, "malformed_request")
	h.do("POST", "/session/refresh", from(app), with(cookie), form("transport", "body")).wantCode(400, "malformed_request")
	h.do("POST", "/session/refresh", from(app), with(cookie), form("refresh_token", cookie.Value)).wantCode(400, "malformed_request")
	h.do("POST", "/session/refresh", from(app), site, form("refresh_token", cookie.Value)).wantCode(403, "origin")
	h.do("POST", "/session/refresh", form("transport", "body")).wantCode(401, "missing")
	h.do("POST", "/session", form("username", "ada", "password", good, "transport", "smoke")).wantCode(400, "malformed_request")
	if r := login(); len(r.Cookies()) != 0 {
		t.Errorf("set %v", r.Header["Set-Cookie"])
	}
	asJSON := h.do("POST", "/session", body("application/json", `{"username":"ada","password":"`+good+`","transport":"body"}`)).want(201).tokens()
	h.do("POST", "/session/refresh", body("application/json", `{"refresh_token":"`+asJSON.Refresh+`"}`)).want(201)
	changed := h.do("POST", "/password", form("refresh_token", asJSON.Refresh, "currentPassword", good, "password", "another-kettle-43")).want(201)
	if p := changed.tokens(); p.Refresh == "" || p.ExpiresIn != 900 || len(changed.Cookies()) != 0 {
		t.Errorf("a program's new password: %s", changed.body)
	}
}

// A094: each credential at the other's door, and refresh by verbs it has not.
func TestA094AnAccessTokenRefreshesNothing(t *testing.T) {
	h := inMemory(t)
	cookie, a := h.browse("ada")
	h.do("POST", "/session/refresh", form("refresh_token", a.Access)).wantCode(401, "malformed")
	h.do("POST", "/session/refresh", from(app), with(&http.Cookie{Name: cookie.Name, Value: a.Access})).wantCode(401, "missing")
	h.do("POST", "/session/refresh", bearer(a.Access)).wantCode(401, "missing")
	h.do("GET", "/revocation/v1/check", bearer(cookie.Value)).want(401)
	before := h.everything()
	for _, verb := range []string{"HEAD", "PUT", "PATCH", "DELETE"} {
		h.do(verb, "/session/refresh", from(app), with(cookie)).want(405)
	}
	if h.everything() != before {
		t.Error("a refused verb changed the store")
	}
}

// An application's access token opens the check and its own logout, and
// nothing else. One for the issuer alone is the person's own.
func TestAnApplicationsTokenOpensNothingElse(t *testing.T) {
	h := inMemory(t)
	p := h.program("ada")
	for _, l := range authserver.Table() {
		if l.Guard == "own" {
			h.do(l.Method, at(l.Pattern), bearer(p.Access)).wantCode(401, "audience")
		}
	}
	h.do("POST", "/password", bearer(p.Access), form("currentPassword", good, "password", "another-kettle-43")).wantCode(401, "missing")
	h.do("GET", "/revocation/v1/check", bearer(p.Access)).want(200)
	own := h.do("POST", "/session/refresh", form("refresh_token", p.Refresh, "audience", issuer)).want(201).tokens()
	if aud := claims(t, own.Access)["aud"]; aud != issuer {
		t.Errorf("aud %v", aud)
	}
	h.do("GET", "/sessions", bearer(own.Access)).want(200)
	h.do("DELETE", "/session", bearer(own.Access)).want(200)
	h.do("GET", "/sessions", bearer(own.Access)).wantCode(401, "revoked")
}

// A095: a refresh widens nothing.
func TestA095ARefreshAsksForNoMore(t *testing.T) {
	h := inMemory(t)
	h.program("ada")
	p := h.do("POST", "/session", form("username", "ada", "password", good, "transport", "body", "scope", "admin", "sub", "2", "amr", "otp")).want(201).tokens()
	r := h.do("POST", "/session/refresh", form("refresh_token", p.Refresh, "scope", "admin", "sub", "2", "amr", "otp", "auth_time", "1")).want(201).tokens()
	before, after := claims(t, p.Access), claims(t, r.Access)
	for _, name := range []string{"iss", "sub", "aud", "sid", "amr", "auth_time", "scope", "acr"} {
		if fmt.Sprint(before[name]) != fmt.Sprint(after[name]) || before["scope"] != nil {
			t.Errorf("%s: %v became %v", name, before[name], after[name])
		}
	}
	for _, audience := range []string{"evil.example", "other.example.com", "https://id.example.com/"} {
		h.do("POST", "/session/refresh", form("refresh_token", r.Refresh, "audience", audience)).wantCode(400, "malformed_request")
	}
	h.do("POST", "/session", from(app), form("username", "ada", "password", good, "audience", "other.example.com")).wantCode(400, "malformed_request")
	h.do("POST", "/session", form("username", "ada", "password", good, "audience", "evil.example")).wantCode(400, "malformed_request")
	sso := h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(201).cookie()
	if aud := claims(t, h.do("GET", "/session/refresh", from(other), with(sso)).want(201).tokens().Access)["aud"]; aud != "other.example.com" {
		t.Errorf("aud %v at another trusted application", aud)
	}
}

// A097: other people's sessions and sessions that never were look alike.
func TestA097AnotherPersonsSessionIsNotThere(t *testing.T) {
	h := inMemory(t)
	ada, bob := h.program("ada"), h.program("bob")
	theirs := claims(t, bob.Access)["sid"].(string)
	one := h.do("DELETE", "/sessions/"+theirs, bearer(ada.Refresh)).wantCode(404, "not_found")
	two := h.do("DELETE", "/sessions/AAAAAAAAAAAAAAAAAAAAAA", bearer(ada.Refresh)).wantCode(404, "not_found")
	cut := func(s string) string { before, _, _ := strings.Cut(s, `"request_id"`); return before }
	if cut(one.body) != cut(two.body) {
		t.Errorf("%s differs from %s", one.body, two.body)
	}
	h.do("GET", "/revocation/v1/check", bearer(bob.Access)).want(200)
	for _, raw := range []string{"nonsense", "jkr_nonsense", "jkr_" + strings.Repeat("0", 62)} {
		h.do("DELETE", "/session", form("refresh_token", raw)).want(200)
	}
	h.do("DELETE", "/session", form("refresh_token", bob.Refresh)).want(200)
	h.do("DELETE", "/session", form("refresh_token", bob.Refresh)).want(200)
	h.do("DELETE", "/session", bearer(bob.Access)).want(200)
}

// A108: the list says where, never with what; one device ends, others live.
func TestA108TheListHoldsNothingUsable(t *testing.T) {
	h := inMemory(t)
	laptop := h.program("ada")
	h.clock.pass(90 * time.Minute)
	phone := h.do("POST", "/session", header("User-Agent", "Phone/1\u202e\x1b[2J<script>"), form("username", "ada", "password", good, "transport", "body")).want(201).tokens()
	r := h.do("GET", "/sessions", bearer(phone.Refresh)).want(200)
	sid := func(p tokens) string { return claims(t, p.Access)["sid"].(string) }
	want := `{"result":[` +
		`{"sid":"` + sid(phone) + `","current":true,"created_at":"2026-05-01T21:30:00Z","seen_at":"2026-05-01T21:00:00Z","expires_at":"2026-05-31T21:30:00Z","amr":["pwd"],"device":{"agent":"Phone/1\\u202e\\x1b[2J\u003cscript\u003e","address":"192.0.2.1"}},` +
		`{"sid":"` + sid(laptop) + `","current":false,"created_at":"2026-05-01T20:00:00Z","seen_at":"2026-05-01T20:00:00Z","expires_at":"2026-05-31T20:00:00Z","amr":["pwd"],"device":{"agent":"","address":"192.0.2.1"}}]}`
	r.wantBody(want)
	for _, secret := range []string{phone.Refresh, laptop.Refresh, phone.Refresh[4:30]} {
		if strings.Contains(r.body, secret) {
			t.Error("the list holds a credential")
		}
	}
	h.do("DELETE", "/sessions/"+sid(laptop), bearer(phone.Refresh)).want(200)
	h.do("POST", "/session/refresh", form("refresh_token", phone.Refresh)).want(201)
	h.do("POST", "/session/refresh", form("refresh_token", laptop.Refresh)).wantCode(401, "revoked")
}

// A110: whoever has a stolen token is out as soon as the theft is seen.
func TestA110ATheftEndsTheThiefsSessionToo(t *testing.T) {
	h := inMemory(t)
	stolen := h.program("ada")
	next := stolen
	for range 3 {
		next = h.do("POST", "/session/refresh", form("refresh_token", next.Refresh)).want(201).tokens()
		h.clock.pass(10 * time.Minute)
	}
	h.do("POST", "/session/refresh", form("refresh_token", stolen.Refresh)).wantCode(401, "reused")
	h.do("POST", "/session/refresh", form("refresh_token", next.Refresh)).wantCode(401, "reused")
	h.do("GET", "/revocation/v1/check", bearer(next.Access)).wantCode(401, "revoked")
}

func TestAnOvertakenRefreshIsToldToWait(t *testing.T) {
	h := inMemory(t)
	first := h.program("ada")
	second := h.do("POST", "/session/refresh", form("refresh_token", first.Refresh)).want(201).tokens()
	h.clock.pass(2 * time.Minute) // past the hold of the second, so that there is a third
	third := h.do("POST", "/session/refresh", form("refresh_token", second.Refresh)).want(201).tokens()
	r := h.do("POST", "/session/refresh", form("refresh_token", first.Refresh)).wantCode(503, "unavailable")
	if r.Header.Get("Retry-After") == "" || !strings.Contains(r.body, `"error":`) {
		t.Errorf("%v %s", r.Header, r.body)
	}
	if same := h.do("POST", "/session/refresh", form("refresh_token", third.Refresh)).want(201).tokens(); same.Refresh != "" || same.Access == third.Access {
		t.Errorf("within the hold: %+v", same)
	}
}

// One login serves every application of the list, on whatever port it runs.
func TestOneLoginServesTheOtherApplications(t *testing.T) {
	h := inMemory(t, func(c *authserver.Config) { c.Issuer, c.AppDomains = "http://127.0.0.1:8080", nil })
	r := h.do("POST", "/accounts", from("http://localhost:3000"), form("username", "ada", "password", good)).want(201)
	next := h.do("GET", "/session/refresh", from("http://localhost:5173"), with(r.cookie())).want(201)
	if aud := claims(t, next.tokens().Access)["aud"]; aud != "localhost:5173" {
		t.Errorf("aud %v, want the other page's", aud)
	}
	h.do("GET", "/session/refresh", from("https://localhost.evil.test"), with(next.cookie())).wantCode(403, "origin")
}

// Where a refresh token is meant, the remedy does not speak of access tokens.
func TestARefusedRefreshNamesTheRefreshToken(t *testing.T) {
	h := inMemory(t)
	for _, a := range []*reply{
		h.do("POST", "/session/refresh").wantCode(401, "missing"),
		h.do("POST", "/session/refresh", form("refresh_token", "jkr_no")).wantCode(401, "malformed"),
		h.do("GET", "/sessions").wantCode(401, "missing"),
	} {
		if hint := a.body; !strings.Contains(hint, "efresh token") || strings.Contains(hint, "access token") {
			t.Errorf("the hint misleads: %s", hint)
		}
	}
}

// After a master key was taken out, a browser still brings cookies made under
// it, which it cannot delete. They open nothing, and keep nobody out.
func TestACookieUnderALostMasterKeyKeepsNobodyOut(t *testing.T) {
	before, after := inMemory(t), inMemory(t) // each with a master key of its own
	old, _ := before.browse("ada")
	after.program("ada")
	after.do("POST", "/session", from(app), with(old), form("username", "ada", "password", good)).want(201)
	after.do("POST", "/session/refresh", from(app), with(old)).wantCode(503, "unavailable")
}
