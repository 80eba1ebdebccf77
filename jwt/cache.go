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

// find returns the token if its key is still in force among keys.
func (c cache[C]) find(id [sha256.Size]byte, keys *Snapshot) *Token[C] {
	if c.tokens == nil {
		return nil
	}
	t, ok := c.tokens.GetIfPresent(id)
	if !ok {
		return nil
	}
	if !keys.inForce(t.key) {
		c.forget(id)
		return nil
	}
	return t
}

func (c cache[C]) remember(id [sha256.Size]byte, t *Token[C]) {
	if c.tokens != nil {
		c.tokens.Set(id, t)
	}
}

func (c cache[C]) forget(id [sha256.Size]byte) { c.tokens.Invalidate(id) }
