package frameworks_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/examples/frameworks/chi"
	"github.com/jotkeeper/jotkeeper/examples/frameworks/echo"
	"github.com/jotkeeper/jotkeeper/examples/frameworks/gin"
	"github.com/jotkeeper/jotkeeper/examples/frameworks/nethttp"
	"github.com/jotkeeper/jotkeeper/jotkeepertest"
)

var apps = map[string]func(*jotkeeper.Auth) http.Handler{
	"net/http": nethttp.App, "chi": chi.App, "gin": gin.App, "echo": echo.App,
}

// A step of the story: what is sent, and what comes back.
type step struct {
	what   string
	method string // GET if empty
	path   string
	header map[string]string
	status int
	answer string // the body, or the code of a refusal
}

func TestTheSameStoryInEveryFramework(t *testing.T) {
	for name, app := range apps {
		t.Run(name, func(t *testing.T) {
			issuer := jotkeepertest.NewIssuer(t)
			auth, err := jotkeeper.New(jotkeeper.Config{
				Issuer: issuer.URL, Audience: jotkeepertest.DefaultAudience, Keys: issuer.Keys(), Origins: []string{"https://app.example.com"},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer auth.Close()
			server := httptest.NewServer(app(auth))
			defer server.Close()
			for _, s := range story(t, issuer) {
				status, answer, header := s.run(t, server.URL)
				if status != s.status || answer != s.answer {
					t.Errorf("%s: %d %q, want %d %q", s.what, status, answer, s.status, s.answer)
				}
				if s.path != "/" && (header.Get("Cache-Control") != "no-store" || !strings.Contains(header.Get("Vary"), "Cookie")) {
					t.Errorf("%s: the answer may be kept by others: %v", s.what, header)
				}
				if s.status == http.StatusUnauthorized && !strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: no challenge", s.what)
				}
			}
		})
	}
}

// story is fourteen requests: who gets in, who does not, and why.
func story(t *testing.T, issuer *jotkeepertest.Issuer) []step {
	ada, bob := issuer.Token(t, jotkeepertest.Subject("ada")), issuer.Token(t, jotkeepertest.Subject("bob"))
	payer := issuer.Token(t, jotkeepertest.Subject("ada"), jotkeepertest.Scope("pay"))
	header := func(token string) map[string]string { return map[string]string{"Authorization": "Bearer " + token} }
	cookie := func(token, origin string) map[string]string {
		h := map[string]string{"Cookie": jotkeeper.DefaultCookie + "=" + token}
		if origin != "" {
			h["Origin"] = origin
		}
		return h
	}
	socket := func(origin string) map[string]string {
		h := cookie(ada, origin)
		h["Connection"], h["Upgrade"] = "Upgrade", "websocket"
		return h
	}
	both := cookie(bob, "")
	both["Authorization"] = "Bearer " + ada
	return []step{
		{"anybody may look at the first page", "", "/", nil, 200, "welcome"},
		{"nobody's orders", "", "/orders", nil, 401, "missing"},
		{"a token in the header", "", "/orders", header(ada), 200, "orders of ada"},
		{"a token in the cookie", "", "/orders", cookie(ada, ""), 200, "orders of ada"},
		{"two people in one request", "", "/orders", both, 400, "ambiguous"},
		{"no token at all", "", "/orders", header("none"), 401, "malformed"},
		{"an old token", "", "/orders", header(issuer.Token(t, jotkeepertest.Expired())), 401, "expired"},
		{"another service's token", "", "/orders", header(issuer.Token(t, jotkeepertest.Audience("https://other.example.com"))), 401, "audience"},
		{"a page of another site", "POST", "/orders", cookie(ada, "https://evil.example"), 403, "csrf"},
		{"a page of our own", "POST", "/orders", cookie(ada, "https://app.example.com"), 201, "ordered by ada"},
		{"another site's WebSocket (A084)", "", "/orders", socket("https://evil.example"), 403, "csrf"},
		{"a WebSocket of our own", "", "/orders", socket("https://app.example.com"), 200, "orders of ada"},
		{"a payout without the scope", "POST", "/payout/7", header(ada), 403, "scope"},
		{"a payout with it", "POST", "/payout/7", header(payer), 200, "7 to ada"},
	}
}

func (s step) run(t *testing.T, base string) (int, string, http.Header) {
	t.Helper()
	method := s.method
	if method == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(t.Context(), method, base+s.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var problem struct{ Code string }
	if json.Unmarshal(body, &problem) == nil && problem.Code != "" {
		return res.StatusCode, problem.Code, res.Header
	}
	return res.StatusCode, string(body), res.Header
}
