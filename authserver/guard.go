package authserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/session"
)

// A visitor comes from a trusted origin, or from none: a program.
type visitor struct {
	now      time.Time
	origin   origin // zero without one
	audience string // of tokens for that origin
}

func (v visitor) hasOrigin() bool { return v.origin != origin{} }

// visit is the one check before every route that changes something, or that
// reads what a browser's cookies open. Browsers attach cookies and Basic
// credentials to requests that other sites cause, and they tell where those
// come from; a request with either that does not tell is refused.
func (s *server) visit(c *call) (visitor, error) {
	now, err := s.cfg.Clock.Now()
	if err != nil {
		return visitor{}, err
	}
	v := visitor{now: now, audience: s.cfg.Audience}
	header := c.r.Header
	if all := header.Values("Origin"); len(all) > 0 {
		o, ok := parseOrigin(all[0])
		if !ok || len(all) > 1 || !s.sites.trusts(o) {
			return visitor{}, refuse(problem.Code(jwt.BadOrigin))
		}
		v.origin, v.audience = o, o.audience()
		return v, nil
	}
	if header.Get("Sec-Fetch-Site") == "same-origin" {
		v.origin, v.audience = s.sites.own, s.sites.own.audience()
		return v, nil
	}
	if o, ok := originOf(header.Get("Referer")); ok && s.sites.trusts(o) {
		v.origin, v.audience = o, o.audience()
		return v, nil
	}
	if s.ofABrowser(c.r) {
		return visitor{}, refuse(problem.Code(jwt.CSRF))
	}
	return v, nil
}

// ofABrowser reports whether a request without a trusted origin may have been
// caused by another site. A cookie of ours is enough. Basic credentials are
// not: the published back-end clients send them without an Origin. But no
// browser sends a request that changes something without either an Origin or
// Sec-Fetch-Site.
func (s *server) ofABrowser(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	_, _, basic := r.BasicAuth()
	switch {
	case site == "cross-site" || site == "same-site":
		return true
	case basic:
		return site != "" || r.Header.Get("Referer") != ""
	}
	return len(s.cookies(r)) > 0
}

// An admin knows the password of the private routes.
type admin struct{ now time.Time }

// administer checks Basic credentials. Both halves are always compared, each
// by its hash, so that the time tells neither which was wrong nor how much of
// it was right.
func (s *server) administer(c *call, e effect) (admin, error) {
	name, password, _ := c.r.BasicAuth()
	gotName, gotPassword := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(password))
	wantName := sha256.Sum256([]byte(s.cfg.AdminUsername))
	right := subtle.ConstantTimeCompare(gotName[:], wantName[:]) & subtle.ConstantTimeCompare(gotPassword[:], s.cfg.AdminPassword[:])
	if right != 1 || s.cfg.AdminPassword == [sha256.Size]byte{} {
		s.metrics.Refused()
		c.w.Header().Set("WWW-Authenticate", `Basic realm="jotkeeper", charset="UTF-8"`)
		return admin{}, refuse(problem.BadCredentials)
	}
	if e == reads {
		now, err := s.cfg.Clock.Now()
		return admin{now}, err
	}
	v, err := s.visit(c)
	return admin{v.now}, err
}

// A holder brings a refresh credential that nobody has looked at yet.
type holder struct {
	visitor
	params params
	body   bool     // it came in the body
	raw    []string // the credential, or each of the cookies; empty: none
}

// hold finds the refresh credential: refresh_token in the body, or the cookies.
func (s *server) hold(c *call) (holder, error) {
	v, err := s.visit(c)
	if err != nil {
		return holder{}, err
	}
	h := holder{visitor: v, raw: s.cookies(c.r)}
	if c.r.Method == "GET" || c.r.Method == "DELETE" && c.r.ContentLength == 0 {
		return h, nil // no body, whatever its type is said to be
	}
	if h.params, err = c.params(); err != nil {
		return holder{}, err
	}
	if h.body, err = s.inBody(c, v, h.params); err != nil || !h.body {
		return h, err
	}
	if raw := h.params.get("refresh_token"); raw != "" {
		h.raw = []string{raw}
	}
	return h, nil
}

// inBody decides whether the refresh token travels in bodies. It does for
// programs, which have no cookie jar; not for pages, where any script could
// read it: a page's refresh token stays in a cookie that no script can read.
func (s *server) inBody(c *call, v visitor, p params) (bool, error) {
	if err := p.wantText("transport", "refresh_token", "audience"); err != nil {
		return false, err
	}
	switch transport := p.get("transport"); {
	case transport != "" && transport != "body" && transport != "cookie":
		return false, malformed(`"transport" is body or cookie`)
	case transport != "body" && !p.has("refresh_token"):
		return false, nil
	case len(s.cookies(c.r)) > 0:
		return false, malformed("a request with a session cookie is not answered with a refresh token in the body; send one or the other")
	case c.r.Header.Get("Sec-Fetch-Site") != "" && !s.mayCarry(v):
		return false, refuse(problem.Code(jwt.BadOrigin))
	}
	return true, nil
}

func (s *server) mayCarry(v visitor) bool {
	for _, site := range s.bodies {
		if v.hasOrigin() && site.matches(v.origin) {
			return true
		}
	}
	return false
}

// An owner is the person whose session this is.
type owner struct {
	visitor
	session session.Row
}

// own finds out whose session it is: by the refresh credential, in the
// Authorization header or in a cookie, or by an access token that is good for
// nobody but the issuer. An application's token opens nothing here.
func (s *server) own(c *call) (owner, error) {
	v, err := s.visit(c)
	if err != nil {
		return owner{}, err
	}
	cookies := s.cookies(c.r)
	raw, err := bearerOf(c.r)
	switch {
	case err != nil:
		return owner{}, err
	case raw != "":
		row, err := s.ownBearer(c, v.now, raw)
		if err == nil {
			err = s.agree(c, v.now, row, cookies)
		}
		return owner{v, row}, err
	case len(cookies) > 0:
		_, row, err := s.newest(c, v.now, cookies)
		return owner{v, row}, err
	}
	return owner{}, refuseMissing()
}

func (s *server) ownBearer(c *call, now time.Time, raw string) (row session.Row, err error) {
	if session.IsRefresh(raw) {
		return s.cfg.Sessions.Look(c.r.Context(), now, raw)
	}
	defer func() { s.judged(err) }()
	t, err := s.verifier.issuer.Verify(c.r.Context(), now, raw)
	if t, err = bound(c.r, t, err); err != nil {
		return session.Row{}, err
	}
	if len(t.Claims().Audience) != 1 { // good for somebody else too, who could send it here
		return session.Row{}, &jwt.Error{Reason: jwt.BadAud, Detail: "the token has another audience beside the issuer"}
	}
	if err := s.current(c, now, t); err != nil {
		return session.Row{}, err
	}
	return s.liveRow(c, now, t.Claims())
}

// liveRow finds the session of a verified token.
func (s *server) liveRow(c *call, now time.Time, claims *jwt.Access) (session.Row, error) {
	row, err := s.cfg.Sessions.Find(c.r.Context(), claims.SessionID)
	if isNotFound(err) || err == nil && (row.State != session.Active || row.Account != claims.Subject || !now.Before(row.Idle) || !now.Before(row.Absolute)) {
		return session.Row{}, &jwt.Error{Reason: jwt.Revoked, Detail: "the session of the token is over"}
	}
	return row, err
}

// agree refuses a request whose cookie is a live session other than the one in
// its Authorization header: which of the two people is meant, nobody can say.
// A dead cookie says nothing.
func (s *server) agree(c *call, now time.Time, row session.Row, cookies []string) error {
	for _, raw := range cookies {
		other, err := s.cfg.Sessions.Look(c.r.Context(), now, raw)
		if err == nil && other.ID != row.ID {
			return refuse(problem.Code(jwt.Ambiguous))
		}
		if isUnavailable(err) {
			return err
		}
	}
	return nil
}

// A leaver has something to give up: an access token's session, or whatever
// refresh credentials came along.
type leaver struct {
	holder
	token *jwt.Token[jwt.Access] // nil without one
}

// leaving takes any credential of a session. Without one there is nothing to
// end, and that is no error.
func (s *server) leaving(c *call) (leaver, error) {
	h, err := s.hold(c)
	if err != nil {
		return leaver{}, err
	}
	raw, err := bearerOf(c.r)
	switch {
	case err != nil || raw == "":
		return leaver{holder: h}, err
	case h.body:
		return leaver{}, refuse(problem.Code(jwt.Ambiguous))
	case session.IsRefresh(raw):
		h.raw = append(h.raw, raw)
		return leaver{holder: h}, nil
	}
	t, err := s.verifier.verify(c.r.Context(), h.now, raw, s.sites)
	t, err = bound(c.r, t, err)
	s.judged(err)
	return leaver{h, t}, err
}

// A bearer brings a genuine access token for one of our audiences. Whether it
// was revoked is for the route to ask.
type bearer struct {
	now   time.Time
	token *jwt.Token[jwt.Access]
}

func (s *server) bearing(c *call) (bearer, error) {
	raw, err := bearerOf(c.r)
	if err != nil {
		return bearer{}, err
	}
	if raw == "" {
		return bearer{}, refuse(problem.Code(jwt.Missing))
	}
	now, err := s.cfg.Clock.Now()
	if err != nil {
		return bearer{}, err
	}
	t, err := s.verifier.verify(c.r.Context(), now, raw, s.sites)
	if t, err = bound(c.r, t, err); err != nil {
		s.judged(err)
	}
	return bearer{now, t}, err
}

// judged counts an access token that was looked at.
func (s *server) judged(err error) {
	if err == nil {
		s.metrics.Verified("ok")
		return
	}
	s.metrics.Verified(string(problemOf(err).Code))
}

// bearerOf returns the credential of an Authorization header (RFC 6750 §2.1):
// the scheme in any case, one space, the credential, and one header only.
// Another scheme is no bearer.
func bearerOf(r *http.Request) (string, error) {
	all := r.Header.Values("Authorization")
	if len(all) == 0 {
		return "", nil
	}
	scheme, raw, _ := strings.Cut(all[0], " ")
	switch {
	case len(all) > 1:
		return "", malformed("there are two Authorization headers")
	case !strings.EqualFold(scheme, "Bearer"):
		return "", nil
	case raw == "" || strings.ContainsAny(raw, " \t,"):
		return "", malformed("the Authorization header is not Bearer, one space, one token")
	}
	return raw, nil
}
