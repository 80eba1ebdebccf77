package jotkeeper

import (
	"net/http"
	"slices"
	"time"
)

// DefaultCookie is the name of the cookie that carries an access token. The
// prefix makes browsers insist on Secure and Path=/ without Domain.
const DefaultCookie = "__Host-jotkeeper"

// A Cookie is how a browser carries an access token. The zero value is the
// default name, SameSite=Lax.
type Cookie struct {
	Name     string        // default DefaultCookie
	SameSite http.SameSite // default Lax
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
	k := &http.Cookie{Name: c.name(), Path: "/", Secure: true, HttpOnly: true, SameSite: c.SameSite}
	if k.SameSite == 0 {
		k.SameSite = http.SameSiteLaxMode
	}
	return k
}

func (c Cookie) name() string {
	if c.Name == "" {
		return DefaultCookie
	}
	return c.Name
}

// read returns the distinct values of the cookie.
func (c Cookie) read(r *http.Request) []string {
	var texts []string
	for _, k := range r.CookiesNamed(c.name()) {
		if !slices.Contains(texts, k.Value) {
			texts = append(texts, k.Value)
		}
	}
	return texts
}
