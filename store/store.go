package store

import (
	"context"
	"errors"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

// A Set is every contract, bound to one backend or to one transaction of it.
type Set struct {
	Accounts    account.Store
	Keys        keyring.Store
	OneTimes    onetime.Store
	Sessions    session.Store
	Keepers     keeper.Store
	Revocations revocation.Log
}

// A Backend keeps every contract, and changes to several of them together.
type Backend interface {
	// Set returns the contracts, each call a transaction of its own.
	Set() Set
	// Together runs f in one transaction over all contracts. f may run again,
	// so it hashes nothing, signs nothing and sends nothing; it must use only
	// the Set it is handed. An error of f undoes what it did and is returned
	// as it is. The change is durable when Together returns nil.
	Together(ctx context.Context, f func(tx Set) error) error
	// Ping tells whether the backend answers.
	Ping(ctx context.Context) error
	// Close waits for what is under way and frees the backend.
	Close() error
}

// ErrUnavailable is wrapped by every error that tells of the backend, not of
// what was asked: closed, full, locked out, unreachable. Callers answer 503.
var ErrUnavailable = errors.New("store: unavailable")
