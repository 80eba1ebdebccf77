package conformance

import "errors"

// What keeps a run from beginning.
var (
	ErrNoCase = errors.New("conformance: no case has such a name")
	ErrStart  = errors.New("conformance: the command cannot be started")
)
