package keeper

import (
	"sync/atomic"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// Stats count what a Keeper did since it was made.
type Stats struct {
	Created  uint64 // sessions
	Renewed  uint64 // renewals decided here
	Repeated uint64 // answers with a successor that was decided before
	Kept     uint64 // renewals that failed; the old token was served
	Sighted  uint64 // first sights written down
	Reused   uint64 // tokens used after their successor

	Rules revocation.Stats // of the index that tokens are checked against
}

type tally struct {
	created, renewed, repeated, kept, sighted, reused atomic.Uint64
}

// Stats returns the counts so far.
func (k *Keeper) Stats() Stats {
	return Stats{
		Created: k.tally.created.Load(), Renewed: k.tally.renewed.Load(), Repeated: k.tally.repeated.Load(),
		Kept: k.tally.kept.Load(), Sighted: k.tally.sighted.Load(), Reused: k.tally.reused.Load(),
		Rules: k.index.Stats(),
	}
}
