package session

import (
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/secret"
)

// presented is what one request shows, as far as the table needs it.
type presented struct {
	known      bool         // this node has the master key that the token names
	genuine    bool         // the MAC holds under that key
	generation uint32       // of the token
	key        secret.KeyID // the master key that the token names
	bound      bool         // what the session is bound to was shown with it, if it is bound
	next       secret.KeyID // the master key of whatever would be made here and now
}

// step decides one refresh: the row as it was read and what was presented, to
// the row as it has to be written (if it differs) and the answer. It is the
// whole policy: no I/O, no clock, nothing remembered. The lines are tried in
// their order. The explorer (explore_test.go) searches this very function.
//
// The caller ends the session on reused, and does everything else that an
// outcome asks for: see outcome.
func step(row Row, p presented, now time.Time, policy Policy) (Row, outcome) {
	if o, refused := p.refused(); refused {
		return row, o
	}
	if _, over := row.over(now); over {
		return row, ended
	}
	if !p.bound {
		return row, binding // a thief must not log the owner out: nothing changes
	}
	row = corrected(row, now, policy)
	shown, current := int64(p.generation), int64(row.Generation)
	sinceRotation := now.Sub(row.RotatedAt)
	overdue := sinceRotation > policy.Grace      // the race for the rotation is over
	missed := sinceRotation > policy.straggler() // and so is every request that was under way
	confirmed := !row.ConfirmedAt.IsZero()
	arriving := !overdue || !confirmed || now.Sub(row.ConfirmedAt) <= policy.Drain
	outrun := missed && row.Late >= lateLimit-1

	switch {
	case shown == current && current > 0 && now.Sub(row.HeldAt) < policy.Hold:
		return row, same
	case shown == current:
		return advanced(row, current+1, p.next, now), rotate
	case shown == current-1 && arriving && !outrun:
		if overdue && now.Sub(row.HeldAt) >= moment {
			row.HeldAt, row.LateNow = now, row.LateNow || missed
		}
		return row, replay
	case shown == current-1:
		return row, reused
	case shown < current && sinceRotation <= policy.Hold:
		return row, late
	case shown < current:
		return row, reused
	default: // shown > current, and genuine: the store has lost writes
		return advanced(row, shown, p.key, now), heal
	}
}

// moment is as long as tabs that wake together take to ask. The first one's note
// is everybody's, or each would be in the way of the next.
const moment = time.Second

// lateLimit generations in a row, each replayed when nothing of its rotation
// could be under way any more, are a thief in step with the owner. An honest
// client loses three answers in a row about never.
const lateLimit = 3

// straggler is how long after a rotation a request may arrive that was sent
// before its answer did: a round trip, read on two clocks.
func (p Policy) straggler() time.Duration { return max(p.Grace, 2*p.Drain+2*tolerance) }

// refused is the part of the table that needs no row, so a forgery costs no query.
func (p presented) refused() (outcome, bool) {
	switch {
	case !p.known:
		return retry, true // another node has a newer list of master keys
	case !p.genuine:
		return malformed, true
	}
	return "", false
}

// over tells whether the session has ended by now, and how. Deadlines are not
// written into the row: a clock that was wrong once must end nothing for ever.
func (r Row) over(now time.Time) (jwt.Reason, bool) {
	past := func(deadline time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }
	switch {
	case r.State != Active && r.EndReason == string(jwt.Reused):
		return jwt.Reused, true
	case r.State != Active:
		return jwt.Revoked, true
	case past(r.Absolute):
		return jwt.Absolute, true
	case past(r.Idle):
		return jwt.Idle, true
	}
	return "", false
}

// advanced makes generation g current.
func advanced(row Row, g int64, key secret.KeyID, now time.Time) Row {
	if row.LateNow {
		row.Late++
	} else {
		row.Late = 0
	}
	row.LateNow = false
	row.Generation, row.KeyID = uint32(g), key
	row.RotatedAt, row.HeldAt, row.ConfirmedAt = now, now, time.Time{}
	return row
}

// tolerance is how far the clocks of two nodes may be from the store's.
const tolerance = 5 * time.Second

// ahead tells whether a stored time is further in the future than clocks in
// order explain.
func (r Row) ahead(now time.Time) bool {
	latest := now.Add(tolerance)
	return r.HeldAt.After(latest) || r.RotatedAt.After(latest) || r.ConfirmedAt.After(latest)
}

// corrected rewrites times that lie in the future to now, so that no window
// stays open until a wrong clock's time comes. Nor is a window opened that was
// shut: a confirmed generation was rotated longer than grace ago, whatever the
// clock says, so its times become the latest ones at which it is past them.
func corrected(row Row, now time.Time, policy Policy) Row {
	latest := now.Add(tolerance)
	confirmed := !row.ConfirmedAt.IsZero()
	if row.HeldAt.After(latest) {
		row.HeldAt = now
	}
	if row.RotatedAt.After(latest) {
		row.RotatedAt = now
		if confirmed {
			row.RotatedAt = now.Add(-policy.Grace - time.Microsecond)
		}
	}
	if row.ConfirmedAt.After(latest) {
		row.ConfirmedAt = now.Add(-policy.Drain - time.Microsecond)
	}
	return row
}

// sighted confirms a generation when an access token of it was presented long
// enough after it was issued: the refresh token that came beside it then did not
// only arrive, it was kept. kept is the time from iat to that presentation, by a
// verifier's clock; now is when the report arrived here. No token of a generation
// is older than the generation, whatever that clock says. It tells whether the
// row changed.
func sighted(row Row, generation uint32, kept time.Duration, now time.Time, policy Policy) (Row, bool) {
	kept = min(kept, now.Sub(row.RotatedAt))
	_, over := row.over(now)
	if over || generation != row.Generation || !row.ConfirmedAt.IsZero() || kept < policy.Settle {
		return row, false
	}
	row.ConfirmedAt = now
	return row, true
}
