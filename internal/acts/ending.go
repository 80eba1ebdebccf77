package acts

import (
	"context"
	"time"
)

// EndSession ends one session of an account. session.ErrNotFound says that no
// such session of this account was alive.
func (a *Acts) EndSession(ctx context.Context, now time.Time, account, sid, reason, requestID string) error {
	return a.cfg.Sessions.End(ctx, now, account, sid, reason, requestID)
}

// EndOthers ends all sessions of an account but one and returns how many.
func (a *Acts) EndOthers(ctx context.Context, now time.Time, account, keep, reason, requestID string) (int, error) {
	return a.cfg.Sessions.EndOthers(ctx, now, account, keep, reason, requestID)
}

// EndAll ends all sessions of an account and returns how many.
func (a *Acts) EndAll(ctx context.Context, now time.Time, account, reason, requestID string) (int, error) {
	n, _, err := a.cfg.Sessions.EndAll(ctx, now, account, reason, requestID)
	return n, err
}
