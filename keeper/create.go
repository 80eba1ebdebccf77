package keeper

import (
	"context"
	"fmt"

	"github.com/jotkeeper/jotkeeper/binding"
)

// Create begins a session and returns its first token. It does no I/O: nothing
// is stored, and the session ID is random, as is the lock of a token that is to
// be locked to a browser: Write sets both its cookies. It fails with ErrClaims, with
// ErrStale while a revocation may have been missed, and with what the Signer
// returns.
func (k *Keeper) Create(_ context.Context, c Claims) (*Token, error) {
	now := k.cfg.Now()
	if err := k.current(); err != nil {
		return nil, err
	}
	claims, err := k.first(now, c)
	if err != nil {
		return nil, err
	}
	claims.Revision = k.index.Cursor().String()
	t := &Token{claims: claims}
	if c.Locked || k.cfg.Lock == binding.Required {
		t.lockUp()
	}
	key, err := k.cfg.Signer.Key(now)
	if err != nil {
		return nil, fmt.Errorf("keeper: no key to sign with: %w", err)
	}
	t.kid = key.ID()
	t.text, err = k.cfg.Signer.SignAgain(now, t.kid, claims)
	if err != nil {
		return nil, fmt.Errorf("keeper: signing a token: %w", err)
	}
	k.tally.created.Add(1)
	return t, nil
}
