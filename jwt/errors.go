package jwt

import (
	"errors"
	"fmt"
)

// What can go wrong before there is a token to judge. Refusals of tokens are
// [Error] with a [Reason].
var (
	// ErrKey is a key that must not be used; the text says why.
	ErrKey = errors.New("jwt: unusable key")
	// ErrKind is a kind that this Signer was not made for.
	ErrKind = errors.New("jwt: this signer does not sign that kind")
	// ErrClaims is claims that no Verifier would accept, so they are not signed.
	ErrClaims = errors.New("jwt: unusable claims")
	// ErrTooLarge is a token above 4,000 bytes; the text names its largest claims.
	ErrTooLarge = errors.New("jwt: token too large")
	// ErrConfig is a VerifierConfig that would check too little.
	ErrConfig = errors.New("jwt: unusable configuration")
)

func badKey(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrKey, fmt.Sprintf(format, args...))
}

// An Error is a refusal with its reason. Branch on it with errors.As, or ask
// ReasonOf.
type Error struct {
	Reason Reason
	Detail string // for the operator; holds nothing secret; the same for all of a reason until the signature holds
	Err    error  // the cause, when there is one
}

// Error gives the reason with its detail, for the operator; Err is not in it.
func (e *Error) Error() string { return fmt.Sprintf("jwt: %s: %s", e.Reason, e.Detail) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the reason that err carries, and "" when it carries none.
func ReasonOf(err error) Reason {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.Reason
	}
	return ""
}

// What a stranger is told. These are values, not texts put together, so that
// refusing a forgery costs no memory.
var (
	errMalformed = &Error{Reason: Malformed, Detail: "not a compact JWS of at most 8 KiB in canonical base64url"}
	errHeader    = &Error{Reason: Header, Detail: "no key in force produces this header"}
	errKey       = &Error{Reason: BadKey, Detail: "no key of this ID is in force"}
	errSignature = &Error{Reason: Signature, Detail: "the signature does not hold"}
)

func refuse(r Reason, format string, args ...any) *Error {
	return &Error{Reason: r, Detail: fmt.Sprintf(format, args...)}
}
