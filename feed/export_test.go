package feed

import (
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// Direct is the transport of a client that was given none.
var Direct = direct

// Encode writes an entry as the wire has it.
var Encode = encode

// Decode reads an entry of an epoch.
func Decode(text []byte, epoch uint64) (revocation.Entry, error) {
	var e entry
	if err := read(text, &e); err != nil {
		return revocation.Entry{}, err
	}
	return e.rule(epoch)
}

// Tidied lets a follower look at a wall clock again and again, and tells whether
// it would read everything again.
func Tidied(index *revocation.Index, from time.Time, clock ...time.Duration) bool {
	f := &follower{index: index}
	for _, at := range clock {
		f.tidy(from.Add(at))
	}
	return f.cold
}
