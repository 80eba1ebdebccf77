package session

import (
	"context"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// find reads a session for a refresh. A session that is not there any more was
// ended longer ago than it is kept.
func (s *Sessions) find(ctx context.Context, sid string) (row Row, head revocation.Cursor, err error) {
	err = waiting(ctx, func() error {
		row, head, err = s.store.Find(ctx, sid)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = &Error{Outcome: string(ended), Reason: ended.reason(), SessionID: sid, Err: err}
	}
	return row, head, err
}

// swap writes a session for a refresh. A write that was made although its
// answer was lost shows up as ErrConflict: the next read explains itself.
func (s *Sessions) swap(ctx context.Context, from, to Row) error {
	err := waiting(ctx, func() error { return s.store.Swap(ctx, from, to) })
	if errors.Is(err, ErrNotFound) {
		return ErrConflict
	}
	return err
}

// waiting repeats f while it tells of trouble rather than of an answer, until
// ctx ends. What is left then is an unavailable Error.
func waiting(ctx context.Context, f func() error) error {
	for pause := 25 * time.Millisecond; ; pause = min(2*pause, 400*time.Millisecond) {
		err := f()
		if answered(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return unavailable(retry, err)
		case <-time.After(pause):
		}
	}
}

// answered tells an answer from trouble.
func answered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) || ok && !errors.Is(e, ErrRetry)
}

// trouble makes whatever is not an answer an unavailable Error.
func trouble(err error) error {
	if answered(err) {
		return err
	}
	return unavailable(retry, err)
}
