package revocation

import "errors"

// Errors of logs, sources and indexes.
var (
	ErrSnapshotRequired = errors.New("revocation: the cursor is not in what is kept")
	ErrBadRule          = errors.New("revocation: the rule names nothing")
	ErrBadCursor        = errors.New("revocation: not a cursor")
	ErrFull             = errors.New("revocation: the index has no room for another rule")
	ErrBadSnapshot      = errors.New("revocation: the saved rules cannot be used")
	ErrOldSnapshot      = errors.New("revocation: newer rules were saved before")
)
