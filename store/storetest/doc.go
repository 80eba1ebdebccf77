// Package storetest checks that a backend keeps the store contracts.
//
// It is to a store what testing/fstest is to a file system. A test of a new
// backend is one call:
//
//	func TestBackend(t *testing.T) {
//		storetest.Backend(t, func(t *testing.T) store.Backend { return mystore.Open(t) })
//	}
//
// Each promise is checked on a backend of its own. One that is broken prints
// the sentence of the contract that promised it, then what was seen instead. A
// store that keeps only some contracts is checked with [Accounts], [Keys],
// [Sessions], [Keepers] or [Revocations].
//
// The suite waits for events and never for time, except for a bound of one
// minute after which a call that should have returned counts as hanging.
//
// It refuses to skip a promise: a store that lacks one does not pass.
package storetest
