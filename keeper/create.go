package keeper

import (
	"context"
	"fmt"
)

// Create begins a session and returns its first token. It does no I/O: nothing
// is stored, and the session ID is random. It fails with ErrClaims, with
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
	key, err := k.cfg.Signer.Key(now)
	if err != nil {
		return nil, fmt.Errorf("keeper: no key to sign with: %w", err)
	}
	text, err := k.cfg.Signer.SignAgain(now, key.ID(), claims)
	if err != nil {
		return nil, fmt.Errorf("keeper: signing a token: %w", err)
	}
	k.tally.created.Add(1)
	return &Token{text: text, claims: claims, kid: key.ID()}, nil
}
