package secret

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
)

// MinSize is the smallest key material accepted, in bytes.
const MinSize = 32

// ErrShort reports key material below MinSize.
var ErrShort = errors.New("secret: key material is shorter than 32 bytes")

const redacted = "[secret]"

// A Key is key material that never prints. The zero Key is empty and opens
// nothing. A Key is safe for concurrent use.
//
// The material lies behind a function: where a Key is an unexported field, fmt
// walks over its methods into what it holds, and finds an address.
type Key struct{ material func() []byte }

func keep(b []byte) Key { return Key{func() []byte { return b }} }

// bytes is the material itself, for this package alone.
func (k Key) bytes() []byte {
	if k.material == nil {
		return nil
	}
	return k.material()
}

// NewKey copies material into a Key. It fails with ErrShort below MinSize
// bytes; there is no upper bound, since every use derives from it.
func NewKey(material []byte) (Key, error) {
	if len(material) < MinSize {
		return Key{}, ErrShort
	}
	return keep(append([]byte(nil), material...)), nil
}

// Generate makes a new random Key of MinSize bytes.
func Generate() Key {
	b := make([]byte, MinSize)
	rand.Read(b) // never fails since Go 1.24
	return keep(b)
}

// Derive returns the 32-byte key for one purpose and one subject of it, by
// HKDF-SHA256 (RFC 5869). The purpose is a constant of the caller; the subject
// (a session ID, say) may be empty. Distinct pairs give independent keys.
func (k Key) Derive(purpose, subject string) Key {
	info := fmt.Sprintf("jotkeeper/%d/%s/%s", len(purpose), purpose, subject)
	b, err := hkdf.Key(sha256.New, k.bytes(), nil, info, MinSize)
	if err != nil {
		panic("secret: " + err.Error()) // only for a length HKDF cannot give
	}
	return keep(b)
}

// Bytes returns a copy of the material. It is the only way out.
func (k Key) Bytes() []byte { return append([]byte(nil), k.bytes()...) }

// IsZero reports whether the Key holds nothing.
func (k Key) IsZero() bool { return len(k.bytes()) == 0 }

// String redacts.
func (k Key) String() string { return redacted }

// Format redacts under every verb, %x and %#v included.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText redacts, and with it JSON and every text encoding.
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue redacts.
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }
