package onetime

import (
	"context"
	"errors"
	"time"
)

// A Record is what remains of a token at rest.
type Record struct {
	Hash     string    // of purpose and ID of the token, in hexadecimal; unique
	Purpose  string    // the kind
	Subject  string    // whose
	IssuedAt time.Time // for the order of those of one purpose and subject
	Expires  time.Time // after which it may be swept
}

// Errors of a Store.
var (
	ErrNotFound = errors.New("onetime: no such token")
	ErrConflict = errors.New("onetime: the token is there already")
)

// A Store remembers which tokens have not been used. It is mechanism, never policy.
type Store interface {
	// Put adds a record; ErrConflict if its hash is there. Of the others with its
	// purpose and subject it leaves those issued last, so that they are limit in
	// number with it.
	Put(ctx context.Context, r Record, limit int) error
	// Find returns the record of a hash, expired or not; ErrNotFound without one.
	Find(ctx context.Context, hash string) (Record, error)
	// Take deletes the record of a hash and returns it. Of several callers one
	// gets it, the others ErrNotFound.
	Take(ctx context.Context, hash string) (Record, error)
	// Drop deletes the records of a subject with a purpose, of every purpose if it
	// is empty, and returns how many.
	Drop(ctx context.Context, purpose, subject string) (int, error)
	// Sweep deletes records that expired before now and returns how many.
	Sweep(ctx context.Context, now time.Time) (int, error)
}
