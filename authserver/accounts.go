package authserver

import (
	"errors"
	"net/http"

	"github.com/jotkeeper/jotkeeper/api"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/session"
)

// signUp makes an account and logs it in.
func (s *server) signUp(c *call, v visitor) error {
	e, err := s.enter(c, v)
	if err != nil {
		return err
	}
	issued, err := s.cfg.Acts.SignUp(c.r.Context(), v.now, acts.SignUp{
		Username: e.username, Password: e.password, Login: e.login, Old: e.old,
	})
	if err != nil {
		return err
	}
	return s.welcome(c, v, issued, e.body)
}

// available tells whether a name is free to sign up with.
func (s *server) available(c *call, v visitor) error {
	free, err := s.cfg.Accounts.Available(c.r.Context(), c.r.URL.Query().Get("username"))
	switch {
	case err != nil:
		return err
	case !free:
		return unfit("username", "TAKEN")
	}
	return c.answer(http.StatusOK, api.Result[bool]{Result: true})
}

// An entry is what sign-up and login are asked with.
type entry struct {
	username, password string
	login              session.Login
	body               bool          // the refresh token travels in bodies
	old                []session.Row // live sessions in the cookies that came along
}

func (s *server) enter(c *call, v visitor) (e entry, err error) {
	p, err := c.params()
	if err != nil {
		return entry{}, err
	}
	if err := p.wantText("username", "password"); err != nil {
		return entry{}, err
	}
	if e.body, err = s.inBody(c, v, p); err != nil {
		return entry{}, err
	}
	audience, err := s.audience(v, p.get("audience"))
	if err != nil {
		return entry{}, err
	}
	e.username, e.password = p.get("username"), p.get("password")
	e.login = s.login(c, audience)
	e.old, err = s.sent(c, v)
	return e, err
}

// login is the session that a right password will open.
func (s *server) login(c *call, audience string) session.Login {
	return session.Login{
		Methods: []string{"pwd"}, Audience: audience,
		Agent: encoded(c.r.UserAgent()), Address: c.peer.address, RequestID: c.id,
	}
}

// audience decides whom the tokens of a login are for: the application that
// the page belongs to, or the issuer itself when asked for. A program, which
// has no origin, may name any application of the list.
func (s *server) audience(v visitor, asked string) (string, error) {
	switch {
	case asked == "" || asked == v.audience:
		return v.audience, nil
	case asked == s.cfg.Issuer, !v.hasOrigin() && s.sites.names(asked):
		return asked, nil
	}
	return "", malformed(`"audience" is none that this server gives you tokens for`)
}

// sent returns the live sessions in the cookies of a request. A login ends
// them: nothing that was there before it is worth anything afterwards. A cookie
// under a master key that was taken out opens nothing here; it must not keep its
// owner from logging in, who cannot delete it.
func (s *server) sent(c *call, v visitor) ([]session.Row, error) {
	var live []session.Row
	for _, raw := range s.cookies(c.r) {
		row, err := s.cfg.Sessions.Look(c.r.Context(), v.now, raw)
		if isUnavailable(err) && !errors.Is(err, session.ErrUnknownKey) {
			return nil, err
		}
		if err == nil {
			live = append(live, row)
		}
	}
	return live, nil
}

// welcome answers with the tokens of a new session, and takes away the cookies
// of those it replaces.
func (s *server) welcome(c *call, v visitor, issued session.Issued, body bool) error {
	c.note("account", issued.Session.Account)
	c.note("sid", issued.Session.ID)
	tokens := api.Tokens{IDToken: issued.Access}
	if body {
		tokens.RefreshToken, tokens.ExpiresIn = issued.Refresh, int64(issued.ExpiresIn.Seconds())
	} else {
		s.take(c, session.CookieName(issued.Session.ID, s.secure))
		s.give(c, v.now, issued)
	}
	return c.answer(http.StatusCreated, api.Result[api.Tokens]{Result: tokens})
}

// changePassword sets a new password against the current one. Every session
// ends, this one too, and a new one begins.
func (s *server) changePassword(c *call, h holder) error {
	if len(h.raw) == 0 {
		return refuseMissing()
	}
	if err := h.params.wantText("password", "currentpassword"); err != nil {
		return err
	}
	_, row, err := s.newest(c, h.now, h.raw)
	if err != nil {
		return err
	}
	audience, err := s.audienceAfter(h, row.Audience)
	if err != nil {
		return err
	}
	issued, err := s.cfg.Acts.ChangePassword(c.r.Context(), h.now, acts.PasswordChange{
		Session: row, Current: h.params.get("currentpassword"), Next: h.params.get("password"), Login: s.login(c, audience),
	})
	if err != nil {
		return err
	}
	s.metrics.Revoked("sub", 1)
	return s.welcome(c, h.visitor, issued, h.body)
}
