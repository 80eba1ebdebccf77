package keyring

import (
	"errors"
	"fmt"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// Errors of a Ring. Those of its Store pass through it.
var (
	// ErrConfig is a Config that cannot work or would be unsafe.
	ErrConfig = errors.New("keyring: unusable configuration")
	// ErrMasterKey is a signing key that no master key in the list opens.
	ErrMasterKey = errors.New("keyring: no master key in the list opens the signing keys")
	// ErrTooMany is a rotation that would publish more keys than verifiers read.
	ErrTooMany = errors.New("keyring: too many keys are published")
	// ErrBusy is a calendar that other nodes kept changing.
	ErrBusy = errors.New("keyring: other nodes kept changing the calendar; try again")
	// ErrNoNext is an act in a transaction that would have to make a key.
	ErrNoNext = errors.New("keyring: no next key to hand over to")
)

// errDamaged is a record that is not what this server sealed.
var errDamaged = errors.New("keyring: the stored key is damaged or was put there by somebody else")

func wrongMasterKey(kid string) error {
	return fmt.Errorf("%w: key %s was sealed under another one; start with the master key that this data was made with, as a further line of the list", ErrMasterKey, kid)
}

// What the Ring says to a jwt.Signer or jwt.Verifier. The condition is never
// the caller's fault.
var (
	errNone    = &jwt.Error{Reason: jwt.Unavailable, Detail: "no signing key is in force"}
	errStale   = &jwt.Error{Reason: jwt.Unavailable, Detail: "the key store was not heard of for twice the max-age of the key set, so nothing is signed"}
	errCooling = &jwt.Error{Reason: jwt.Unavailable, Detail: "a key of this ID is not known, and the store was asked for another one just now"}
	errUnknown = &jwt.Error{Reason: jwt.BadKey, Detail: "we have no key of this ID in force"}
)
