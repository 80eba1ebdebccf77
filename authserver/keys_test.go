package authserver_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/jwks"
)

// A054: the key set may be kept, asked for cheaply, and holds nothing private.
func TestA054TheKeySetIsPublicAndCheapToAskFor(t *testing.T) {
	h := inMemory(t)
	for _, path := range []string{"/jwks", "/.well-known/jwks.json"} {
		r := h.do("GET", path).want(200)
		if r.Header.Get("Cache-Control") != "public, max-age=300" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("ETag") == "" {
			t.Errorf("%s: %v", path, r.Header)
		}
		set, skipped, err := jwks.Parse([]byte(r.body))
		if err != nil || len(skipped) != 0 || len(set.Keys()) == 0 {
			t.Errorf("%s: %v, skipped %v", path, err, skipped)
		}
		var raw struct{ Keys []map[string]any }
		h.must(json.Unmarshal([]byte(r.body), &raw))
		for _, k := range raw.Keys {
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
				if _, there := k[private]; there {
					t.Errorf("%s: a key has member %q", path, private)
				}
			}
			if k["use"] != "sig" || k["alg"] != "ES256" || k["kid"] == "" {
				t.Errorf("%s: key %v", path, k)
			}
		}
		tag := r.Header.Get("ETag")
		for _, sent := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			if again := h.do("GET", path, header("If-None-Match", sent)).want(304); again.body != "" || again.Header.Get("ETag") != tag || again.Header.Get("Cache-Control") == "" {
				t.Errorf("%s: If-None-Match %s: %q %v", path, sent, again.body, again.Header)
			}
		}
		h.do("GET", path, header("If-None-Match", `"other"`)).want(200)
		if head := h.do("HEAD", path).want(200); head.body != "" || head.Header.Get("ETag") != tag || head.Header.Get("Content-Length") == "0" {
			t.Errorf("%s: HEAD %v %q", path, head.Header, head.body)
		}
		if part := h.do("GET", path, header("Range", "bytes=0-9")).want(200); part.body != r.body {
			t.Errorf("%s: a part of a key set: %q", path, part.body)
		}
		h.do("POST", path).wantCode(405, "method_not_allowed")
	}
}

func TestDiscoveryNamesWhatIsThere(t *testing.T) {
	h := inMemory(t)
	for _, path := range []string{"/configuration", "/.well-known/openid-configuration"} {
		h.do("GET", path).want(200).wantBody(`{"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/.well-known/jwks.json",` +
			`"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256"],` +
			`"claims_supported":["iss","sub","aud","exp","nbf","iat","auth_time","jti","sid","amr","scope"],` +
			`"introspection_endpoint":"https://id.example.com/oauth2/introspect","introspection_endpoint_auth_methods_supported":["client_secret_basic"],` +
			`"revocation_endpoint":"https://id.example.com/oauth2/revoke","revocation_endpoint_auth_methods_supported":["none"]}`)
	}
	poisoned := h.do("GET", "/configuration", header("X-Forwarded-Host", "evil.example"), header("Forwarded", "host=evil.example")).want(200)
	if strings.Contains(poisoned.body, "evil") {
		t.Errorf("poisoned: %s", poisoned.body)
	}
}

// A051: a compromised key is gone at once, its tokens with it; sessions go on
// under the next key, and nobody else is touched.
func TestA051ACompromisedKeyTakesItsTokensAlong(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		p := h.program("ada")
		kid := h.keys.Stats().Signing
		h.must(h.acts.CompromiseKey(t.Context(), h.clock.now, kid))
		if strings.Contains(h.do("GET", "/jwks").want(200).body, kid) {
			t.Error("the key is still published")
		}
		h.do("GET", "/revocation/v1/check", bearer(p.Access)).wantCode(401, "key")
		next := h.do("POST", "/session/refresh", form("refresh_token", p.Refresh)).want(201).tokens()
		h.do("GET", "/revocation/v1/check", bearer(next.Access)).want(200)
		if err := h.acts.CompromiseKey(t.Context(), h.clock.now, "no-such-key"); err == nil {
			t.Error("a key that never was, was compromised")
		}
	})
}

func TestAnExpiredTokenIsToldToRefresh(t *testing.T) {
	h := inMemory(t)
	p := h.program("ada")
	h.clock.pass(15 * time.Minute)
	r := h.do("GET", "/revocation/v1/check", bearer(p.Access)).wantCode(401, "expired")
	if want := `Bearer error="invalid_token", error_description="The token has expired.", reason="expired"`; r.Header.Get("WWW-Authenticate") != want {
		t.Errorf("challenge %q", r.Header.Get("WWW-Authenticate"))
	}
	h.do("DELETE", "/session", bearer(p.Access)).wantCode(401, "expired")
	if r := h.do("GET", "/revocation/v1/check").wantCode(401, "missing"); r.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("challenge %q", r.Header.Get("WWW-Authenticate"))
	}
	h.do("GET", "/revocation/v1/check", bearer(p.Access[:len(p.Access)-4]+"AAAA")).wantCode(401, "signature")
}

// The check takes tokens of every audience that this server gives tokens to.
func TestTheCheckKnowsEveryAudience(t *testing.T) {
	h := inMemory(t, func(c *authserver.Config) {
		c.AppDomains = []string{"*.tenant.example.com", "http://localhost:3000", "app.example.com"}
	})
	for i, origin := range []string{"https://one.tenant.example.com", "https://two.tenant.example.com", "http://localhost:3000", app} {
		r := h.do("POST", "/accounts", from(origin), form("username", "ada"+string(rune('a'+i)), "password", good)).want(201)
		h.do("GET", "/revocation/v1/check", bearer(r.tokens().Access)).want(200)
	}
}

func TestThePageForBrowsersRunsNothing(t *testing.T) {
	h := inMemory(t)
	r := h.do("GET", "/", header("Accept", "text/html,application/xhtml+xml")).want(200)
	policy := r.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script") {
		t.Errorf("policy %q", policy)
	}
	for _, never := range []string{"<script", "javascript:", " onclick", " style=", "http://"} {
		if strings.Contains(r.body, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	for _, want := range []string{"ID=https://id.example.com\n", "/.well-known/jwks.json", "transport=body"} {
		if !strings.Contains(r.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	text := h.do("GET", "/").want(200)
	if text.Header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.HasPrefix(text.body, "Jotkeeper is running.\n") || !strings.Contains(text.body, "ID=https://id.example.com\n") {
		t.Errorf("%v %s", text.Header, text.body)
	}
}
