package jwks

import (
	"errors"
	"fmt"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// What can go wrong with a key set. The text that follows says what.
var (
	// ErrSet is a document that is no key set, or holds no key that may be used.
	ErrSet = errors.New("jwks: unusable key set")
	// ErrFetch is an answer that is not a document: no connection, a status, a
	// redirect to elsewhere, a body too large or too slow.
	ErrFetch = errors.New("jwks: cannot fetch")
	// ErrConfig is a RemoteConfig that cannot work or would be unsafe.
	ErrConfig = errors.New("jwks: unusable configuration")
)

func badSet(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSet, fmt.Sprintf(format, args...))
}

func badFetch(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFetch, fmt.Sprintf(format, args...))
}

// What a Remote says to a verifier. They are values, so a flood of made-up key
// IDs costs no memory.
var (
	errUnknown = &jwt.Error{Reason: jwt.BadKey, Detail: "the issuer publishes no key of this ID"}
	errCooling = &jwt.Error{Reason: jwt.Unavailable, Detail: "a key of this ID is not known, and the set was fetched for another one just now"}
	errCold    = &jwt.Error{Reason: jwt.Unavailable, Detail: "the issuer's key set was not fetched yet"}
	errOld     = &jwt.Error{Reason: jwt.Unavailable, Detail: "the issuer's key set was last fetched longer ago than the hard limit"}
	errClosed  = &jwt.Error{Reason: jwt.Unavailable, Detail: "the key set is closed"}
)
