package account

import (
	"context"
	"errors"
	"strings"
	"time"
)

// PrepareChange checks the current password, as a login would, and hashes the
// next one. It returns the row to Swap for row, with its credential version
// raised. Nothing has changed but the count of failures.
//
// ErrFailed if the current password is wrong; ErrLocked if it is right and the
// account is locked; *FieldErrors if the next one may not be chosen. An account
// that must change its password may.
func (a *Accounts) PrepareChange(ctx context.Context, now time.Time, row Row, current, next string) (Row, error) {
	t, err := a.pool.enter()
	if err != nil {
		return Row{}, err
	}
	defer t.leave()
	if err := a.judge(ctx, now, t, row, current); err != nil {
		return Row{}, err
	}
	if err := row.standing(); err != nil && !errors.Is(err, ErrExpired) {
		return Row{}, err
	}
	next, weak := a.checkPassword(next, row.Identifier)
	if weak != nil {
		return Row{}, weak
	}
	if current, _ = normal(current); current == next {
		return Row{}, refuse("password", insecure, "is the current one")
	}
	hash, err := t.hash(ctx, a.cfg.Hash, next)
	if err != nil {
		return Row{}, err
	}
	row.Password, row.PasswordChangedAt, row.RequireNew = hash, instant(now), false
	row.Credential++
	return row, nil
}

// Swap puts a row that PrepareChange made in the place of the one that it was
// made for. What else came in between, such as a login, is kept. ErrConflict if
// the credential changed: another password, a lock, another identifier.
func (a *Accounts) Swap(ctx context.Context, from, to Row) error {
	credential := from.Credential
	for range swaps {
		err := a.store.Swap(ctx, from, to)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		next, err := a.store.Find(ctx, from.ID)
		if err != nil {
			return err
		}
		if next.Credential != credential || !next.DeletedAt.IsZero() {
			return ErrConflict
		}
		from = next
		next.Password, next.PasswordChangedAt, next.RequireNew = to.Password, to.PasswordChangedAt, to.RequireNew
		next.Credential = to.Credential
		to = next
	}
	return ErrConflict
}

// Lock keeps the owner out and raises the credential version. Locking a locked
// account changes nothing. End its sessions in the same transaction.
func (a *Accounts) Lock(ctx context.Context, id int64) (Row, error) {
	_, to, err := a.alter(ctx, id, func(r *Row) bool {
		if r.Locked {
			return false
		}
		r.Locked = true
		r.Credential++
		return true
	})
	return to, err
}

// Unlock lets the owner in again and forgives the failures counted so far.
func (a *Accounts) Unlock(ctx context.Context, id int64) (Row, error) {
	_, to, err := a.alter(ctx, id, func(r *Row) bool {
		changed := r.Locked
		r.Locked = false
		return changed
	})
	if err != nil || to.Failures == 0 {
		return to, err
	}
	if err = a.store.Forgive(ctx, id, to.Failures); err == nil {
		to.Failures = 0
	}
	return to, err
}

// RequireNew makes the owner change the password at the next login.
func (a *Accounts) RequireNew(ctx context.Context, id int64) (Row, error) {
	_, to, err := a.alter(ctx, id, func(r *Row) bool {
		if r.RequireNew {
			return false
		}
		r.RequireNew = true
		r.Credential++
		return true
	})
	return to, err
}

// Rename gives the account another identifier and raises the credential
// version. *FieldErrors if it is none, ErrTaken if somebody has it.
func (a *Accounts) Rename(ctx context.Context, id int64, typed string) (Row, error) {
	canonical, wrong := canonicalise(typed, a.cfg.Email)
	if wrong != nil {
		return Row{}, wrong
	}
	display := strings.TrimSpace(typed)
	_, to, err := a.alter(ctx, id, func(r *Row) bool {
		if r.Identifier == canonical && r.Display == display {
			return false
		}
		if r.Identifier != canonical {
			r.Credential++
		}
		r.Identifier, r.Display = canonical, display
		return true
	})
	return to, err
}

// alter changes an account by compare-and-set, and returns it as it was and as
// it is. change returns false if there is nothing to do.
func (a *Accounts) alter(ctx context.Context, id int64, change func(*Row) bool) (from, to Row, err error) {
	for range swaps {
		if from, err = a.store.Find(ctx, id); err != nil {
			return from, from, err
		}
		to = from
		if !change(&to) {
			return from, from, nil
		}
		if err = a.store.Swap(ctx, from, to); err == nil {
			to.Revision++
			return from, to, nil
		}
		if !errors.Is(err, ErrConflict) {
			break
		}
	}
	return from, from, err
}
