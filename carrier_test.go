package jotkeeper_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// A073, A076: the secret of a page stands in only where nothing tells where a
// request comes from, and only word for word.
func TestA076TheEchoedSecret(t *testing.T) {
	c := jotkeeper.Carrier{CSRF: func(_ *http.Request, token string) string {
		return map[string]string{"TOKEN": "secret"}[token]
	}}
	for name, x := range map[string]struct {
		header []string
		ok     bool
	}{
		"echoed":                  {[]string{"X-CSRF-Token", "secret"}, true},
		"not echoed":              {nil, false},
		"empty":                   {[]string{"X-CSRF-Token", ""}, false},
		"another's":               {[]string{"X-CSRF-Token", "secre7"}, false},
		"twice":                   {[]string{"X-CSRF-Token", "secret", "X-CSRF-Token", "secret"}, false},
		"beside a foreign origin": {[]string{"X-CSRF-Token", "secret", "Origin", "https://evil.test"}, false},
		"beside a foreign page":   {[]string{"X-CSRF-Token", "secret", "Referer", "https://evil.test/"}, false},
		"beside an empty origin":  {[]string{"X-CSRF-Token", "secret", "Origin", ""}, false},
		"of a sibling site":       {[]string{"X-CSRF-Token", "secret", "Sec-Fetch-Site", "same-site"}, false},
	} {
		_, _, err := c.Read(request("POST", append(x.header, "Cookie", "__Host-jotkeeper=TOKEN")...))
		if x.ok != (err == nil) || (err != nil && jwt.ReasonOf(err) != jwt.CSRF) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for planted, echo := range map[string]string{"secret": "secret", "OTHER": "OTHER", "without a secret": ""} {
		if _, _, err := c.Read(request("POST", "Cookie", "__Host-jotkeeper="+planted, "X-CSRF-Token", echo)); jwt.ReasonOf(err) != jwt.CSRF {
			t.Errorf("planted %q: %v", planted, err)
		}
	}
	without := jotkeeper.Carrier{}
	if _, _, err := without.Read(request("POST", "Cookie", "__Host-jotkeeper=TOKEN", "X-CSRF-Token", "")); jwt.ReasonOf(err) != jwt.CSRF {
		t.Errorf("nobody asked for an echo: %v", err)
	}
}

// A055: a cookie that browsers would not keep is refused when it is configured.
func TestA055CookiesThatNoBrowserKeeps(t *testing.T) {
	for says, c := range map[string]jotkeeper.Cookie{
		"browsers refuse it": {Name: "__Host-shop", InsecureDomain: "example.com"},
		"use letters":        {Name: "shop.session"},
		"at most 64":         {Name: strings.Repeat("x", 65)},
		"Domain":             {InsecureDomain: "exa mple"},
	} {
		if err := (&jotkeeper.Carrier{Cookie: c}).Check(); !errors.Is(err, jotkeeper.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	w := httptest.NewRecorder()
	wide := jotkeeper.Cookie{InsecureDomain: "example.com", SameSite: http.SameSiteNoneMode}
	wide.Set(w, "TOKEN", time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	wide.Clear(w)
	(jotkeeper.Cookie{SameSite: http.SameSiteDefaultMode}).Clear(w)
	want := []string{
		"__Secure-jotkeeper=TOKEN; Path=/; Domain=example.com; Expires=Wed, 02 Jan 2030 03:04:05 GMT; HttpOnly; Secure; SameSite=None",
		"__Secure-jotkeeper=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=None",
		"__Host-jotkeeper=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
	}
	if got := w.Header()["Set-Cookie"]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
