package keeper

import (
	"sync/atomic"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// Stats count what a Keeper did since it was made. As JSON, which is what expvar
// publishes, they name no token and no account.
type Stats struct {
	Created  uint64 // sessions
	Renewed  uint64 // renewals decided here
	Repeated uint64 // answers with a successor that was decided before
	Late     uint64 // those of them that came over two graces later: an answer was lost, or a thief keeps in step
	Kept     uint64 // renewals that failed; the old token was served. Many: the store or Regenerate is in trouble
	Sighted  uint64 // first sights written down
	Reused   uint64 // tokens used after their successor; each is a theft, or a client that keeps two copies
	Restored uint64 // times that the log was found to be put back to an older state, and opened its next epoch

	Rules revocation.Stats // of the index that tokens are checked against
}

type tally struct {
	created, renewed, repeated, late, kept, sighted, reused, restored atomic.Uint64
}

// Stats returns the counts so far.
func (k *Keeper) Stats() Stats {
	return Stats{
		Created: k.tally.created.Load(), Renewed: k.tally.renewed.Load(), Repeated: k.tally.repeated.Load(),
		Late: k.tally.late.Load(), Kept: k.tally.kept.Load(), Sighted: k.tally.sighted.Load(), Reused: k.tally.reused.Load(),
		Restored: k.tally.restored.Load(), Rules: k.index.Stats(),
	}
}
