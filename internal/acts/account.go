package acts

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func (a *Acts) find(ctx context.Context, sub string) (account.Row, error) {
	id, err := strconv.ParseInt(sub, 10, 64)
	if err != nil {
		return account.Row{}, account.ErrNotFound
	}
	return a.cfg.Accounts.Find(ctx, id)
}

// Lock locks an account and ends all its sessions.
func (a *Acts) Lock(ctx context.Context, now time.Time, id int64, requestID string) error {
	return a.together(ctx, func(tx tx) error {
		if _, err := tx.accounts.Lock(ctx, now, id); err != nil {
			return err
		}
		_, _, err := tx.sessions.EndAll(ctx, now, subject(id), "lock", requestID)
		return err
	})
}

// Unlock lets an account log in again. Its sessions stay over.
func (a *Acts) Unlock(ctx context.Context, now time.Time, id int64) error {
	return a.together(ctx, func(tx tx) error {
		_, err := tx.accounts.Unlock(ctx, now, id)
		return err
	})
}

// A Change is what an administrator sets of an account. Nil leaves as it is.
type Change struct {
	Username *string
	Scope    *string
	Claims   map[string]json.RawMessage // nil leaves them; empty takes all away
}

// rights tells whether the change is about rights at all.
func (c Change) rights() bool { return c.Scope != nil || c.Claims != nil }

// ChangeAccount sets the name or the rights of an account, or both. Rights
// change at the next token: a rule makes tokens signed before be renewed, or
// refuses them when a right was taken away. Nobody is logged out. It returns
// the rule's action, None for a change that needs no rule.
func (a *Acts) ChangeAccount(ctx context.Context, now time.Time, id int64, c Change) (done revocation.Action, err error) {
	err = a.together(ctx, func(tx tx) error {
		done = revocation.None
		before, err := tx.accounts.Find(ctx, id)
		if err != nil {
			return err
		}
		if c.Username != nil {
			if _, err := tx.accounts.Rename(ctx, now, id, *c.Username); err != nil {
				return err
			}
		}
		if !c.rights() {
			return nil
		}
		scope, claims := before.Scope, before.Claims
		if c.Scope != nil {
			scope = *c.Scope
		}
		if c.Claims != nil {
			claims = c.Claims
		}
		after, err := tx.accounts.SetRights(ctx, now, id, scope, claims)
		if err != nil {
			return err
		}
		if done = changed(before, after); done == revocation.None {
			return nil
		}
		_, err = tx.log.Append(ctx, now, revocation.Rule{
			Scope: revocation.ScopeSubject, ID: subject(id), Until: a.until(now), Action: done, Reason: "rights",
		})
		return err
	})
	return done, err
}

// changed compares rights. A claim with another value counts as taken away:
// what it means is the application's secret.
func changed(before, after account.Row) revocation.Action {
	had, has := strings.Fields(before.Scope), strings.Fields(after.Scope)
	for _, right := range had {
		if !slices.Contains(has, right) {
			return revocation.Revoke
		}
	}
	for name, value := range before.Claims {
		if string(after.Claims[name]) != string(value) {
			return revocation.Revoke
		}
	}
	if len(has) > len(had) || len(after.Claims) > len(before.Claims) {
		return revocation.Rotate
	}
	return revocation.None
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
	return errors.Join(a.cfg.Keys.Tick(ctx, now)) // this node signs under the next key from here on
}
