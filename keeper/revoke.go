package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// Revoke ends the session of a token: all its tokens are refused, here at once
// and wherever the log is followed. It is durable when Revoke returns nil, and
// may be repeated. A token of another issuer is ErrForeign.
func (k *Keeper) Revoke(ctx context.Context, t *Token) error {
	if t.foreign {
		return ErrForeign
	}
	now := k.cfg.Now()
	return k.append(ctx, now, revocation.SessionEnded(t.claims.SessionID, reasonLogout, k.until(now)))
}

// RevokeSession ends a session of which only the ID is known, as Revoke does.
func (k *Keeper) RevokeSession(ctx context.Context, sid string) error {
	now := k.cfg.Now()
	return k.append(ctx, now, revocation.SessionEnded(sid, reasonRevoked, k.until(now)))
}

// RevokeSubject ends every session that an account has now: a ban, a new
// password, "log out everywhere". A session that is created after it lives,
// also within the same request.
func (k *Keeper) RevokeSubject(ctx context.Context, subject string) error {
	now := k.cfg.Now()
	return k.append(ctx, now, revocation.SubjectEnded(subject, reasonRevoked, k.until(now)))
}

// RevokeID refuses a token of which only the ID is known, with every token that
// is recorded to succeed it. To end a session, RevokeSession is surer: the token
// that this one succeeded may still be good.
func (k *Keeper) RevokeID(ctx context.Context, id string) error {
	now := k.cfg.Now()
	for {
		// The rule first: once it stands, the token gets no successor any more, and
		// the one it got before is found.
		if err := k.append(ctx, now, tokenRule(id, revocation.Revoke, reasonRevoked, k.until(now))); err != nil {
			return err
		}
		rotation, err := k.cfg.Store.Rotated(ctx, id)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil
		case err != nil:
			return unavailable("the token's successor cannot be looked up", err)
		}
		id = rotation.Successor
	}
}

// RotateID asks that a token be renewed at its next sight. It refuses nobody,
// and takes no revocation back.
func (k *Keeper) RotateID(ctx context.Context, id string) error {
	now := k.cfg.Now()
	return k.append(ctx, now, tokenRule(id, revocation.Rotate, reasonRotate, k.until(now)))
}

// RotateSubject asks that every token that an account has now be renewed at its
// next sight, so that new rights reach it. It refuses nobody.
func (k *Keeper) RotateSubject(ctx context.Context, subject string) error {
	now := k.cfg.Now()
	return k.append(ctx, now, revocation.SubjectChanged(subject, reasonRotate, k.until(now)))
}

func tokenRule(id string, a revocation.Action, reason string, until time.Time) revocation.Rule {
	return revocation.Rule{Scope: revocation.ScopeToken, ID: id, Action: a, Reason: reason, Until: until}
}

// ruleSkew is added to the life of a rule: other clocks may be behind.
const ruleSkew = time.Minute

// until is when a rule of now can be forgotten: no token lives longer.
func (k *Keeper) until(now time.Time) time.Time { return now.Add(k.cfg.Retention + ruleSkew) }

// patience is how long one call waits for a store that does not answer.
const patience = 3 * time.Second

// append makes rules durable, and true here at once. Then it reads on up to
// them, so that what is signed next says that it comes after them.
func (k *Keeper) append(ctx context.Context, now time.Time, rules ...revocation.Rule) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last, err := k.cfg.Revocations.Append(ctx, now, rules...)
	switch {
	case errors.Is(err, revocation.ErrBadRule):
		return fmt.Errorf("keeper: %w", err)
	case err != nil:
		return unavailable("the rule is not known to be written", err)
	}
	for i, r := range rules {
		place := revocation.Cursor{Epoch: last.Epoch, Seq: last.Seq - uint64(len(rules)-1-i)}
		if err := k.index.Apply(revocation.Entry{Cursor: place, At: now, Rule: r}); err != nil {
			return unavailable("the rule is written, and cannot be applied here", err)
		}
	}
	if k.index.Cursor().Before(last) {
		_ = k.CatchUp(ctx) // the rule stands; Run catches up too
	}
	return nil
}
