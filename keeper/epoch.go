package keeper

import (
	"context"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// farthest is by how many epochs a token can be ahead of a log that was put back
// that often. One that says more was signed by a thief of the key: the last
// numbers would be gone, and stay gone when the key is.
const farthest = 1 << 20

// reach sees to it that the log is where it was when a token was signed, and
// tells whether there may be news of it. Mostly another node was quicker to hear.
// A log that still ends before that was put back to an older state: its numbers
// would be given out again, and a rule of now would pass for older than the
// token. So it opens its next epoch, and what is said of an account from then on
// reaches this token, too.
//
// It is for tokens that the rules here let pass: one of a revoked key must not
// move the log. Trouble harms no request: a later one does it.
func (k *Keeper) reach(ctx context.Context, rev revocation.Cursor) bool {
	if !k.behind(rev) {
		return false
	}
	k.reaching.Lock() // a crowd reads the log once
	defer k.reaching.Unlock()
	if !k.behind(rev) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, sightWait)
	defer cancel()
	err := k.CatchUp(ctx)
	if err == nil && k.index.Cursor().Before(rev) {
		err = k.reopen(ctx, rev.Epoch+1)
	}
	if err != nil {
		k.hush()
	}
	return true
}

// behind tells whether the log must be read because of a token.
func (k *Keeper) behind(rev revocation.Cursor) bool {
	at := k.index.Cursor()
	return at.Before(rev) && rev.Epoch-at.Epoch <= farthest && !k.index.Stats().Heard.IsZero() && !k.hushed()
}

// reopen opens an epoch, unless another node has.
func (k *Keeper) reopen(ctx context.Context, epoch uint64) error {
	_, opened, err := k.cfg.Revocations.NewEpoch(ctx, epoch)
	if opened {
		k.tally.restored.Add(1)
	}
	if err != nil {
		return err
	}
	return k.CatchUp(ctx)
}
