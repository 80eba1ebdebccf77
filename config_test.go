package jotkeeper_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
)

func TestConfigThatChecksTooLittleIsRefused(t *testing.T) {
	good := jotkeeper.Config{Issuer: issuer, Audience: audience, Keys: jwt.NewSnapshot()}
	for name, c := range map[string]struct {
		change func(*jotkeeper.Config)
		says   string
	}{
		"no audience":      {func(c *jotkeeper.Config) { c.Audience = "" }, "Audience is missing"},
		"no issuer":        {func(c *jotkeeper.Config) { c.Issuer = "" }, "is not a URL"},
		"issuer is a name": {func(c *jotkeeper.Config) { c.Issuer = "id" }, "is not a URL"},
		"origin with path": {func(c *jotkeeper.Config) { c.Origins = []string{"https://a.test/"} }, "is not an origin"},
		"origin is a host": {func(c *jotkeeper.Config) { c.Origins = []string{"a.test"} }, "is not an origin"},
	} {
		bad := good
		c.change(&bad)
		if _, err := jotkeeper.New(bad); !errors.Is(err, jotkeeper.ErrConfig) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHandlerPanicsOnAnOptionThatCannotBeKept(t *testing.T) {
	h := newHouse(t)
	for name, o := range map[string]jotkeeper.Option{"two scopes in one": jotkeeper.Scope("a b"), "empty scope": jotkeeper.Scope(""), "no audience": jotkeeper.Audience(), "no kind": jotkeeper.Kind()} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, jotkeeper.ErrConfig) {
					t.Errorf("%s: recovered %v, want ErrConfig", name, err)
				}
			}()
			h.auth.Handler(http.NotFoundHandler(), o)
		}()
		if _, err := h.auth.Authenticate(get(), o); !errors.Is(err, jotkeeper.ErrConfig) {
			t.Errorf("%s: Authenticate gives %v, want ErrConfig", name, err)
		}
	}
}

// A055, A069: the exact cookie, and its deletion with equal attributes.
func TestA055TheCookieToTheLetter(t *testing.T) {
	w := httptest.NewRecorder()
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	jotkeeper.Cookie{}.Set(w, "TOKEN", expires)
	jotkeeper.Cookie{}.Clear(w)
	got := w.Header()["Set-Cookie"]
	set := "__Host-jotkeeper=TOKEN; Path=/; Expires=Wed, 02 Jan 2030 03:04:05 GMT; HttpOnly; Secure; SameSite=Lax"
	clear := "__Host-jotkeeper=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	if len(got) != 2 || got[0] != set || got[1] != clear {
		t.Errorf("got  %q\nwant %q\n     %q", got, set, clear)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", got)
	}
}
