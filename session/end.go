package session

import (
	"context"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// End ends one session of an account, with its children. Its access tokens are
// refused wherever the rules are followed. The end is durable when End returns
// nil. ErrNotFound says that no such session of this account was alive: never
// there, somebody else's, or over already, all alike.
func (s *Sessions) End(ctx context.Context, now time.Time, account, sid, reason, requestID string) error {
	e := s.ending(now, account, reason, requestID)
	e.IDs = []string{sid}
	ids, _, err := s.store.End(ctx, e)
	switch {
	case err != nil:
		return unavailable(retry, err)
	case len(ids) == 0:
		return fmt.Errorf("%w alive", ErrNotFound)
	}
	return nil
}

// EndOthers ends all sessions of an account but one and returns how many. It
// appends a rule for each ended session and none for the account, so that the
// session that is kept keeps its access tokens too.
func (s *Sessions) EndOthers(ctx context.Context, now time.Time, account, keep, reason, requestID string) (int, error) {
	if keep == "" {
		return 0, fmt.Errorf("%w: no session to keep; EndAll ends all", ErrNotFound)
	}
	e := s.ending(now, account, reason, requestID)
	e.Except = keep
	ids, _, err := s.store.End(ctx, e)
	if err != nil {
		return 0, unavailable(retry, err)
	}
	return len(ids), nil
}

// EndAll ends all sessions of an account and returns how many. Logins under way
// fail, and every access token of the account that was signed before is
// refused. A session made by the same act is signed with the cursor returned.
// Whatever changes a password, locks or deletes an account calls this.
func (s *Sessions) EndAll(ctx context.Context, now time.Time, account, reason, requestID string) (int, revocation.Cursor, error) {
	e := s.ending(now, account, reason, requestID)
	e.Epoch = true
	e.Rules = []revocation.Rule{revocation.SubjectEnded(account, reason, e.Until)}
	ids, cursor, err := s.store.End(ctx, e)
	if err != nil {
		return 0, revocation.Cursor{}, unavailable(retry, err)
	}
	return len(ids), cursor, nil
}

// ruleSkew is added to the life of a rule: verifiers' clocks may be behind.
const ruleSkew = time.Minute

func (s *Sessions) ending(now time.Time, account, reason, requestID string) Ending {
	now = stored(now)
	return Ending{
		Account: account, Parents: true, Reason: reason, Now: now, Until: s.until(now),
		Event: Event{At: now, Kind: "ended", Note: reason, RequestID: requestID},
	}
}

// until is when a rule of now can be forgotten: no access token lives longer.
func (s *Sessions) until(now time.Time) time.Time { return now.Add(s.cfg.Life + ruleSkew) }

// endReused ends a session whose refresh token was stolen. Whoever holds what
// is out too, and nobody can tell who that is.
func (s *Sessions) endReused(ctx context.Context, now time.Time, row Row, p presented, requestID string) error {
	e := s.ending(now, row.Account, string(jwt.Reused), requestID)
	e.IDs = []string{row.ID}
	e.Event.Kind = string(reused)
	e.Event.Note = fmt.Sprintf("generation %d shown, %d is current", p.generation, row.Generation)
	if err := s.endNow(ctx, e); err != nil {
		return err
	}
	return refusal(row, reused, now)
}

// endAgain ends a session that the rules say has ended: the store forgot.
func (s *Sessions) endAgain(ctx context.Context, now time.Time, row Row, v revocation.Verdict, requestID string) error {
	e := s.ending(now, row.Account, either(v.Reason, string(jwt.Revoked)), requestID)
	e.IDs = []string{row.ID}
	e.Event.Note = e.Reason + ", again: the store had forgotten"
	if err := s.endNow(ctx, e); err != nil {
		return err
	}
	row.State, row.EndReason = Ended, e.Reason
	return refusal(row, ended, now)
}

// endNow is the one write of a refresh that ends the session. Until it is
// durable the client is told to come again.
func (s *Sessions) endNow(ctx context.Context, e Ending) error {
	return waiting(ctx, func() error {
		_, _, err := s.store.End(ctx, e)
		return err
	})
}
