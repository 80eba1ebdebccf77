package authserver

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/session"
)

// inactive is all that is told of a token that is not good now, whatever it is
// and why (RFC 7662 §2.2, row A100).
const inactive = `{"active":false}`

// introspect tells the administrator's programs whether a token is good, and what
// it says (RFC 7662). It uses nothing up and ends nothing. Trouble is a 503, since
// a false "inactive" would be a logout.
func (s *server) introspect(c *call, a admin) error {
	raw, err := tokenIn(c)
	if err != nil {
		return err
	}
	look := s.lookAtAccess
	if session.IsRefresh(raw) {
		look = s.lookAtRefresh
	}
	said, err := look(c, a.now, raw)
	switch {
	case err != nil && isTrouble(err):
		return err
	case err != nil:
		c.note("inactive", string(problemOf(err).Code))
		c.w.Header().Set("Content-Type", "application/json")
		c.w.Write([]byte(inactive))
		return nil
	}
	return c.answer(http.StatusOK, said)
}

// isTrouble reports an error that says nothing about the token.
func isTrouble(err error) bool {
	return problem.Status(problemOf(err).Code) >= http.StatusInternalServerError
}

// tokenIn reads the parameter token (RFC 7662 §2.1, RFC 7009 §2.1). What kind it
// is shows itself, so token_type_hint is not needed.
func tokenIn(c *call) (string, error) {
	p, err := c.params()
	if err == nil {
		err = p.wantText("token")
	}
	if err == nil && !p.has("token") {
		err = malformed(`"token" is missing`)
	}
	return p.get("token"), err
}

// lookAtAccess returns the claims of an access token that holds.
func (s *server) lookAtAccess(c *call, now time.Time, raw string) (map[string]any, error) {
	t, err := s.verifyNow(c.r.Context(), now, raw)
	if err == nil {
		err = s.current(c, now, t)
	}
	if s.judged(err); err != nil {
		return nil, err
	}
	seen, err := jwt.InspectUnverified(raw) // it was verified above; so the application's own claims are told as they are
	if err != nil {
		return nil, err
	}
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(seen.Claims, &claims); err != nil {
		return nil, err
	}
	said := map[string]any{}
	for name, value := range claims {
		said[name] = value
	}
	said["active"], said["token_type"] = true, "Bearer"
	return said, nil
}

// verifyNow is verify for the administrator, who may ask as often as they like: a key that is not
// known is looked for in the store each time, so that an unknown one is told from
// trouble.
func (s *server) verifyNow(ctx context.Context, now time.Time, raw string) (*jwt.Token[jwt.Access], error) {
	t, err := s.verifier.verify(ctx, now, raw, s.sites)
	if jwt.ReasonOf(err) != jwt.Unavailable {
		return t, err
	}
	if err := s.cfg.Keys.Reload(ctx, now); err != nil {
		return nil, &jwt.Error{Reason: jwt.Unavailable, Detail: "the key store cannot be read", Err: err}
	}
	if t, err = s.verifier.verify(ctx, now, raw, s.sites); jwt.ReasonOf(err) == jwt.Unavailable {
		err = &jwt.Error{Reason: jwt.BadKey, Detail: "no such key in the store"}
	}
	return t, err
}

// lookAtRefresh tells of the session of a refresh token that a refresh would take.
func (s *server) lookAtRefresh(c *call, now time.Time, raw string) (map[string]any, error) {
	row, err := s.cfg.Sessions.Look(c.r.Context(), now, raw)
	if err != nil {
		return nil, err
	}
	expires := row.Idle
	if row.Absolute.Before(expires) {
		expires = row.Absolute
	}
	return map[string]any{
		"active": true, "token_type": "refresh_token", "iss": s.cfg.Issuer, "sub": row.Account, "sid": row.ID,
		"iat": row.RotatedAt.Unix(), "exp": expires.Unix(),
	}, nil
}

// revoke ends the session of a refresh token or an access token (RFC 7009).
// Whoever holds a token may give it up, so it is its own credential. What is no
// good any more, or never was ours, needs no end and is no error (§2.2).
func (s *server) revoke(c *call, v visitor) error {
	raw, err := tokenIn(c)
	if err != nil {
		return err
	}
	if session.IsRefresh(raw) {
		if err := s.endHeld(c, v.now, raw); err != nil {
			return err
		}
		return c.done()
	}
	t, err := s.verifier.verify(c.r.Context(), v.now, raw, s.sites)
	s.judged(err)
	switch {
	case err == nil:
		err = s.end(c, v.now, t.Claims().Subject, t.Claims().SessionID)
	case !isTrouble(err):
		err = nil
	}
	if err != nil {
		return err
	}
	return c.done()
}
