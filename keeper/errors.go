package keeper

import (
	"errors"
	"fmt"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// Errors of this room. A refusal of a token is a *jwt.Error; ask jwt.ReasonOf.
// Trouble with the store or the log is one too, with the reason unavailable.
var (
	// ErrConfig is a Config that New refuses; the text lists all that is wrong.
	ErrConfig = errors.New("keeper: unusable configuration")
	// ErrClaims is claims from which no token can be made.
	ErrClaims = errors.New("keeper: unusable claims")
	// ErrStale tells that this keeper may have missed a revocation, so it signs
	// nothing. It comes within an error of the reason unavailable.
	ErrStale = errors.New("keeper: the rules of revocation are not up to date here; is Run running, and the log within reach?")
	// ErrKept comes from Renew beside the old token, which is still good; what
	// it wraps kept the new one away.
	ErrKept = errors.New("keeper: not renewed, the token is kept")
	// ErrForeign is a token of another issuer where only our own will do.
	ErrForeign = errors.New("keeper: the token belongs to another issuer; ask that one")
)

func refuse(r jwt.Reason, detail string) *jwt.Error { return &jwt.Error{Reason: r, Detail: detail} }

func unavailable(doing string, err error) *jwt.Error {
	return &jwt.Error{Reason: jwt.Unavailable, Detail: doing, Err: err}
}

func badClaims(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrClaims, fmt.Sprintf(format, args...))
}
