package revocation

import "errors"

// Errors of logs, sources and indexes.
var (
	ErrSnapshotRequired = errors.New("revocation: the cursor is not in what is kept")
	ErrStale            = errors.New("revocation: the replica is stale or has not caught up")
	ErrBadRule          = errors.New("revocation: the rule names nothing")
	ErrBadCursor        = errors.New("revocation: not a cursor")
)
