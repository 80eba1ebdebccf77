package account

import (
	"errors"
	"strings"
)

// Errors of Accounts. Store errors come through as they are.
var (
	// ErrFailed is the one answer to a wrong password, an unknown identifier and
	// an account without password.
	ErrFailed = errors.New("account: identifier or password is wrong")
	// ErrLocked is said only after the right password.
	ErrLocked = errors.New("account: locked")
	// ErrExpired is said only after the right password: it must be changed first.
	ErrExpired = errors.New("account: the password must be changed")
	// ErrBusy means that too many passwords are being hashed. Try again in a second.
	ErrBusy = errors.New("account: too many passwords at once")
	// ErrHash means that a stored password hash cannot be read.
	ErrHash = errors.New("account: unreadable password hash")
)

// The messages that a FieldError may carry. The set is closed.
const (
	missing       = "MISSING"
	taken         = "TAKEN"
	formatInvalid = "FORMAT_INVALID"
	insecure      = "INSECURE"
	failed        = "FAILED"
	locked        = "LOCKED"
	expired       = "EXPIRED"
	notFound      = "NOT_FOUND"
)

// A FieldError tells what is wrong with one field of a form.
type FieldError struct {
	Field   string `json:"field"`   // username, password, credentials, account, scope, claims
	Message string `json:"message"` // one of a closed set, for programs
	Detail  string `json:"-"`       // a sentence for people; never a secret
}

// FieldErrors hold everything that is wrong with a form, at once.
type FieldErrors struct{ Errors []FieldError }

// Error returns all of it in one line.
func (e *FieldErrors) Error() string {
	var parts []string
	for _, f := range e.Errors {
		parts = append(parts, strings.TrimSpace(f.Field+" "+f.Message+" "+f.Detail))
	}
	return "account: " + strings.Join(parts, "; ")
}

func refuse(field, message, detail string) *FieldErrors {
	return &FieldErrors{Errors: []FieldError{{Field: field, Message: message, Detail: detail}}}
}

// join returns one error for all of them, nil if there are none.
func join(all ...*FieldErrors) error {
	var sum FieldErrors
	for _, e := range all {
		if e != nil {
			sum.Errors = append(sum.Errors, e.Errors...)
		}
	}
	if len(sum.Errors) == 0 {
		return nil
	}
	return &sum
}

// Fields returns an error of this package as field errors, or nil if it is of
// another sort: of the store, of the pool, of the context.
func Fields(err error) []FieldError {
	var fields *FieldErrors
	switch {
	case errors.As(err, &fields):
		return fields.Errors
	case errors.Is(err, ErrFailed):
		return refuse("credentials", failed, "").Errors
	case errors.Is(err, ErrExpired):
		return refuse("credentials", expired, "").Errors
	case errors.Is(err, ErrLocked):
		return refuse("account", locked, "").Errors
	case errors.Is(err, ErrNotFound):
		return refuse("account", notFound, "").Errors
	case errors.Is(err, ErrTaken):
		return refuse("username", taken, "").Errors
	}
	return nil
}
