package keyring

import (
	"context"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A State is where a key stands in its calendar.
type State string

// The states. A key only ever moves forward.
const (
	Next        State = "next"        // published, not yet signing
	Active      State = "active"      // signing
	Retired     State = "retired"     // verifies until its last token has expired
	Compromised State = "compromised" // out of the set at once
)

// A Record is one signing key as a store keeps it.
type Record struct {
	ID        string // its thumbprint: the kid
	Algorithm jwt.Algorithm
	State     State
	Sealed    []byte // the private key, encrypted under a master key
	Public    []byte // the JWK
	CreatedAt time.Time
	SignsFrom time.Time // never before every verifier could have fetched it
	SignsTo   time.Time
	GoneAt    time.Time // no token of it is alive after that
	Period    int64     // one key a period: the store elects the node that makes it
	Revision  int64
}

// Errors of a Store.
var (
	ErrNotFound = errors.New("keyring: no such key")
	ErrConflict = errors.New("keyring: another node was first")
)

// A Store remembers signing keys. It is mechanism, never policy: it compares
// and swaps, and it shares no memory with its caller.
type Store interface {
	// Keys returns every key, oldest first.
	Keys(ctx context.Context) ([]Record, error)
	// Insert adds a key at Revision 1. ErrConflict: the period or the ID is taken, another node won.
	Insert(ctx context.Context, r Record) error
	// Swap replaces from by to if the stored Revision is from's; the stored
	// Revision becomes from.Revision+1. ErrConflict otherwise, ErrNotFound if it is gone.
	Swap(ctx context.Context, from, to Record) error
	// Sweep deletes keys whose GoneAt is before now and returns how many.
	Sweep(ctx context.Context, now time.Time) (int, error)
}
