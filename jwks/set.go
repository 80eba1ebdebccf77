package jwks

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A Set is a JSON Web Key Set (RFC 7517 §5): public keys, and the document that
// publishes them. It never changes and may be used by many goroutines.
type Set struct {
	snapshot *jwt.Snapshot
	document []byte
	etag     string
}

// NewSet returns the set of these keys, in this order. Keys that have no public
// half (HMAC) are left out, and so are keys that differ under one ID.
func NewSet(keys ...*jwt.PublicKey) *Set {
	var public []*jwt.PublicKey
	for _, k := range keys {
		if _, err := k.MarshalJSON(); err == nil {
			public = append(public, k)
		}
	}
	s := &Set{snapshot: jwt.NewSnapshot(public...)}
	s.document = write(s.snapshot.Keys())
	sum := sha256.Sum256(s.document)
	s.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	return s
}

// write returns the document: {"keys":[…]}, each key with use, kty, kid, alg.
func write(keys []*jwt.PublicKey) []byte {
	list := struct {
		Keys []jsontext.Value `json:"keys"`
	}{[]jsontext.Value{}}
	for _, k := range keys {
		key, err := k.MarshalJSON()
		if err != nil {
			continue // NewSet asked before
		}
		list.Keys = append(list.Keys, key)
	}
	document, err := json.Marshal(list)
	if err != nil {
		panic("jwks: " + err.Error()) // only if a key wrote what is not JSON
	}
	return document
}

// Keys returns the keys of s. Do not change the slice.
func (s *Set) Keys() []*jwt.PublicKey { return s.snapshot.Keys() }

// ETag returns the entity tag of the document, quoted (RFC 9110 §8.8.3). It is
// the same for the same keys in the same order, on every node.
func (s *Set) ETag() string { return s.etag }

// MarshalJSON returns the document.
func (s *Set) MarshalJSON() ([]byte, error) { return append([]byte(nil), s.document...), nil }

// Snapshot returns the keys of s, at all times.
func (s *Set) Snapshot(time.Time) (*jwt.Snapshot, error) { return s.snapshot, nil }

// Missing says that s has no other keys: reason key.
func (s *Set) Missing(context.Context, time.Time, string) error { return errUnknown }
