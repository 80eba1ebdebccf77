package sqldb

import (
	"errors"
	"fmt"

	"github.com/jotkeeper/jotkeeper/store"
)

// Errors of a database. Each comes wrapped together with [store.ErrUnavailable].
var (
	ErrNewer   = errors.New("the database belongs to a newer version of jotkeeper")
	ErrCorrupt = errors.New("the database is damaged")
	ErrFull    = errors.New("the disk is full")
	ErrClosed  = errors.New("the store is closed")
)

// errDuplicate is how a violated UNIQUE reaches the contracts, which know what
// it means.
var errDuplicate = errors.New("sqldb: duplicate")

// errInside is returned by a Wait inside a transaction, which could never end.
var errInside = errors.New("sqldb: Wait inside Together would wait for itself; call it on Backend.Set")

// Unavailable marks err as trouble of the backend.
func Unavailable(err error) error {
	if errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}
