package authserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/api"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// accountID reads the ID in a path: digits, as the published clients write it.
func accountID(c *call) (int64, error) {
	text := c.r.PathValue("id")
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strings.Trim(text, "0123456789") != "" {
		return 0, refuse(problem.NotFound)
	}
	return id, nil
}

// showAccount tells what is known of an account, and nothing of its password.
func (s *server) showAccount(c *call, _ admin) error {
	id, err := accountID(c)
	if err != nil {
		return err
	}
	row, err := s.cfg.Accounts.Find(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Result[api.Account]{Result: shown(row)})
}

func shown(row account.Row) api.Account {
	claims := row.Claims
	if claims == nil {
		claims = map[string]json.RawMessage{}
	}
	return api.Account{
		ID: row.ID, Username: row.Display, OAuthAccounts: []struct{}{},
		LastLoginAt: stamp(row.LastLoginAt), PasswordChangedAt: stamp(row.PasswordChangedAt),
		Locked: row.Locked, Deleted: !row.DeletedAt.IsZero(), Failures: row.Failures,
		Scope: row.Scope, Claims: claims,
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// changeAccount sets the name of an account, its rights, or both. Whatever
// else stands in the body is not for this route to set, and is passed over.
func (s *server) changeAccount(c *call, a admin) error {
	id, err := accountID(c)
	if err != nil {
		return err
	}
	change, err := accountChange(c)
	if err != nil {
		return err
	}
	if change.Empty() {
		return unfit("username", "MISSING")
	}
	action, err := s.cfg.Acts.ChangeAccount(c.r.Context(), a.now, id, change)
	if err != nil {
		return err
	}
	if action != revocation.None {
		s.metrics.Revoked("sub", 1)
	}
	return c.done()
}

func accountChange(c *call) (change acts.Change, err error) {
	p, err := c.params()
	if err != nil {
		return change, err
	}
	if err := p.wantText("username", "scope"); err != nil {
		return change, err
	}
	if name, given := p.text["username"]; given {
		change.Username = &name
	}
	if scope, given := p.text["scope"]; given {
		change.Scope = &scope
	}
	raw, given := p.json["claims"]
	if text, form := p.text["claims"]; form { // a form carries them as JSON text
		raw, given = json.RawMessage(text), true
	}
	if !given {
		return change, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if unambiguous(dec, 0) != nil || json.Unmarshal(raw, &change.Claims) != nil {
		return change, malformed(`"claims" must be a JSON object`)
	}
	return change, nil // null leaves Claims nil, which is "not given", as in a JSON body
}

// lockAccount ends the sessions of an account and lets nobody in any more.
func (s *server) lockAccount(c *call, a admin) error {
	id, err := accountID(c)
	if err != nil {
		return err
	}
	if err := s.cfg.Acts.Lock(c.r.Context(), a.now, id, c.id); err != nil {
		return err
	}
	s.metrics.Revoked("sub", 1)
	return c.done()
}

// unlockAccount lets the person log in again.
func (s *server) unlockAccount(c *call, _ admin) error {
	id, err := accountID(c)
	if err != nil {
		return err
	}
	if err := s.cfg.Acts.Unlock(c.r.Context(), id); err != nil {
		return err
	}
	return c.done()
}
