package keeper

import (
	"context"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Rotation is the one renewal of a token: what its successor says, and with
// which key it is signed. It holds no token. Times are kept in whole
// microseconds, UTC.
type Rotation struct {
	ID        string            // jti of the token that was renewed
	Successor string            // jti of the new one
	SessionID string            // sid of both
	KeyID     string            // signing key of the successor
	Claims    []byte            // of the successor, all but rev, as jwt.EncodeClaims writes them
	Rev       revocation.Cursor // of the successor: filled by the store
	At        time.Time         // when it was decided
	Until     time.Time         // it may be forgotten then: neither token lives longer
}

// Errors of a Store.
var (
	ErrNotFound = errors.New("keeper: no such renewal")
	ErrRevoked  = errors.New("keeper: the token is revoked in the log")
)

// A Store remembers renewals, in one place with the log of revocations. It is
// mechanism, never policy.
type Store interface {
	// Rotate records r unless a renewal of r.ID is recorded, and returns what is
	// recorded: r, or the winner's. It looks at the log in the same transaction:
	// while a revoke rule in force at r.At reaches the token that q tells of,
	// nothing is recorded or returned but ErrRevoked. A q without a rev counts as
	// older than every rule. A new record's Rev is the head of the log as of the
	// same moment.
	Rotate(ctx context.Context, r Rotation, q revocation.Query) (Rotation, error)
	// Rotated returns the recorded renewal of the token id, or ErrNotFound.
	Rotated(ctx context.Context, id string) (Rotation, error)
	// Rekey replaces the KeyID of the recorded renewal of id by to if it is from,
	// and returns what is recorded then, or ErrNotFound.
	Rekey(ctx context.Context, id, from, to string) (Rotation, error)
	// Sweep deletes renewals whose Until is before now and returns how many.
	Sweep(ctx context.Context, now time.Time) (int, error)
}
