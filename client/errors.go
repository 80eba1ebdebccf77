package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jotkeeper/jotkeeper/api"
)

// Errors that callers branch on.
var (
	// ErrConfig is wrapped by every error of New.
	ErrConfig = errors.New("client: configuration")
	// ErrEnded is wrapped when there is no session, or it was ended: log in again.
	ErrEnded = errors.New("client: no live session")
	// ErrRefusedCredential is wrapped when the auth server does not accept the
	// refresh token for a reason that does not end the session.
	ErrRefusedCredential = errors.New("client: the refresh token was not accepted")
	// ErrUnavailable is wrapped when the auth server cannot answer now. The session is kept.
	ErrUnavailable = errors.New("client: the auth server cannot answer now")
)

// An Ended tells why the session ended. It wraps ErrEnded.
type Ended struct {
	Reason    string // revoked, idle, absolute, reused
	RequestID string // for "jotkeeper session explain"
}

// Error names the reason, and the request by which the server's log knows it.
func (e *Ended) Error() string {
	return fmt.Sprintf("client: the session has ended: %s (request %s)", e.Reason, e.RequestID)
}

// Unwrap returns ErrEnded.
func (e *Ended) Unwrap() error { return ErrEnded }

// Refused tells what of an input was not accepted, as field and message of the
// auth server's closed set: {"credentials", "FAILED"}, {"username", "TAKEN"}.
type Refused struct{ Errors []api.FieldError }

// Error lists what was not accepted, field by field.
func (e *Refused) Error() string {
	said := make([]string, len(e.Errors))
	for i, f := range e.Errors {
		said[i] = f.Field + " " + f.Message
	}
	return "client: refused: " + strings.Join(said, ", ")
}

// Has tells whether the refusal names a field with a message.
func (e *Refused) Has(field, message string) bool {
	for _, f := range e.Errors {
		if f.Field == field && f.Message == message {
			return true
		}
	}
	return false
}
