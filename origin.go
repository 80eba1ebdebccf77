package jotkeeper

import (
	"net/http"
	"net/url"
	"slices"
)

// SameOrigin tells whether a request that carries a cookie may change something:
// a browser attaches the cookie whichever page started the request.
// Origin decides when it is there; without it Sec-Fetch-Site, then Referer.
// With none of them nobody vouches for the request, and it is refused.
func (c *Carrier) SameOrigin(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		// Safe methods change nothing (RFC 9110 §9.2.1), but a WebSocket that begins
		// with one may, and no other site's page is kept from reading it (row A084).
		if r.Header["Upgrade"] == nil {
			return true
		}
	}
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		return len(origins) == 1 && c.trusted(r, origins[0])
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(r.Header.Get("Referer"))
	return err == nil && u.Host != "" && c.trusted(r, u.Scheme+"://"+u.Host)
}

// trusted compares scheme, host and port. The own origin is the Host that was
// asked, under https, or under http when the connection itself is plain.
func (c *Carrier) trusted(r *http.Request, origin string) bool {
	if slices.Contains(c.Origins, origin) {
		return true
	}
	return origin == "https://"+r.Host || (r.TLS == nil && origin == "http://"+r.Host)
}

// silent tells whether a request says nothing of where it comes from.
func silent(r *http.Request) bool {
	return r.Header["Origin"] == nil && r.Header["Sec-Fetch-Site"] == nil && r.Header["Referer"] == nil
}
