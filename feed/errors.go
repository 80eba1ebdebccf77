package feed

import "errors"

// Errors of handlers and clients.
var (
	ErrConfig       = errors.New("feed: configuration")
	ErrUnauthorized = errors.New("feed: the credential is not good for this")
	ErrProtocol     = errors.New("feed: the answer is not a feed that can be followed")
	ErrUnavailable  = errors.New("feed: cannot be told at the moment")
)
