package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// Renew returns the token to go on with, after Find: t itself when it is not
// due, else its successor with fresh claims. Only a nil token ends the request:
// t was revoked in the meantime, and the error is the refusal. When anything
// else goes wrong (Regenerate fails, the store is away) it returns t and ErrKept
// with the cause: serve the request, report the error, renew another time.
func (k *Keeper) Renew(ctx context.Context, t *Token) (*Token, error) {
	if t.due == "" || t.foreign {
		return t, nil
	}
	next, err := k.rotate(ctx, k.cfg.Now(), t, func(ctx context.Context) (*Claims, error) {
		if k.cfg.Regenerate == nil {
			return nil, nil
		}
		fresh, err := k.cfg.Regenerate(ctx, t.Claims())
		return &fresh, err
	})
	if final(err) {
		return nil, err
	}
	if err != nil {
		k.tally.kept.Add(1)
		return t, fmt.Errorf("%w: %w", ErrKept, err)
	}
	return next, nil
}

// Rotate renews a token now, whether it is due or not, and returns the
// successor. Claims that are not nil bring a new Scope and new Private claims;
// everything else stays as the login made it. A token that was renewed before
// has its successor already, and that is returned. A token of another issuer is
// returned as it is. It fails with ErrClaims, with a refusal, or with the reason
// unavailable.
func (k *Keeper) Rotate(ctx context.Context, t *Token, c *Claims) (*Token, error) {
	if t.foreign {
		return t, nil
	}
	return k.rotate(ctx, k.cfg.Now(), t, func(context.Context) (*Claims, error) { return c, nil })
}

// final tells whether an error is a verdict about the token.
func final(err error) bool {
	switch jwt.ReasonOf(err) {
	case jwt.Expired, jwt.Absolute, jwt.Revoked, jwt.Reused:
		return true
	}
	return false
}

// rotate finds or makes the one successor of t.
func (k *Keeper) rotate(ctx context.Context, now time.Time, t *Token, fresh func(context.Context) (*Claims, error)) (*Token, error) {
	if err := inTime(t.claims, now); err != nil {
		return nil, err
	}
	if err := k.current(); err != nil {
		return nil, err
	}
	next, err := k.repeat(ctx, now, t)
	if !errors.Is(err, ErrNotFound) {
		return next, err
	}
	claims, err := fresh(ctx) // as long as it takes: nothing is held meanwhile
	if err != nil {
		return nil, fmt.Errorf("keeper: making new claims: %w", err)
	}
	return k.decide(ctx, now, t, claims)
}

// repeat answers with the successor that t has already: who comes later need not
// make claims that nobody will see. ErrNotFound says that there is none.
func (k *Keeper) repeat(ctx context.Context, now time.Time, t *Token) (*Token, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := k.cfg.Store.Rotated(ctx, t.claims.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, err
	case err != nil:
		return nil, unavailable("the renewal cannot be looked up", err)
	}
	k.tally.repeated.Add(1)
	if now.Sub(r.At) > 2*k.cfg.Grace {
		k.tally.late.Add(1)
	}
	return k.successor(ctx, now, t, r)
}

// decide records a successor of t, or loses to who was first, and answers with
// the winner's.
func (k *Keeper) decide(ctx context.Context, now time.Time, t *Token, claims *Claims) (*Token, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := k.record(now, t, claims)
	if err != nil {
		return nil, err
	}
	won, err := k.cfg.Store.Rotate(ctx, r, t.query())
	switch {
	case errors.Is(err, ErrRevoked):
		return nil, k.overruled(ctx, now, t)
	case err != nil:
		return nil, unavailable("the renewal is not known to be written", err)
	case won.Successor == r.Successor:
		k.tally.renewed.Add(1)
	default:
		k.tally.repeated.Add(1)
	}
	return k.successor(ctx, now, t, won)
}

// inTime asks a token that was found good a while ago again.
func inTime(c *jwt.Session, now time.Time) error {
	switch at := jwt.TimeOf(now); {
	case at >= c.Absolute:
		return refuse(jwt.Absolute, "the session has reached its end")
	case at >= c.Expires:
		return refuse(jwt.Expired, "a token is not renewed after it expired")
	}
	return nil
}

// record prepares the renewal of t. Nothing is signed yet: one of several may win.
func (k *Keeper) record(now time.Time, t *Token, fresh *Claims) (Rotation, error) {
	next, err := k.succeed(now, t.claims, fresh)
	if err != nil {
		return Rotation{}, err
	}
	text, err := jwt.EncodeClaims(next)
	if err != nil {
		return Rotation{}, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	key, err := k.cfg.Signer.Key(now)
	if err != nil {
		return Rotation{}, fmt.Errorf("keeper: no key to sign with: %w", err)
	}
	// Before it is recorded it must be known to be signable, or the token could
	// never be renewed any more.
	next.Revision = longestRev
	if _, err := k.cfg.Signer.SignAgain(now, key.ID(), next); err != nil {
		return Rotation{}, fmt.Errorf("keeper: signing a token: %w", err)
	}
	return Rotation{
		ID: t.claims.ID, Successor: next.ID, SessionID: next.SessionID, KeyID: key.ID(), Claims: text,
		At: now, Until: next.Expires.Time().Add(ruleSkew),
	}, nil
}

// longestRev is as long as a rev gets.
const longestRev = "9223372036854775807:9223372036854775807"

// overruled is the answer to a token that the log, though not yet the rules
// here, knows to be revoked.
func (k *Keeper) overruled(ctx context.Context, now time.Time, t *Token) error {
	q := t.query()
	if err := k.CatchUp(ctx); err == nil {
		if v := k.index.Check(now, &q); v.Action == revocation.Revoke {
			return k.refused(ctx, now, t, v)
		}
	}
	return refuse(jwt.Revoked, "revoked")
}

// successor makes the token of old's recorded renewal, the same text each time.
// It is locked as old is, with the one lock of the session.
func (k *Keeper) successor(ctx context.Context, now time.Time, old *Token, r Rotation) (*Token, error) {
	claims := new(jwt.Session)
	if err := jwt.DecodeClaims(r.Claims, claims); err != nil {
		return nil, fmt.Errorf("keeper: the recorded renewal of %s cannot be read: %w", r.ID, err)
	}
	claims.Revision = r.Rev.String()
	text, kid, err := k.text(ctx, now, r, claims)
	if err != nil {
		return nil, err
	}
	t := &Token{text: text, claims: claims, lock: old.lock, kid: kid}
	q := t.query()
	if v := k.index.Check(now, &q); v.Action == revocation.Revoke {
		return nil, k.refused(ctx, now, t, v)
	}
	return t, nil
}

// text signs the claims with the key of the record. A key that cannot sign any
// more (stolen, gone) is replaced in the record, once for all nodes.
func (k *Keeper) text(ctx context.Context, now time.Time, r Rotation, claims *jwt.Session) (text, kid string, err error) {
	text, err = k.cfg.Signer.SignAgain(now, r.KeyID, claims)
	if !errors.Is(err, jwt.ErrKey) {
		return text, r.KeyID, err
	}
	// Another node may have made the key a moment ago: it is asked for once.
	switch missing := k.cfg.Keys.Missing(ctx, now, r.KeyID); {
	case jwt.ReasonOf(missing) == jwt.BadKey:
	case missing != nil:
		return "", "", unavailable("the keys cannot be had", missing)
	default:
		if text, err = k.cfg.Signer.SignAgain(now, r.KeyID, claims); err == nil {
			return text, r.KeyID, nil
		}
	}
	key, err := k.cfg.Signer.Key(now)
	if err != nil {
		return "", "", fmt.Errorf("keeper: no key to sign with: %w", err)
	}
	won, err := k.cfg.Store.Rekey(ctx, r.ID, r.KeyID, key.ID())
	if err != nil {
		return "", "", unavailable("the renewal's key cannot be replaced", err)
	}
	text, err = k.cfg.Signer.SignAgain(now, won.KeyID, claims)
	return text, won.KeyID, err
}
