package keeper

import (
	"context"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// reach sees to it that the log is where it was when a token was signed. Mostly
// another node was quicker to hear. A log that still ends before that was put
// back to an older state: its numbers would be given out again, and a rule of
// now would pass for older than the token. So it opens its next epoch, and what
// is said of an account from then on reaches this token, too.
//
// Trouble harms no request: a later one does it.
func (k *Keeper) reach(ctx context.Context, rev revocation.Cursor) {
	if !k.index.Cursor().Before(rev) || k.index.Stats().Heard.IsZero() || k.hushed() {
		return
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
