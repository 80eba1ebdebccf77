package authserver

import (
	"net/http"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/session"
)

// maxCookies bounds how many sessions of one request are looked at: the
// newest, which browsers send last (RFC 6265 §5.4).
const maxCookies = 8

// cookies returns the refresh tokens in a request's cookies, newest last. One
// that does not stand in the cookie of its own session is not ours.
func (s *server) cookies(r *http.Request) []string {
	var found []string
	for _, c := range r.Cookies() {
		if !s.named(c.Name) {
			continue
		}
		t, err := session.ParseRefresh(c.Value)
		if err == nil && session.CookieName(t.SessionID, s.secure) == c.Name {
			found = append(found, c.Value)
		}
	}
	return found[max(0, len(found)-maxCookies):]
}

// named reports whether a cookie has a name of ours.
func (s *server) named(name string) bool {
	empty := session.CookieName("", s.secure)
	return strings.HasPrefix(name, empty) && len(name) == len(empty)+8
}

// give sets the refresh cookie of a session.
func (s *server) give(c *call, now time.Time, issued session.Issued) {
	until := issued.Session.Idle
	if issued.Session.Absolute.Before(until) {
		until = issued.Session.Absolute
	}
	cookie := s.cookie(session.CookieName(issued.Session.ID, s.secure))
	cookie.Value, cookie.MaxAge = issued.Refresh, max(1, int(until.Sub(now)/time.Second))
	http.SetCookie(c.w, cookie)
}

// take deletes every cookie of ours that the request carries, but one. A
// cookie is deleted by a Set-Cookie with the attributes it was set with.
func (s *server) take(c *call, except string) {
	for _, sent := range c.r.Cookies() {
		if s.named(sent.Name) && sent.Name != except {
			cookie := s.cookie(sent.Name)
			cookie.MaxAge = -1
			http.SetCookie(c.w, cookie)
		}
	}
}

func (s *server) cookie(name string) *http.Cookie {
	return &http.Cookie{Name: name, Path: "/", Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// newest returns the live session with the newest login among several refresh
// tokens, with the token that opens it. When none is alive it returns the last
// refusal with the last token, for whoever wants to be told why.
func (s *server) newest(c *call, now time.Time, raws []string) (string, session.Row, error) {
	var best session.Row
	var token string
	var refused error
	for _, raw := range raws {
		row, err := s.cfg.Sessions.Look(c.r.Context(), now, raw)
		switch {
		case isUnavailable(err):
			return "", session.Row{}, err
		case err != nil:
			refused = err
		case token == "" || row.AuthTime.After(best.AuthTime):
			best, token = row, raw
		}
	}
	if token == "" {
		return raws[len(raws)-1], session.Row{}, refused
	}
	return token, best, nil
}
