package account

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// swaps is how often a change is tried again when another one came in between.
const swaps = 4

// Authenticate tells whose password it is. The attempt is counted as a failure
// before it is judged, and forgiven when it was right.
//
// ErrFailed is the answer to everybody who does not know the password of an
// existing account, with the same work behind it. ErrLocked and ErrExpired are
// said to who does. ErrBusy, and errors of the store, say nothing about the
// password.
func (a *Accounts) Authenticate(ctx context.Context, now time.Time, typed, password string) (Row, error) {
	t, err := a.pool.enter()
	if err != nil {
		return Row{}, err
	}
	defer t.leave()
	row, err := a.FindIdentifier(ctx, typed)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Row{}, err
	}
	if err := a.judge(ctx, now, t, row, password); err != nil {
		return Row{}, err
	}
	return a.admit(ctx, now, t, row, password)
}

// judge counts, hashes, compares. It does the same for a row of nobody: one
// count that finds no account, one hash. Nil means that the password is right,
// whatever else is the matter with the account.
func (a *Accounts) judge(ctx context.Context, now time.Time, t *ticket, row Row, password string) error {
	if !row.DeletedAt.IsZero() {
		row = Row{}
	}
	a.counts.attempts.Add(1)
	count, err := a.store.Fail(ctx, row.ID, now)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	stored, known := a.decoy, row.ID != 0 && row.Password != ""
	if known {
		if stored, err = parseHash(row.Password); err != nil {
			return fmt.Errorf("account %d: %w; set a new password", row.ID, err)
		}
	}
	right, err := t.verify(ctx, stored, password)
	if err != nil {
		return err
	}
	if !right || !known {
		a.counts.failed.Add(1)
		return ErrFailed
	}
	return a.store.Forgive(ctx, row.ID, count)
}

// standing tells what keeps the owner of the right password out.
func (r Row) standing() error {
	switch {
	case !r.DeletedAt.IsZero():
		return ErrFailed
	case r.Locked:
		return ErrLocked
	case r.RequireNew:
		return ErrExpired
	}
	return nil
}

// admit writes the login down, with a new hash if the costs were raised. A
// change that came in between wins: the row is read again and must still be one
// that this password opens.
func (a *Accounts) admit(ctx context.Context, now time.Time, t *ticket, row Row, password string) (Row, error) {
	if err := row.standing(); err != nil {
		return Row{}, err
	}
	fresh, err := a.rehash(ctx, t, row, password)
	if err != nil {
		return Row{}, err
	}
	judged := row.Password
	for range swaps {
		if row.Password != judged {
			return Row{}, ErrFailed
		}
		if err := row.standing(); err != nil {
			return Row{}, err
		}
		to := row
		to.Password, to.LastLoginAt = fresh, instant(now)
		if err = a.store.Swap(ctx, row, to); err == nil {
			to.Revision++
			to.Failures = 0
			return to, nil
		}
		if !errors.Is(err, ErrConflict) {
			return Row{}, err
		}
		if row, err = a.store.Find(ctx, row.ID); err != nil {
			return Row{}, err
		}
	}
	return Row{}, ErrConflict
}

// rehash returns the password's hash at the current costs: the stored one if
// it has them.
func (a *Accounts) rehash(ctx context.Context, t *ticket, row Row, password string) (string, error) {
	stored, err := parseHash(row.Password)
	if err != nil || stored.params == a.cfg.Hash {
		return row.Password, err
	}
	password, _ = normal(password)
	fresh, err := t.hash(ctx, a.cfg.Hash, password)
	if err == nil {
		a.counts.rehashed.Add(1)
	}
	return fresh, err
}
