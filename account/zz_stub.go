// This file stands in for the room until it is merged; it is deleted then. Its
// password hash is none.

package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

var (
	ErrFailed  = errors.New("account: failed")
	ErrLocked  = errors.New("account: locked")
	ErrExpired = errors.New("account: expired")
	ErrBusy    = errors.New("account: busy")
)

type FieldError struct{ Field, Message string }
type FieldErrors struct{ Errors []FieldError }

func (e *FieldErrors) Error() string { return "account: fields" }

type Config struct{ Store Store }
type Accounts struct{ s Store }

func New(c Config) (*Accounts, error)     { return &Accounts{c.Store}, nil }
func (a *Accounts) On(tx Store) *Accounts { return &Accounts{tx} }
func hash(p string) string                { h := sha256.Sum256([]byte(p)); return hex.EncodeToString(h[:]) }
func (a *Accounts) Prepare(ctx context.Context, now time.Time, typed, password string) (Row, error) {
	var f FieldErrors
	if typed == "" {
		f.Errors = append(f.Errors, FieldError{"username", "MISSING"})
	}
	if password == "" {
		f.Errors = append(f.Errors, FieldError{"password", "MISSING"})
	} else if len(password) < 8 {
		f.Errors = append(f.Errors, FieldError{"password", "INSECURE"})
	}
	if f.Errors != nil {
		return Row{}, &f
	}
	return Row{Identifier: strings.ToLower(typed), Display: typed, Password: hash(password), CreatedAt: now, PasswordChangedAt: now}, nil
}
func (a *Accounts) Insert(ctx context.Context, r Row) (Row, error) {
	id, err := a.s.Insert(ctx, r)
	r.ID = id
	return r, err
}
func (a *Accounts) Authenticate(ctx context.Context, now time.Time, typed, password string) (Row, error) {
	r, err := a.FindIdentifier(ctx, typed)
	if errors.Is(err, ErrNotFound) {
		return r, ErrFailed
	}
	if err != nil {
		return r, err
	}
	n, err := a.s.Fail(ctx, r.ID, now)
	if err != nil {
		return r, err
	}
	if r.Password != hash(password) {
		return r, ErrFailed
	}
	if r.Locked {
		return r, ErrLocked
	}
	if r.RequireNew {
		return r, ErrExpired
	}
	return r, a.s.Forgive(ctx, r.ID, n)
}
func (a *Accounts) PrepareChange(ctx context.Context, now time.Time, r Row, cur, next string) (Row, error) {
	n, err := a.s.Fail(ctx, r.ID, now)
	if err != nil {
		return r, err
	}
	if r.Password != hash(cur) {
		return r, ErrFailed
	}
	a.s.Forgive(ctx, r.ID, n)
	p, err := a.Prepare(ctx, now, r.Display, next)
	if err != nil {
		return r, err
	}
	r.Password, r.PasswordChangedAt = p.Password, now
	r.Credential++
	return r, nil
}
func (a *Accounts) Swap(ctx context.Context, from, to Row) error    { return a.s.Swap(ctx, from, to) }
func (a *Accounts) Find(ctx context.Context, id int64) (Row, error) { return a.s.Find(ctx, id) }
func (a *Accounts) FindIdentifier(ctx context.Context, typed string) (Row, error) {
	return a.s.FindIdentifier(ctx, strings.ToLower(typed))
}
func (a *Accounts) Available(ctx context.Context, typed string) (bool, error) {
	_, err := a.FindIdentifier(ctx, typed)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return false, err
}
func (a *Accounts) set(ctx context.Context, id int64, f func(*Row)) (Row, error) {
	from, err := a.Find(ctx, id)
	if err != nil {
		return from, err
	}
	to := from
	f(&to)
	return to, a.Swap(ctx, from, to)
}
func (a *Accounts) Lock(ctx context.Context, now time.Time, id int64) (Row, error) {
	return a.set(ctx, id, func(r *Row) { r.Locked = true })
}
func (a *Accounts) Unlock(ctx context.Context, now time.Time, id int64) (Row, error) {
	return a.set(ctx, id, func(r *Row) { r.Locked = false })
}
func (a *Accounts) Rename(ctx context.Context, now time.Time, id int64, typed string) (Row, error) {
	return a.set(ctx, id, func(r *Row) { r.Display, r.Identifier = typed, strings.ToLower(typed) })
}
func (a *Accounts) SetRights(ctx context.Context, now time.Time, id int64, scope string, claims map[string]json.RawMessage) (Row, error) {
	return a.set(ctx, id, func(r *Row) { r.Scope, r.Claims = scope, claims; r.Rights++ })
}
