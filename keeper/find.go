package keeper

import (
	"context"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// Find returns the token that raw spells if it is good now. Else the error is a
// *jwt.Error whose Reason says why: one of malformed, header, key, signature
// while raw may be a forgery; then issuer, audience, claims, early, expired,
// absolute, binding, revoked, reused; or unavailable, when it cannot be known.
//
// A token that is locked to a browser is never found by its text alone, nor is
// any under binding.Required: that is binding, and FindRequest finds it.
//
// It asks no store. Only the first sight of a renewed token is written down,
// once, and so is the end of a session whose token was reused. The log is read
// when it is behind the token.
func (k *Keeper) Find(ctx context.Context, raw string) (*Token, error) {
	return k.find(ctx, nil, raw)
}

// FindRequest returns the token that r carries, as Find does, and asks for its
// lock. It reads r as Handler does, so that its refusals are also missing,
// malformed_request, ambiguous and csrf. Give a token that Renew returns to the
// client with Write.
func (k *Keeper) FindRequest(r *http.Request) (*Token, error) {
	header, cookie, err := k.read(r)
	if err != nil {
		return nil, err
	}
	return k.find(r.Context(), r, firstOf(header, cookie))
}

// find asks in an order: the signature, the lock, the rules. Who has a copy of
// the token and not its lock learns nothing of the session, brings nothing
// about, and cannot end it by showing a token after its successor.
func (k *Keeper) find(ctx context.Context, r *http.Request, raw string) (*Token, error) {
	now := k.cfg.Now()
	t, err := k.verify(ctx, now, raw)
	if err != nil {
		return nil, err
	}
	if err := t.unlock(r, k.cfg.Lock); err != nil {
		return nil, err
	}
	if t.foreign {
		return t, nil
	}
	q := t.query()
	v := k.index.Check(now, &q)
	if v.Action != revocation.Revoke && k.reach(ctx, q.Rev) {
		v = k.index.Check(now, &q)
	}
	if v.Action == revocation.Revoke {
		return nil, k.refused(ctx, now, t, v)
	}
	if err := k.following(); err != nil {
		return nil, err
	}
	if k.setBack(now, t.claims) {
		return nil, unavailable("the clock here is behind the log: it was set back", nil)
	}
	k.sight(ctx, now, t.claims)
	t.due = due(t.claims, v.Action == revocation.Rotate, k.settled(now, t.claims), now, k.cfg.Versions, k.cfg.Retired)
	return t, nil
}

// verify finds out whose token raw is, and whether it is genuine and in time. It
// does not ask for a lock.
func (k *Keeper) verify(ctx context.Context, now time.Time, raw string) (*Token, error) {
	found, err := k.own.Verify(ctx, now, raw)
	if err != nil {
		return k.verifyForeign(ctx, now, raw, err)
	}
	t := &Token{text: raw, claims: found.Claims(), kid: found.KeyID()}
	if err := ours(t.claims, now); err != nil {
		return nil, err
	}
	return t, nil
}

// ours refuses what our own signature stands under, and yet is no session token
// of this room's.
func ours(c *jwt.Session, now time.Time) error {
	switch {
	case c.SessionID == "":
		return refuse(jwt.BadClaim, "sid is missing")
	case c.Absolute == 0:
		return refuse(jwt.BadClaim, "sxp is missing")
	case c.Revision == "":
		return refuse(jwt.BadClaim, "rev is missing")
	case c.Absolute <= jwt.TimeOf(now):
		return refuse(jwt.Absolute, "the session has reached its end")
	}
	return nil
}
