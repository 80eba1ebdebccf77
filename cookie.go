package jotkeeper

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// DefaultCookie is the name of the cookie that carries an access token. The
// prefix makes browsers insist on Secure and Path=/ without Domain.
const DefaultCookie = "__Host-jotkeeper"

// A Cookie is how a browser carries an access token. The zero value is the
// default name, SameSite=Lax.
type Cookie struct {
	Name string // default DefaultCookie

	// SameSite is Lax by default. None sends the cookie with every request that
	// any site starts; then the check of origins is all that stands against them.
	SameSite http.SameSite

	// InsecureDomain gives the cookie to this domain and all hosts below it. Each
	// of them can then read the session and put another in its place, and the
	// name cannot begin with __Host-: the default is __Secure-jotkeeper.
	InsecureDomain string
}

// check fails with ErrConfig on a cookie that no browser would keep.
func (c Cookie) check() error {
	const names = "use letters, digits, - and _"
	switch k := c.base(); {
	case k.Valid() != nil:
		return fmt.Errorf("%w: Cookie: %v", ErrConfig, k.Valid())
	case len(k.Name) > 64 || strings.ContainsFunc(k.Name, unusual):
		return fmt.Errorf("%w: Cookie: the name %q; %s, at most 64", ErrConfig, k.Name, names)
	case c.InsecureDomain != "" && strings.HasPrefix(strings.ToLower(k.Name), "__host-"):
		return fmt.Errorf("%w: Cookie: %s with a domain; browsers refuse it, so name it __Secure-…", ErrConfig, k.Name)
	}
	return nil
}

func unusual(c rune) bool {
	return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

// Set gives the browser a token until it expires.
func (c Cookie) Set(w http.ResponseWriter, token string, expires time.Time) {
	k := c.base()
	k.Value, k.Expires = token, expires
	http.SetCookie(w, k)
	w.Header().Set("Cache-Control", "no-store")
}

// Clear takes the token from the browser again. A browser deletes a cookie
// only if its attributes are those it was set with, so they are.
func (c Cookie) Clear(w http.ResponseWriter) {
	k := c.base()
	k.MaxAge = -1
	http.SetCookie(w, k)
	w.Header().Set("Cache-Control", "no-store")
}

func (c Cookie) base() *http.Cookie {
	k := &http.Cookie{Name: c.String(), Path: "/", Secure: true, HttpOnly: true, SameSite: c.SameSite}
	k.Domain = c.InsecureDomain
	if k.SameSite == 0 || k.SameSite == http.SameSiteDefaultMode {
		k.SameSite = http.SameSiteLaxMode
	}
	return k
}

// String returns the cookie's name.
func (c Cookie) String() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.InsecureDomain != "":
		return "__Secure-jotkeeper"
	}
	return DefaultCookie
}

// read returns the cookie's value, "" if there is none. Two values that differ
// are nobody's word.
func (c Cookie) read(r *http.Request) (string, error) {
	text := ""
	for i, k := range r.CookiesNamed(c.String()) {
		if i > 0 && k.Value != text {
			return "", &jwt.Error{Reason: jwt.Ambiguous, Detail: "the cookie is there more than once, with different values"}
		}
		text = k.Value
	}
	return text, nil
}
