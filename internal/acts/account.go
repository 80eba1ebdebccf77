package acts

import (
	"context"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// Lock locks an account and ends all its sessions.
func (a *Acts) Lock(ctx context.Context, now time.Time, id int64, requestID string) error {
	return a.together(ctx, func(tx tx) error {
		row, err := tx.accounts.Lock(ctx, id)
		if err != nil {
			return err
		}
		_, _, err = tx.sessions.EndAll(ctx, now, row.Subject(), "lock", requestID)
		return err
	})
}

// Unlock lets an account log in again. Its sessions stay over.
func (a *Acts) Unlock(ctx context.Context, id int64) error {
	return a.together(ctx, func(tx tx) error {
		_, err := tx.accounts.Unlock(ctx, id)
		return err
	})
}

// A Change is what an administrator sets of an account.
type Change struct {
	Username *string // nil leaves it
	account.Rights
}

// Empty tells whether there is nothing to change.
func (c Change) Empty() bool { return c.Username == nil && c.Scope == nil && c.Claims == nil }

// ChangeAccount sets the name or the rights of an account, or both. Rights
// change at the next token: a rule makes tokens signed before be renewed, or
// refuses them when a right was taken away. Nobody is logged out. It returns
// the rule's action, None for a change that needs no rule.
func (a *Acts) ChangeAccount(ctx context.Context, now time.Time, id int64, c Change) (done revocation.Action, err error) {
	err = a.together(ctx, func(tx tx) error {
		if done, err = a.setRights(ctx, now, tx, id, c.Rights); err != nil || c.Username == nil {
			return err
		}
		_, err := tx.accounts.Rename(ctx, id, *c.Username)
		return err
	})
	return done, err
}

func (a *Acts) setRights(ctx context.Context, now time.Time, tx tx, id int64, r account.Rights) (revocation.Action, error) {
	if r.Scope == nil && r.Claims == nil {
		return revocation.None, nil
	}
	from, to, err := tx.accounts.SetRights(ctx, id, r)
	if err != nil || from.Rights == to.Rights {
		return revocation.None, err
	}
	rule := revocation.SubjectChanged(to.Subject(), "rights", a.until(now))
	if account.TakesAway(from, to) {
		rule = revocation.SubjectEnded(to.Subject(), "rights", a.until(now))
	}
	_, err = tx.log.Append(ctx, now, rule)
	return rule.Action, err
}

// CompromiseKey takes a signing key out of the key set at once, and refuses
// every token under it wherever the rules are followed.
func (a *Acts) CompromiseKey(ctx context.Context, now time.Time, kid string) error {
	err := a.together(ctx, func(tx tx) error {
		if err := tx.keys.Compromise(ctx, now, kid); err != nil {
			return err
		}
		_, err := tx.log.Append(ctx, now, revocation.KeyCompromised(kid, "key", a.until(now)))
		return err
	})
	if err != nil {
		return err
	}
	return a.cfg.Keys.Tick(ctx, now) // this node signs under the next key from here on
}
