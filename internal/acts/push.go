package acts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

// Push appends rules that somebody outside decided on, all of them or none, and
// returns the head after them. A rule without Until is kept until no token can
// be alive that it matches. It fails with revocation.ErrBadRule, also for a rule
// about another issuer, and for a key that is to be revoked later.
//
// A rule alone would refuse access tokens while we go on handing out new ones.
// So what a rule revokes at once comes to an end here too, if it is ours: a
// session, all sessions of an account, a signing key. The other scopes are of
// nothing that is kept here, and a rotation or a rule for later ends nothing.
func (a *Acts) Push(ctx context.Context, now time.Time, requestID string, rules ...revocation.Rule) (head revocation.Cursor, err error) {
	rules = a.limited(now, rules)
	err = a.together(ctx, func(tx tx) error {
		for _, r := range rules {
			if err := a.fits(now, r); err != nil {
				return err
			}
			if r.Action != revocation.Revoke || r.From.After(now) {
				continue
			}
			if err := tx.end(ctx, now, r, requestID); err != nil {
				return err
			}
		}
		head, err = tx.log.Append(ctx, now, rules...)
		return err
	})
	if err != nil {
		return revocation.Cursor{}, err
	}
	// The rules are durable. This node hears of them by itself, and sooner so.
	_ = a.catchUp(ctx)
	return head, a.cfg.Keys.Tick(ctx, now)
}

// fits tells whether a rule does what it says.
func (a *Acts) fits(now time.Time, r revocation.Rule) error {
	switch {
	case r.Scope == revocation.ScopeIssuer && r.ID != a.cfg.Issuer:
		return fmt.Errorf("%w: the issuer is %q; a rule about another refuses nothing", revocation.ErrBadRule, a.cfg.Issuer)
	case r.Scope == revocation.ScopeKey && r.Action == revocation.Revoke && r.From.After(now):
		return fmt.Errorf("%w: a key is revoked at once; until %s it would sign what is refused from then on", revocation.ErrBadRule, r.From.UTC().Format(time.RFC3339))
	}
	return r.Validate()
}

// limited gives rules their Until.
func (a *Acts) limited(now time.Time, rules []revocation.Rule) []revocation.Rule {
	list := make([]revocation.Rule, len(rules))
	for i, r := range rules {
		if list[i] = r; r.Until.IsZero() {
			list[i].Until = a.until(now)
			if r.From.After(now) {
				list[i].Until = a.until(r.From)
			}
		}
	}
	return list
}

// end ends what a rule is about. What is not here, or over, needs no end.
func (t tx) end(ctx context.Context, now time.Time, r revocation.Rule, requestID string) error {
	reason := r.Reason
	if reason == "" {
		reason = "pushed"
	}
	var err error
	switch r.Scope {
	case revocation.ScopeSubject:
		if _, err = find(ctx, t.accounts, r.ID); err == nil {
			_, _, err = t.sessions.EndAll(ctx, now, r.ID, reason, requestID)
		}
	case revocation.ScopeSession:
		var row session.Row
		if row, err = t.sessions.Find(ctx, r.ID); err == nil {
			err = t.sessions.End(ctx, now, row.Account, r.ID, reason, requestID)
		}
	case revocation.ScopeKey:
		err = t.keys.Compromise(ctx, now, r.ID)
	}
	if errors.Is(err, account.ErrNotFound) || errors.Is(err, session.ErrNotFound) || errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}
