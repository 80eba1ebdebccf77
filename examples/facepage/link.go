package facepage

import (
	"context"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

// look tells what became of a link, and changes nothing: scanners of mail follow
// links too.
func (d *desk) look(w http.ResponseWriter, r *http.Request, now time.Time) error {
	var subject string
	var err error
	if raw := r.PostFormValue("token"); r.PostFormValue("kind") == surveyMail {
		subject, err = unused(d, r.Context(), now, d.logins, raw)
	} else {
		subject, err = unused(d, r.Context(), now, d.resets, raw)
	}
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, map[string]string{"account": subject})
	return nil
}

func unused[C any, P onetime.Purpose[C]](d *desk, ctx context.Context, now time.Time, tokens *onetime.Tokens[C], raw string) (string, error) {
	token, err := tokens.Open(ctx, now, raw)
	if err != nil {
		return "", err
	}
	claims := P(token.Claims()).Bound()
	row, err := owner(ctx, d.cfg.Accounts, claims)
	if err == nil {
		err = tokens.Unused(ctx, now, token, row.Credential)
	}
	return claims.Subject, err
}

// owner finds the account of a link. One that is locked or gone has no links.
func owner(ctx context.Context, accounts *account.Accounts, c *onetime.Claims) (account.Row, error) {
	id, err := account.ParseSubject(c.Subject)
	if err != nil {
		return account.Row{}, err
	}
	row, err := accounts.Find(ctx, id)
	if err == nil && (row.Locked || !row.DeletedAt.IsZero()) {
		err = onetime.ErrUsed
	}
	return row, err
}

// reset sets a new password against a link. The password is hashed first; then,
// in one transaction, the link is taken, which demands that its lock names the
// password's version, the password is set, every session ends.
func (d *desk) reset(w http.ResponseWriter, r *http.Request, now time.Time) error {
	ctx := r.Context()
	token, err := d.resets.Open(ctx, now, r.PostFormValue("token"))
	if err != nil {
		return err
	}
	claims := token.Claims().Bound()
	from, to, err := d.prepareReset(ctx, now, claims, r.PostFormValue("password"))
	if err != nil {
		return err
	}
	ended := 0
	err = d.cfg.Backend.Together(ctx, func(tx store.Set) error {
		accounts := d.cfg.Accounts.On(tx.Accounts)
		row, err := owner(ctx, accounts, claims)
		if err != nil {
			return err
		}
		if err := d.resets.On(tx.OneTimes).Take(ctx, now, token, row.Credential); err != nil {
			return err
		}
		if err := accounts.Swap(ctx, from, to); err != nil {
			return err
		}
		ended, _, err = d.cfg.Sessions.On(tx.Sessions).EndAll(ctx, now, row.Subject(), "password", problem.RequestID(ctx))
		return err
	})
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, wasReset{claims.Subject, ended})
	return nil
}

// A wasReset is the answer to a link that set a password.
type wasReset struct {
	Account string `json:"account"`
	Ended   int    `json:"ended"` // sessions
}

// prepareReset hashes the new password. A link that is dead anyway costs no hash.
func (d *desk) prepareReset(ctx context.Context, now time.Time, c *onetime.Claims, password string) (from, to account.Row, err error) {
	if from, err = owner(ctx, d.cfg.Accounts, c); err != nil {
		return from, to, err
	}
	if c.Version != from.Credential {
		return from, to, onetime.ErrVersion
	}
	hashed, err := d.cfg.Accounts.Prepare(ctx, now, from.Display, password)
	if err != nil {
		return from, to, err
	}
	to = from
	to.Password, to.PasswordChangedAt, to.RequireNew = hashed.Password, hashed.PasswordChangedAt, false
	to.Credential++
	return from, to, nil
}

// enter opens a session against a link, for what the link was about and nothing
// else of the account. It is not refreshed: the survey is short.
func (d *desk) enter(w http.ResponseWriter, r *http.Request, now time.Time) error {
	ctx := r.Context()
	token, err := d.logins.Open(ctx, now, r.PostFormValue("token"))
	if err != nil {
		return err
	}
	row, head, err := d.admit(ctx, now, token, r.UserAgent())
	if err != nil {
		return err
	}
	issued, err := d.cfg.Sessions.Issue(ctx, now, row, head)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, entered{Access: issued.Access, ExpiresIn: int64(issued.ExpiresIn.Seconds())})
	return nil
}

// An entered is the answer to a link that was taken.
type entered struct {
	Access    string `json:"id_token"`
	ExpiresIn int64  `json:"expires_in"`
}

// admit takes the link and makes the session in one transaction.
func (d *desk) admit(ctx context.Context, now time.Time, token *jwt.Token[onetime.Login], agent string) (row session.Row, head revocation.Cursor, err error) {
	claims := token.Claims().Bound()
	row = d.cfg.Sessions.Prepare(now, session.Login{
		Account: claims.Subject, Audience: d.cfg.Orders.Audience, Methods: []string{"mail"}, Scope: claims.Scope,
		Agent: agent, RequestID: problem.RequestID(ctx),
	})
	err = d.cfg.Backend.Together(ctx, func(tx store.Set) error {
		person, err := owner(ctx, d.cfg.Accounts.On(tx.Accounts), claims)
		if err != nil {
			return err
		}
		if err := d.logins.On(tx.OneTimes).Take(ctx, now, token, person.Credential); err != nil {
			return err
		}
		sessions := d.cfg.Sessions.On(tx.Sessions)
		epoch, err := sessions.Epoch(ctx, claims.Subject)
		if err != nil {
			return err
		}
		head, err = sessions.Insert(ctx, row, epoch)
		return err
	})
	return row, head, err
}
