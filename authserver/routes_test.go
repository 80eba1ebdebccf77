package authserver_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/session"
)

// at fills the names of a pattern.
func at(pattern string) string {
	return strings.NewReplacer("{$}", "", "{id}", "1", "{sid}", "AAAAAAAAAAAAAAAAAAAAAA").Replace(pattern)
}

func TestEveryRouteHasAGuard(t *testing.T) {
	guards := map[string]bool{"open": true, "origin": true, "cookie+origin": true, "own": true, "leave": true, "bearer": true, "follower": true, "private": true}
	for _, l := range authserver.Table() {
		if !guards[l.Guard] {
			t.Errorf("%s %s: guard %q", l.Method, l.Pattern, l.Guard)
		}
		if l.Guard == "open" && l.Changes {
			t.Errorf("%s %s: an open route changes something", l.Method, l.Pattern)
		}
	}
}

// A080: the table says that nothing is changed by a GET but the refresh that
// Keratin's clients ask for so.
func TestA080OnlyOneGetChangesAnything(t *testing.T) {
	for _, l := range authserver.Table() {
		if l.Method == "GET" && l.Changes && l.Pattern != "/session/refresh" {
			t.Errorf("GET %s changes something", l.Pattern)
		}
		asks := l.Pattern == "/oauth2/introspect" || l.Pattern == "/revocation/v1/check" // with a body: what it names is nobody's address
		if l.Method != "GET" && !l.Changes && !asks {
			t.Errorf("%s %s claims to change nothing", l.Method, l.Pattern)
		}
	}
}

// everything is what a backend keeps, to see whether it changed.
func (h *house) everything() string {
	h.t.Helper()
	set := h.backend.Set()
	accounts, err := set.Accounts.List(h.t.Context(), 0, 100)
	h.must(err)
	keys, err := set.Keys.Keys(h.t.Context())
	h.must(err)
	var sessions []session.Row
	for _, a := range accounts {
		rows, err := set.Sessions.List(h.t.Context(), fmt.Sprint(a.ID), h.clock.now)
		h.must(err)
		sessions = append(sessions, rows...)
	}
	head, err := set.Revocations.Head(h.t.Context())
	h.must(err)
	return fmt.Sprintf("%+v %+v %+v %+v", accounts, keys, sessions, head)
}

// A080: and the store agrees, whatever credentials come along.
func TestA080NothingIsChangedByGetHeadOrOptions(t *testing.T) {
	h := inMemory(t)
	cookie, first := h.browse("ada")
	before := h.everything()
	for _, l := range authserver.Table() {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			if method == "GET" && l.Pattern == "/session/refresh" {
				continue
			}
			h.do(method, at(l.Pattern), from(app), with(cookie))
			h.do(method, at(l.Pattern), from(app), bearer(first.Access))
			h.do(method, at(l.Pattern)+"?username=x&password="+good, asAdmin)
			if after := h.everything(); after != before {
				t.Fatalf("%s %s changed the store", method, l.Pattern)
			}
		}
	}
	if h.do("GET", "/session/refresh", from(app), with(cookie)).want(201); h.everything() == before {
		t.Error("this test does not see a change when there is one")
	}
}

// A169: nobody but the administrator gets past the guard of a private route.
func TestA169PrivateRoutesAreForTheAdministrator(t *testing.T) {
	h := inMemory(t)
	cookie, first := h.browse("ada")
	p := h.program("bob")
	own := h.do("POST", "/session", form("username", "bob", "password", good, "audience", issuer)).want(201).tokens()
	strangers := map[string][]ask{
		"nobody":         {},
		"a cookie":       {from(app), with(cookie)},
		"access token":   {bearer(first.Access)},
		"refresh token":  {bearer(p.Refresh)},
		"issuer's token": {bearer(own.Access)},
		"wrong password": {func(r *http.Request) { r.SetBasicAuth("admin", adminKey+"x") }},
		"empty password": {func(r *http.Request) { r.SetBasicAuth("admin", "") }},
		"wrong name":     {func(r *http.Request) { r.SetBasicAuth("root", adminKey) }},
		"empty both":     {func(r *http.Request) { r.SetBasicAuth("", "") }},
		"in the query":   {func(r *http.Request) { r.URL.RawQuery = "username=admin&password=" + adminKey }},
	}
	private := 0
	before := h.everything()
	for _, l := range authserver.Table() {
		if l.Guard != "private" {
			continue
		}
		private++
		for who, asks := range strangers {
			r := h.do(l.Method, at(l.Pattern), asks...)
			if r.StatusCode != 401 && r.StatusCode != 403 {
				t.Errorf("%s %s with %s: %d", l.Method, l.Pattern, who, r.StatusCode)
			}
			if r.StatusCode == 401 && !strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s %s: challenge %q", l.Method, l.Pattern, r.Header.Get("WWW-Authenticate"))
			}
		}
	}
	if private == 0 {
		t.Error("no private route found")
	}
	if h.everything() != before {
		t.Error("a stranger changed something")
	}
}

func TestWithoutAPasswordThePrivateRoutesAreClosed(t *testing.T) {
	h := inMemory(t, func(c *authserver.Config) { c.AdminPassword = [32]byte{}; c.AdminUsername = "" })
	for _, asks := range [][]ask{{}, {asAdmin}, {func(r *http.Request) { r.SetBasicAuth("", "") }}} {
		h.do("GET", "/metrics", asks...).wantCode(401, "bad_credentials")
	}
}

func TestAWrongVerbIsToldTheRightOnes(t *testing.T) {
	h := inMemory(t)
	for path, allow := range map[string]string{
		"/session":         "DELETE, OPTIONS, POST",
		"/session/refresh": "GET, OPTIONS, POST", // no HEAD: it would change something
		"/jwks":            "GET, HEAD, OPTIONS",
		"/accounts/1":      "GET, HEAD, OPTIONS, PATCH, PUT",
	} {
		r := h.do("BREW", path).wantCode(405, "method_not_allowed")
		if got := r.Header.Get("Allow"); got != allow {
			t.Errorf("%s: Allow %q, want %q", path, got, allow)
		}
	}
}

// A066: verbs that nobody meant, and verbs smuggled past the table.
func TestA066UnknownVerbsAreRefused(t *testing.T) {
	h := inMemory(t)
	cookie, _ := h.browse("ada")
	for _, verb := range []string{"TRACE", "PROPFIND", "get", "BREW"} {
		h.do(verb, "/session", from(app), with(cookie)).wantCode(405, "method_not_allowed")
	}
	before := h.everything()
	for _, a := range []ask{header("X-HTTP-Method-Override", "DELETE"), header("X-HTTP-Method", "DELETE"), header("X-Method-Override", "DELETE")} {
		h.do("GET", "/sessions", from(app), with(cookie), a).want(200)
	}
	h.do("POST", "/session", from(app), with(cookie), form("_method", "DELETE")).want(422)
	h.do("GET", "/sessions?_method=DELETE", from(app), with(cookie)).want(200)
	if accounts(before) != accounts(h.everything()) {
		t.Error("a verb in a header was obeyed")
	}
}

// accounts cuts a dump to something that a failed login does not change.
func accounts(dump string) int { return strings.Count(dump, "State:active") }

// A171: what looks like a way out of a path names nothing.
func TestA171PathsAreTakenAsTheyAre(t *testing.T) {
	h := inMemory(t)
	h.browse("ada")
	for _, path := range []string{
		"/accounts/../keys", "/accounts/%2e%2e/keys", "/accounts/..%2fkeys", "//accounts/1", "/accounts//1", "/accounts/1/", "/./accounts/1",
		"/accounts/one", "/accounts/1x", "/accounts/-1", "/accounts/+1", "/accounts/0x1", "/accounts/99999999999999999999", "/accounts/1%00",
		"/nothing", "/accounts/1/unlock/now", "/SESSION", "/jwks/", "/.well-known/", "/accounts/%31/",
	} {
		h.do("GET", path, asAdmin).wantCode(404, "not_found")
		h.do("PATCH", path, asAdmin).want(404)
	}
	h.do("GET", "/accounts/1", asAdmin).want(200)
	h.do("GET", "/accounts/2", asAdmin).want(404).wantBody(`{"errors":[{"field":"account","message":"NOT_FOUND"}]}`)
}

func TestAnIssuerWithAPathPrefixesEveryRoute(t *testing.T) {
	h := inMemory(t, func(c *authserver.Config) { c.Issuer = "https://example.com/authn" })
	h.do("GET", "/authn/jwks").want(200)
	h.do("GET", "/jwks").wantCode(404, "not_found")
	h.do("GET", "/authnjwks").wantCode(404, "not_found")
	if got := h.do("GET", "/authn/configuration").want(200).body; !strings.Contains(got, `"jwks_uri":"https://example.com/authn/.well-known/jwks.json"`) {
		t.Errorf("configuration %s", got)
	}
}

func TestNewRefusesWhatWouldBeUnsafe(t *testing.T) {
	whole := inMemory(t).cfg
	for name, c := range map[string]struct {
		change func(*authserver.Config)
		says   string
	}{
		"no rooms":            {func(c *authserver.Config) { c.Acts = nil }, "are all needed"},
		"no issuer":           {func(c *authserver.Config) { c.Issuer = "" }, "is not an http or https URL"},
		"plain http":          {func(c *authserver.Config) { c.Issuer = "http://id.example.com" }, "must be https"},
		"issuer with a query": {func(c *authserver.Config) { c.Issuer = issuer + "?x=1" }, "is not a plain URL"},
		"issuer with a hole":  {func(c *authserver.Config) { c.Issuer = issuer + "/{x}" }, "routes cannot stand below"},
		"issuer with dots":    {func(c *authserver.Config) { c.Issuer = issuer + "/a/../b" }, "routes cannot stand below"},
		"issuer with a user":  {func(c *authserver.Config) { c.Issuer = "https://me@id.example.com" }, "is not a plain URL"},
		"a bad app domain":    {func(c *authserver.Config) { c.AppDomains = []string{"*.com"} }, "write host, host:port"},
		"a bad body origin":   {func(c *authserver.Config) { c.BodyOrigins = []string{"a b"} }, "write host, host:port"},
		"password, no name":   {func(c *authserver.Config) { c.AdminUsername = "" }, "needs an AdminUsername"},
	} {
		cfg := whole
		c.change(&cfg)
		h, err := authserver.New(cfg)
		if h != nil || !errors.Is(err, authserver.ErrConfig) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := authserver.New(whole); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

// The reference names every route as the table has it, in its order.
func TestTheReferenceHasTheTable(t *testing.T) {
	page, err := os.ReadFile("../docs/reference/http-api.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	yes := map[bool]string{true: "yes", false: "no"}
	whose := map[bool]string{true: "keratin", false: "ours"}
	for _, l := range authserver.Table() {
		fmt.Fprintf(&want, "| %s | `%s` | %s | %s | %s |\n", l.Method, strings.TrimSuffix(l.Pattern, "{$}"), l.Guard, yes[l.Changes], whose[l.Compatible])
	}
	if !strings.Contains(string(page), "|---|---|---|---|---|\n"+want.String()+"\n") {
		t.Errorf("docs/reference/http-api.md lacks this table:\n%s", want.String())
	}
}
