package acts

import (
	"context"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

// A SignUp is what a new account is made from.
type SignUp struct {
	Username, Password string
	Login              session.Login // Account is filled in
	Old                []session.Row // sessions that the newcomer brought along: they end
}

// SignUp makes an account with its first session.
func (a *Acts) SignUp(ctx context.Context, now time.Time, s SignUp) (session.Issued, error) {
	person, err := a.cfg.Accounts.Prepare(ctx, now, s.Username, s.Password)
	if err != nil {
		return session.Issued{}, err
	}
	row := a.cfg.Sessions.Prepare(now, s.Login)
	var rev revocation.Cursor
	err = a.together(ctx, func(tx tx) error {
		made, err := tx.accounts.Insert(ctx, person)
		if err != nil {
			return err
		}
		row.Account = made.Subject()
		if err := endOld(ctx, now, tx, s.Old, s.Login.RequestID); err != nil {
			return err
		}
		rev, err = tx.sessions.Insert(ctx, row, 0)
		return err
	})
	if err != nil {
		return session.Issued{}, err
	}
	return a.cfg.Sessions.Issue(ctx, now, row, rev)
}

// A LogIn is a name with its password.
type LogIn struct {
	Username, Password string
	Login              session.Login // Account is filled in
	Old                []session.Row // sessions that the browser brought along: they end
}

// LogIn opens a session. The account's epoch is read before the password is
// checked: a session is never made from a password that was changed, or for an
// account that was locked, while it was being checked. Then it is checked
// again.
func (a *Acts) LogIn(ctx context.Context, now time.Time, l LogIn) (session.Issued, error) {
	return repeated(session.ErrConflict, func() (session.Issued, error) { return a.logIn(ctx, now, l) })
}

// tries bounds how often an entry is repeated that was overtaken, by an end of
// all sessions or another change of the account.
const tries = 3

// repeated enters again after it was overtaken, and at last leaves that to the caller.
func repeated(overtaken error, enter func() (session.Issued, error)) (session.Issued, error) {
	for range tries {
		issued, err := enter()
		if !errors.Is(err, overtaken) {
			return issued, err
		}
	}
	return session.Issued{}, session.ErrRetry
}

func (a *Acts) logIn(ctx context.Context, now time.Time, l LogIn) (session.Issued, error) {
	epoch, err := a.epochOf(ctx, l.Username)
	if err != nil {
		return session.Issued{}, err
	}
	person, err := a.cfg.Accounts.Authenticate(ctx, now, l.Username, l.Password)
	if err != nil {
		return session.Issued{}, err
	}
	l.Login.Account = person.Subject()
	row := a.cfg.Sessions.Prepare(now, l.Login)
	var rev revocation.Cursor
	err = a.together(ctx, func(tx tx) error {
		if err := endOld(ctx, now, tx, l.Old, l.Login.RequestID); err != nil {
			return err
		}
		rev, err = tx.sessions.Insert(ctx, row, epoch)
		return err
	})
	if err != nil {
		return session.Issued{}, err
	}
	return a.cfg.Sessions.Issue(ctx, now, row, rev)
}

// epochOf reads the epoch of an account by name. For a stranger it asks as
// many questions as for a friend.
func (a *Acts) epochOf(ctx context.Context, username string) (int64, error) {
	person, err := a.cfg.Accounts.FindIdentifier(ctx, username)
	if err != nil && !errors.Is(err, account.ErrNotFound) {
		return 0, err
	}
	return a.cfg.Sessions.Epoch(ctx, person.Subject()) // account 0 is nobody's
}

// endOld ends the sessions that a browser brought to a login.
func endOld(ctx context.Context, now time.Time, tx tx, old []session.Row, requestID string) error {
	for _, row := range old {
		err := tx.sessions.End(ctx, now, row.Account, row.ID, "replaced", requestID)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return err
		}
	}
	return nil
}

// A PasswordChange is a new password with the current one.
type PasswordChange struct {
	Session       session.Row // that asks
	Current, Next string
	Login         session.Login // of the session that takes its place; Account is filled in
}

// ChangePassword sets a new password, ends every session of the account, and
// opens one whose tokens come after the rule that killed the others. When the
// account was changed meanwhile, the current password is checked again.
func (a *Acts) ChangePassword(ctx context.Context, now time.Time, c PasswordChange) (session.Issued, error) {
	c.Login.Account = c.Session.Account
	return repeated(account.ErrConflict, func() (session.Issued, error) { return a.changePassword(ctx, now, c) })
}

func (a *Acts) changePassword(ctx context.Context, now time.Time, c PasswordChange) (session.Issued, error) {
	from, err := find(ctx, a.cfg.Accounts, c.Session.Account)
	if err != nil {
		return session.Issued{}, err
	}
	to, err := a.cfg.Accounts.PrepareChange(ctx, now, from, c.Current, c.Next)
	if err != nil {
		return session.Issued{}, err
	}
	row := a.cfg.Sessions.Prepare(now, c.Login)
	var rev revocation.Cursor
	err = a.together(ctx, func(tx tx) error {
		if err := tx.accounts.Swap(ctx, from, to); err != nil {
			return err
		}
		if _, rev, err = tx.sessions.EndAll(ctx, now, row.Account, "password", c.Login.RequestID); err != nil {
			return err
		}
		epoch, err := tx.sessions.Epoch(ctx, row.Account)
		if err != nil {
			return err
		}
		_, err = tx.sessions.Insert(ctx, row, epoch)
		return err
	})
	if err != nil {
		return session.Issued{}, err
	}
	return a.cfg.Sessions.Issue(ctx, now, row, rev)
}
