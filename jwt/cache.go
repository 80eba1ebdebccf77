package jwt

import (
	"crypto/sha256"

	"github.com/maypok86/otter/v2"
)

// A cache remembers verified tokens by the SHA-256 of their text: no bearer
// token lies in the heap. There is no negative cache: forgeries are free, they
// would push the genuine ones out. A nil cache remembers nothing.
type cache[C any] struct {
	tokens *otter.Cache[[sha256.Size]byte, *Token[C]]
}

const defaultEntries = 100_000

func newCache[C any](entries int) cache[C] {
	if entries < 0 {
		return cache[C]{}
	}
	if entries == 0 {
		entries = defaultEntries
	}
	return cache[C]{otter.Must(&otter.Options[[sha256.Size]byte, *Token[C]]{
		MaximumSize: entries,
		Executor:    func(fn func()) { fn() }, // no goroutine of ours outlives a call
	})}
}

// find returns a token that was verified before. Whether its key is still in
// force and its time has not passed is for the caller to ask.
func (c cache[C]) find(id [sha256.Size]byte) *Token[C] {
	if c.tokens == nil {
		return nil
	}
	t, _ := c.tokens.GetIfPresent(id)
	return t
}

func (c cache[C]) remember(id [sha256.Size]byte, t *Token[C]) {
	if c.tokens != nil {
		c.tokens.Set(id, t)
	}
}

func (c cache[C]) forget(id [sha256.Size]byte) { c.tokens.Invalidate(id) }
