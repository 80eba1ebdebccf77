package keeper

import (
	"context"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// The reasons of the rules that this room appends. The words renewed and reused
// are read back from them.
const (
	reasonRenewed = "renewed" // a jti rule: the token has a successor that was seen
	reasonReused  = "reused"  // a sid rule: such a token was used all the same
	reasonLogout  = "logout"
	reasonRevoked = "revoked"
	reasonRotate  = "rotate"
)

// refused tells why a revoked token is refused, and ends the session of one that
// was used after its successor: one of two holders is a thief. The answer is
// reused only when that end is durable, so that who is told may forget.
func (k *Keeper) refused(ctx context.Context, now time.Time, t *Token, v revocation.Verdict) error {
	q := t.query()
	q.ID = "" // what is said of the session and beyond
	wider := k.index.Look(now, &q)
	switch {
	case wider.Scope == revocation.ScopeSession && wider.Reason == reasonReused:
		return refuse(jwt.Reused, "a token of the session was used after its successor")
	case wider.Action == revocation.Revoke, v.Scope != revocation.ScopeToken, v.Reason != reasonRenewed:
		return refuse(jwt.Revoked, "revoked")
	}
	if !k.cfg.InsecureKeepReused {
		ending := revocation.SessionEnded(t.claims.SessionID, reasonReused, k.until(now))
		if err := k.append(ctx, now, ending); err != nil {
			return err
		}
	}
	k.tally.reused.Add(1)
	return refuse(jwt.Reused, "the token was used after its successor")
}

// sightWait is how long the first sight of a token may keep its request waiting,
// and for how long no other is written down after that failed.
const sightWait = time.Second

// sight writes down that a renewed token has arrived: a grace from now its
// predecessor is dead, at every verifier. Nobody waits for trouble: whatever
// fails here is done by a later request.
func (k *Keeper) sight(ctx context.Context, now time.Time, c *jwt.Session) {
	if c.Renews == "" {
		return
	}
	past := revocation.Query{Issuer: k.cfg.Issuer, ID: c.Renews}
	if k.index.Look(now.Add(k.cfg.Grace), &past).Action == revocation.Revoke {
		return // the rule is known, in force or soon
	}
	if k.hushed() {
		return
	}
	if _, busy := k.noting.LoadOrStore(c.Renews, true); busy {
		return
	}
	defer k.noting.Delete(c.Renews)
	ctx, cancel := context.WithTimeout(ctx, sightWait)
	defer cancel()
	err := k.append(ctx, now, revocation.Rule{
		Scope: revocation.ScopeToken, ID: c.Renews, Action: revocation.Revoke, Reason: reasonRenewed,
		From: now.Add(k.cfg.Grace), Until: c.Expires.Time().Add(k.cfg.Grace + ruleSkew),
	})
	if err != nil {
		k.hush()
		return
	}
	k.tally.sighted.Add(1)
}

// setBack tells whether the successor of a token was first seen at a time that
// the clock here will reach in more than a minute: then it was set back, and
// would give a token that is dead a second grace.
func (k *Keeper) setBack(now time.Time, c *jwt.Session) bool {
	own := revocation.Query{Issuer: k.cfg.Issuer, ID: c.ID}
	last := k.index.Look(c.Expires.Time(), &own)
	return last.Action == revocation.Revoke && last.Reason == reasonRenewed &&
		k.index.Look(now.Add(k.cfg.Grace+ruleSkew), &own).Action != revocation.Revoke
}

// hush keeps requests from waiting one after another for a log that failed.
func (k *Keeper) hush() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.quiet = k.machine().Add(sightWait)
}

func (k *Keeper) hushed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.machine().Before(k.quiet)
}
