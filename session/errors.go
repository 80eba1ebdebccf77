package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// Errors of this room beside those of a Store. A refusal of a refresh is an
// [*Error].
var (
	// ErrConfig is a Config that New refuses.
	ErrConfig = errors.New("session: unusable configuration")
	// ErrLogin is a Login from which no session can be made.
	ErrLogin = errors.New("session: unusable login")
	// ErrMalformed is text that is no refresh token.
	ErrMalformed = errors.New("session: malformed refresh token")
	// ErrRetry tells that nothing can be known now: answer 503 with the Error's
	// RetryAfter. The session and the client's tokens are as they were.
	ErrRetry = errors.New("session: cannot know now, try again")
	// ErrUnknownKey is wrapped beside ErrRetry when the master key of a refresh
	// token is not in this node's list: not yet, or not any more.
	ErrUnknownKey = errors.New("session: the master key of the refresh token is not in this node's list")
	// ErrLocked is what Config.Rights returns for an account that may have no
	// tokens now. For an account that does not exist it returns ErrNotFound.
	ErrLocked = errors.New("session: the account is locked")
	// ErrClock tells that the clock of this node cannot be trusted.
	ErrClock = errors.New("session: the clock of this node cannot be trusted")
)

// An Error is a refusal, or a failure that says nothing about the session.
// Branch on its Reason with errors.As, or on ErrRetry with errors.Is.
type Error struct {
	Outcome    string        // the line of the refresh table
	Reason     jwt.Reason    // revoked idle absolute reused binding malformed audience stale unavailable
	Account    string        // whose session it is, once that is known
	SessionID  string        // once that is known
	RetryAfter time.Duration // for unavailable
	Err        error         // the cause, when there is one
}

// Error says what was refused and why. It holds nothing secret.
func (e *Error) Error() string {
	text := fmt.Sprintf("session: %s: %s", e.Outcome, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports an unavailable Error as ErrRetry.
func (e *Error) Is(target error) bool { return target == ErrRetry && e.Reason == jwt.Unavailable }

// Terminal tells whether the client has lost its session and may forget it:
// only what answers a refresh can be.
func (e *Error) Terminal() bool { return outcome(e.Outcome).terminal() }

// retryAfter is how long a client waits when nothing better is known.
const retryAfter = time.Second

func unavailable(o outcome, cause error) *Error {
	return &Error{Outcome: string(o), Reason: jwt.Unavailable, RetryAfter: retryAfter, Err: cause}
}
