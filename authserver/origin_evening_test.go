package authserver_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/authserver"
)

// A071: what a form on another site can send, as browsers send it.
func TestA071AnotherSitesFormsAreRefused(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	before := h.everything()
	evil := []ask{from("https://evil.example"), header("Sec-Fetch-Site", "cross-site"), with(cookie)}
	for _, l := range authserver.Table() {
		if !l.Changes || l.Guard == "private" {
			continue
		}
		h.do(l.Method, at(l.Pattern), append(evil, form("username", "eve", "password", good))...).wantCode(403, "origin")
	}
	h.do("POST", "/session", from(app), body("text/plain", `{"username":"ada","password":"`+good+`"}`)).wantCode(415, "unsupported_media_type")
	h.do("POST", "/session", from(app), body("multipart/form-data; boundary=x", "--x--")).wantCode(415, "unsupported_media_type")
	if h.everything() != before {
		t.Error("another site's form changed something")
	}
}

// A072, through the door: near misses of the listed origin.
func TestA072NearMissesAreRefusedAtTheDoor(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	for _, origin := range []string{"null", "https://app.example.com.evil", "https://evilapp.example.com", "https://app.example.com:8443", "http://app.example.com", "", "*"} {
		r := h.do("GET", "/session/refresh", from(origin), with(cookie)).wantCode(403, "origin")
		if r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%q was let in by CORS", origin)
		}
	}
	h.do("GET", "/session/refresh", from(app), from("https://evil.example"), with(cookie)).wantCode(403, "origin")
	h.do("GET", "/session/refresh", from(app), with(cookie)).want(201)
}

// A073: a cookie, and nothing that tells where the request comes from.
func TestA073ACookieWithoutAnOriginIsRefused(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	for _, l := range authserver.Table() {
		if l.Changes && l.Guard != "private" || l.Guard == "own" {
			h.do(l.Method, at(l.Pattern), with(cookie)).wantCode(403, "csrf")
		}
	}
	for _, site := range []string{"none", "cross-site", "same-site"} {
		h.do("GET", "/session/refresh", header("Sec-Fetch-Site", site), with(cookie)).wantCode(403, "csrf")
	}
	h.do("GET", "/session/refresh", header("Referer", "https://evil.example/app.example.com"), with(cookie)).wantCode(403, "csrf")
	r := h.do("GET", "/session/refresh", header("Referer", app+"/page?x=1"), with(cookie)).want(201)
	h.do("GET", "/sessions", header("Sec-Fetch-Site", "same-origin"), with(r.cookie())).want(200)
}

// A075: nobody is logged in or out by a link or an image.
func TestA075LoginAndLogoutAreNotForOtherSites(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	h.browse("mallory")
	r := h.do("POST", "/session", from("https://evil.example"), form("username", "mallory", "password", good)).wantCode(403, "origin")
	if len(r.Cookies()) != 0 {
		t.Error("another site logged its visitor in")
	}
	h.do("POST", "/session", header("Sec-Fetch-Site", "cross-site"), form("username", "mallory", "password", good)).wantCode(403, "csrf")
	for _, path := range []string{"/session", "/sessions", "/session?_method=DELETE", "/logout"} {
		h.do("GET", path, header("Sec-Fetch-Site", "cross-site"), with(cookie))
	}
	h.do("GET", "/session/refresh", from(app), with(cookie)).want(201)
}

// The published back-end clients send Basic credentials and no Origin; a page
// that makes a browser replay them gives itself away.
func TestBasicCredentialsFromAnotherSiteAreRefused(t *testing.T) {
	h := inMemory(t)
	h.browse("ada")
	h.do("PATCH", "/accounts/1/lock", asAdmin).want(200)
	h.do("PUT", "/accounts/1/unlock", asAdmin, body("application/json", "{}")).want(200)
	for name, a := range map[string]ask{
		"origin": from("https://evil.example"), "site": header("Sec-Fetch-Site", "cross-site"),
		"address bar": header("Sec-Fetch-Site", "none"), "referer": header("Referer", "https://evil.example/"),
	} {
		if r := h.do("PATCH", "/accounts/1/lock", asAdmin, a); r.StatusCode != 403 {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	if got := h.do("GET", "/accounts/1", asAdmin).want(200).body; !strings.Contains(got, `"locked":false`) {
		t.Errorf("locked by another site: %s", got)
	}
}

// A078: what pages of which origins may read and send.
func TestA078OnlyTrustedPagesAreSharedWith(t *testing.T) {
	h := inMemory(t)
	ok := h.do("OPTIONS", "/session", from(app), header("Access-Control-Request-Method", "DELETE"), header("Access-Control-Request-Headers", "content-type, Authorization")).want(204)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": app, "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "DELETE",
		"Access-Control-Allow-Headers": "Authorization, Content-Type",
	} {
		if got := ok.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	preflight := func(path, origin, method, headers string) *reply {
		return h.do("OPTIONS", path, from(origin), header("Access-Control-Request-Method", method), header("Access-Control-Request-Headers", headers))
	}
	for name, r := range map[string]*reply{
		"evil origin":      preflight("/session", "https://evil.example", "DELETE", ""),
		"dot as wildcard":  preflight("/session", "https://appxexample.com", "DELETE", ""),
		"null":             preflight("/session", "null", "DELETE", ""),
		"unlisted header":  preflight("/session", app, "DELETE", "content-type, x-evil"),
		"unknown method":   preflight("/session", app, "PATCH", ""),
		"private route":    preflight("/accounts/1", app, "PATCH", ""),
		"evil, no asking":  h.do("GET", "/jwks", from("https://evil.example")),
		"private, trusted": h.do("GET", "/metrics", from(app), asAdmin),
		"refused sign-up":  h.do("POST", "/accounts", from("https://evil.example"), form("username", "x")),
	} {
		for header := range r.Header {
			if strings.HasPrefix(header, "Access-Control-") {
				t.Errorf("%s: %s: %s", name, header, r.Header.Get(header))
			}
		}
		if !strings.Contains(r.Header.Get("Vary"), "Origin") {
			t.Errorf("%s: Vary %q", name, r.Header.Get("Vary"))
		}
	}
	if r := h.do("POST", "/session", from(app), form("username", "x", "password", "y")).want(422); r.Header.Get("Access-Control-Allow-Origin") != app {
		t.Error("a trusted page cannot read why its login failed")
	}
}

// A056: plain HTTP is refused where it arrives, not redirected, and said aloud
// when credentials came over it.
func TestA056PlainHTTPIsRefused(t *testing.T) {
	proxy := netip.MustParsePrefix("192.0.2.0/24") // httptest's peer is in it
	plain := func(r *http.Request) { r.TLS = nil }
	direct := inMemory(t)
	direct.do("POST", "/session", plain, form("username", "x")).wantCode(403, "insecure_request")
	direct.do("GET", "/healthz", plain).want(200)
	direct.do("POST", "/session", plain, header("X-Forwarded-Proto", "https")).wantCode(403, "insecure_request") // not a proxy of ours

	h := inMemory(t, func(c *authserver.Config) { c.TrustedProxies = []netip.Prefix{proxy} })
	h.do("GET", "/jwks", plain).want(200)
	h.do("GET", "/jwks", plain, header("X-Forwarded-Proto", "https")).want(200)
	for _, proto := range []string{"http", "HTTP", "https, http", "ws"} {
		r := h.do("GET", "/session/refresh", plain, header("X-Forwarded-Proto", proto), bearer("secret-thing")).wantCode(403, "insecure_request")
		if r.Header.Get("Location") != "" {
			t.Error("redirected")
		}
	}
	if !strings.Contains(h.log.String(), "credentials were sent over plain HTTP") || strings.Contains(h.log.String(), "secret-thing") {
		t.Errorf("log: %s", h.log)
	}
	if r := h.do("GET", "/jwks"); !strings.HasPrefix(r.Header.Get("Strict-Transport-Security"), "max-age=") {
		t.Error("no HSTS from an https issuer")
	}
}

// A138: a client writes what it likes into X-Forwarded-For; only what a
// trusted proxy adds counts.
func TestA138TheClientsAddressIsNotTheClientsToSay(t *testing.T) {
	seen := func(h *house, asks ...ask) string {
		p := h.do("POST", "/accounts", append(asks, form("username", "ada", "password", good, "transport", "body"))...).want(201).tokens()
		_, rest, _ := strings.Cut(h.do("GET", "/sessions", bearer(p.Refresh)).want(200).body, `"address":"`)
		address, _, _ := strings.Cut(rest, `"`)
		return address
	}
	spoof := []ask{header("X-Forwarded-For", "203.0.113.7"), header("X-Real-Ip", "203.0.113.8"), header("Forwarded", "for=203.0.113.9")}
	if got := seen(inMemory(t), spoof...); got != "192.0.2.1" {
		t.Errorf("no proxy: %q", got)
	}
	proxied := func(c *authserver.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.0/8")}
	}
	for hops, want := range map[string]string{
		"203.0.113.7":                        "203.0.113.7",
		"1.2.3.4, 203.0.113.7, 10.1.1.1":     "203.0.113.7",
		"203.0.113.7, nonsense":              "192.0.2.1",
		"::ffff:203.0.113.7":                 "203.0.113.7",
		"fe80::1%eth0":                       "fe80::1",
		strings.Repeat("10.0.0.1, ", 40):     "192.0.2.1",
		"203.0.113.7\x1b[31m, \u202e10.1.1.": "192.0.2.1",
	} {
		if got := seen(inMemory(t, proxied), header("X-Forwarded-For", hops)); got != want {
			t.Errorf("%q: %q, want %q", hops, got, want)
		}
	}
}
