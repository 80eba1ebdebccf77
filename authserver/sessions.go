package authserver

import (
	"errors"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/api"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

// logIn opens a session against a name and its password.
func (s *server) logIn(c *call, v visitor) error {
	e, err := s.enter(c, v)
	if err != nil {
		return err
	}
	issued, err := s.cfg.Acts.LogIn(c.r.Context(), v.now, acts.LogIn{
		Username: e.username, Password: e.password, Login: e.login, Old: e.old,
	})
	s.metrics.Login(loginResult(err))
	if err != nil {
		return err
	}
	return s.welcome(c, v, issued, e.body)
}

func loginResult(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, account.ErrLocked):
		return "locked"
	case errors.Is(err, account.ErrExpired):
		return "expired"
	case errors.Is(err, account.ErrBusy):
		return "busy"
	case isUnavailable(err):
		return "unavailable"
	}
	return "failed"
}

// refresh answers a refresh token with a fresh access token, and with the next
// refresh token when it is time for one. It never deletes a cookie: a dead one
// is inert, and an answer that comes late must not take what another brought.
func (s *server) refresh(c *call, h holder) error {
	issued, err := s.refreshed(c, h)
	if err != nil {
		s.metrics.Refresh(refusedRefresh(err))
		return err
	}
	s.metrics.Refresh(issued.Outcome)
	c.note("account", issued.Session.Account)
	c.note("sid", issued.Session.ID)
	c.note("outcome", issued.Outcome)
	tokens := api.Tokens{IDToken: issued.Access}
	if h.body {
		tokens.RefreshToken, tokens.ExpiresIn = issued.Refresh, int64(issued.ExpiresIn.Seconds())
	} else if issued.Refresh != "" {
		s.give(c, h.now, issued)
	}
	return c.answer(http.StatusCreated, api.Result[api.Tokens]{Result: tokens})
}

func (s *server) refreshed(c *call, h holder) (session.Issued, error) {
	if len(h.raw) == 0 {
		return session.Issued{}, refuseMissing()
	}
	raw := h.raw[0]
	if len(h.raw) > 1 {
		var err error
		if raw, _, err = s.newest(c, h.now, h.raw); isUnavailable(err) {
			return session.Issued{}, err
		}
	}
	audience, err := s.audienceAfter(h, "")
	if err != nil {
		return session.Issued{}, err
	}
	return s.cfg.Sessions.Refresh(c.r.Context(), h.now, raw, session.Request{
		Audience: audience, Agent: encoded(c.r.UserAgent()), Address: c.peer.address, RequestID: c.id,
	})
}

// audienceAfter decides whom the tokens of a session that exists are for: the
// same as before, unless a page of another trusted application asks, or the
// issuer is asked for.
func (s *server) audienceAfter(h holder, before string) (string, error) {
	asked := h.params.get("audience")
	named := h.hasOrigin() && h.origin != s.sites.own
	switch {
	case asked == s.cfg.Issuer:
		return asked, nil
	case asked != "" && !(named && asked == h.visitor.audience):
		return "", malformed(`"audience" is none that this session may have`)
	case named:
		return h.visitor.audience, nil
	}
	return before, nil
}

func refusedRefresh(err error) string {
	if e, ok := errors.AsType[*session.Error](err); ok {
		return e.Outcome
	}
	if r, ok := errors.AsType[*refusal](err); ok && r.Code == problem.Code(jwt.Missing) {
		return "missing"
	}
	if isUnavailable(err) {
		return "retry"
	}
	return "malformed"
}

// logOut ends the sessions whose credentials came along and deletes their
// cookies. When it answers 200 they are over for good; when that cannot be
// known it answers 503 and deletes nothing.
func (s *server) logOut(c *call, l leaver) error {
	if l.token != nil {
		claims := l.token.Claims()
		if !l.body {
			if err := s.agree(c, l.now, session.Row{ID: claims.SessionID}, l.raw); err != nil {
				return err
			}
		}
		if err := s.end(c, l.now, claims.Subject, claims.SessionID); err != nil {
			return err
		}
	}
	for _, raw := range l.raw {
		if err := s.endHeld(c, l.now, raw); err != nil {
			return err
		}
	}
	s.take(c, "")
	c.w.Header().Set("Clear-Site-Data", `"cache"`)
	return c.done()
}

// endHeld ends the session of a refresh token. One that is over, or that was
// never ours, needs no end; a genuine one that has been overtaken is refused,
// since its session may live on.
func (s *server) endHeld(c *call, now time.Time, raw string) error {
	row, err := s.cfg.Sessions.Look(c.r.Context(), now, raw)
	switch jwt.Reason(problemOf(err).Code) {
	case jwt.Malformed, jwt.Revoked, jwt.Idle, jwt.Absolute, jwt.Reused:
		return nil
	}
	if err != nil {
		return err
	}
	return s.end(c, now, row.Account, row.ID)
}

// end ends a session; one that is over already is no error.
func (s *server) end(c *call, now time.Time, account, sid string) error {
	err := s.cfg.Acts.EndSession(c.r.Context(), now, account, sid, "logout", c.id)
	switch {
	case isNotFound(err):
		return nil
	case err == nil:
		c.note("account", account)
		c.note("sid", sid)
		s.metrics.Revoked("sid", 1)
	}
	return err
}

// listSessions tells a person where they are logged in.
func (s *server) listSessions(c *call, o owner) error {
	rows, err := s.cfg.Sessions.List(c.r.Context(), o.now, o.session.Account)
	if err != nil {
		return err
	}
	list := make([]api.Session, 0, len(rows))
	for _, row := range rows {
		list = append(list, listed(row, o.session.ID))
	}
	return c.answer(http.StatusOK, api.Result[[]api.Session]{Result: list})
}

func listed(row session.Row, current string) api.Session {
	expires := row.Idle
	if row.Absolute.Before(expires) {
		expires = row.Absolute
	}
	methods := row.Methods
	if methods == nil {
		methods = []string{}
	}
	return api.Session{
		ID: row.ID, Current: row.ID == current,
		CreatedAt: row.CreatedAt.UTC().Truncate(time.Second), SeenAt: row.SeenAt.UTC().Truncate(time.Hour), ExpiresAt: expires.UTC().Truncate(time.Second),
		Methods: methods, Device: api.Device{Name: row.Device, Agent: row.Agent, Address: row.Address},
	}
}

// endSession ends one of the person's sessions. Another person's and one that
// never was get the same answer.
func (s *server) endSession(c *call, o owner) error {
	err := s.cfg.Acts.EndSession(c.r.Context(), o.now, o.session.Account, c.r.PathValue("sid"), "ended by owner", c.id)
	if isNotFound(err) {
		return refuse(problem.NotFound)
	}
	if err != nil {
		return err
	}
	c.note("account", o.session.Account)
	s.metrics.Revoked("sid", 1)
	return c.done()
}

// endOthers ends all of the person's sessions but the one that asks.
func (s *server) endOthers(c *call, o owner) error {
	n, err := s.cfg.Acts.EndOthers(c.r.Context(), o.now, o.session.Account, o.session.ID, "ended by owner", c.id)
	if err != nil {
		return err
	}
	c.note("account", o.session.Account)
	s.metrics.Revoked("sid", n)
	return c.answer(http.StatusOK, api.Result[api.Ended]{Result: api.Ended{Ended: n}})
}

// check tells the bearer of an access token whether it still holds, from the
// log of revocations itself and not from a copy.
func (s *server) check(c *call, b bearer) error {
	err := s.current(c, b.now, b.token)
	if s.judged(err); err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Active{Active: true})
}

func (s *server) current(c *call, now time.Time, t *jwt.Token[jwt.Access]) error {
	v, err := s.cfg.Acts.Verdict(c.r.Context(), now, t)
	switch {
	case err != nil:
		return err
	case v.Action == revocation.Revoke:
		return &jwt.Error{Reason: jwt.Revoked, Detail: "a rule for its " + string(v.Scope)}
	case v.Action == revocation.Rotate:
		c.w.Header().Set("Jotkeeper-Renew", "1")
	}
	return nil
}
