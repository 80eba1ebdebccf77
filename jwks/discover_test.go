package jwks_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func metadata(issuer, keys string) string {
	return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"subject_types_supported":["public"]}`, issuer, keys)
}

func TestDiscover(t *testing.T) {
	for _, c := range []struct{ issuer, asked, keys string }{
		{issuer, issuer + "/.well-known/openid-configuration", keysURL},
		{issuer + "/", issuer + "/.well-known/openid-configuration", keysURL},
		{issuer + "/tenant", issuer + "/tenant/.well-known/openid-configuration", "https://cdn.example.net/keys"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/.well-known/openid-configuration", "http://127.0.0.1:8080/jwks"},
	} {
		s := &site{answer: respond(200, metadata(c.issuer, c.keys))}
		got, err := jwks.Discover(t.Context(), s.client(), c.issuer)
		if err != nil || got != c.keys || !slices.Equal(s.requests, []string{c.asked}) {
			t.Errorf("%s: %q, %v, asked %v", c.issuer, got, err, s.requests)
		}
	}
}

func TestDiscoverTrustsNobodyElse(t *testing.T) {
	for name, c := range map[string]struct {
		issuer, body, want string
		err                error
	}{
		"another issuer":       {issuer, metadata("https://evil.example.net", keysURL), "is that of", jwks.ErrSet},
		"a slash more":         {issuer, metadata(issuer+"/", keysURL), "is that of", jwks.ErrSet},
		"no issuer":            {issuer, `{"jwks_uri":"` + keysURL + `"}`, "is that of", jwks.ErrSet},
		"issuer twice":         {issuer, `{"issuer":"` + issuer + `","issuer":"` + issuer + `","jwks_uri":"` + keysURL + `"}`, "is not one", jwks.ErrSet},
		"keys by http":         {issuer, metadata(issuer, "http://id.example.com/keys"), "from this machine only", jwks.ErrSet},
		"keys on our machine":  {issuer, metadata(issuer, "http://127.0.0.1:6379/keys"), "neither https nor", jwks.ErrSet},
		"keys on another port": {"http://127.0.0.1:8080", metadata("http://127.0.0.1:8080", "http://127.0.0.1:6379/"), "neither https nor", jwks.ErrSet},
		"keys in a file":       {issuer, metadata(issuer, "file:///etc/passwd"), "no host", jwks.ErrSet},
		"no keys":              {issuer, metadata(issuer, ""), "no host", jwks.ErrSet},
		"HTML":                 {issuer, "<html>", "is not one", jwks.ErrSet},
		"issuer with a query":  {issuer + "?a=b", "", "has a query", jwks.ErrFetch},
		"issuer by http":       {"http://id.example.com", "", "from this machine only", jwks.ErrFetch},
	} {
		s := &site{answer: respond(200, c.body)}
		got, err := jwks.Discover(t.Context(), s.client(), c.issuer)
		if got != "" || !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestRemoteOfAnIssuerDiscoversOnceAndAgainAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, jwt.ES256)
		answer := publish(t, key)
		at := func(place string) func(r *http.Request) (*http.Response, error) {
			return func(r *http.Request) (*http.Response, error) {
				switch r.URL.String() {
				case issuer + "/.well-known/openid-configuration":
					return respond(200, metadata(issuer, place))(r)
				case place:
					return answer(r)
				}
				return respond(410, "")(r)
			}
		}
		s := &site{answer: at(keysURL)}
		r := remote(t, s, func(c *jwks.RemoteConfig) { c.URL, c.Issuer = "", issuer })
		v, raw := verifier(t, r), sign(t, key, time.Now())
		if got := reason(t, v, raw); got != "" || s.count() != 2 {
			t.Fatalf("%q after %d requests", got, s.count())
		}
		pass(300 * time.Second)
		if s.count() != 3 {
			t.Errorf("%d requests: a place that answers is not looked up again", s.count())
		}
		s.serve(at("https://keys.example.net/new"))
		pass(300 * time.Second) // 410 at the old place, then the document and the new place
		if got := reason(t, v, raw); got != "" || s.count() != 6 {
			t.Errorf("%q after %d requests, want 6", got, s.count())
		}
	})
}

func TestRedirectWithinTheHostIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, jwt.ES256)
		answer := publish(t, key)
		s := &site{answer: func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/keys" {
				return respond(301, "", "Location", "/v2/keys")(r)
			}
			return answer(r)
		}}
		r := remote(t, s)
		if got := reason(t, verifier(t, r), sign(t, key, time.Now())); got != "" {
			t.Errorf("refused: %s", got)
		}
	})
}
