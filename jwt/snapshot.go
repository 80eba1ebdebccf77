package jwt

import (
	"context"
	"slices"
	"time"
)

// Keys is where a Verifier gets an issuer's keys. A *Snapshot is one that never
// changes.
type Keys interface {
	// Snapshot returns the keys in force at now. It returns an error with reason
	// unavailable when there are none that may be used: never fetched, or too
	// old. It is called for every verification, so it costs nanoseconds,
	// allocates nothing and returns the same pointer while nothing changed.
	Snapshot(now time.Time) (*Snapshot, error)

	// Missing is told of a key ID that the snapshot lacks, once for a token. It
	// may fetch. Nil means "look again"; an error has reason key (there is
	// certainly no such key) or unavailable (it cannot be known now).
	Missing(ctx context.Context, now time.Time, kid string) error
}

// A Snapshot is the set of an issuer's keys at one moment. It never changes.
type Snapshot struct {
	keys []*PublicKey
	byID map[string]*PublicKey
}

// NewSnapshot returns the set of these keys. Two keys that differ under one ID
// are both left out: which of them is meant, nobody can say.
func NewSnapshot(keys ...*PublicKey) *Snapshot {
	s := &Snapshot{byID: make(map[string]*PublicKey, len(keys))}
	keys = slices.DeleteFunc(slices.Clone(keys), func(k *PublicKey) bool { return k == nil })
	for _, k := range keys {
		if first, taken := s.byID[k.id]; !taken {
			s.byID[k.id] = k
		} else if !k.Equal(first) {
			s.byID[k.id] = nil
		}
	}
	for _, k := range keys {
		if s.byID[k.id] != nil && !slices.Contains(s.keys, s.byID[k.id]) {
			s.keys = append(s.keys, s.byID[k.id])
		}
	}
	return s
}

// Keys returns the keys of s in the order they were given. Do not change it.
func (s *Snapshot) Keys() []*PublicKey { return s.keys }

// Key returns the key with the ID kid, or nil.
func (s *Snapshot) Key(kid string) *PublicKey { return s.byID[kid] }

// inForce reports whether k, once found in an earlier snapshot, may still be
// relied on in this one.
func (s *Snapshot) inForce(k *PublicKey) bool {
	current := s.byID[k.id]
	return current != nil && current.Equal(k) && !current.Withdrawn() && !k.Withdrawn()
}

// Snapshot returns s itself.
func (s *Snapshot) Snapshot(time.Time) (*Snapshot, error) { return s, nil }

// Missing says that there are no other keys than those of s.
func (s *Snapshot) Missing(context.Context, time.Time, string) error { return errKey }
