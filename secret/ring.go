package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A KeyID names a master key without telling anything about it.
type KeyID uint32

// Errors of a Ring.
var (
	ErrEmpty      = errors.New("secret: no master key that may sign")
	ErrUnknownKey = errors.New("secret: sealed under a master key that is not in the list")
	ErrSealed     = errors.New("secret: sealed value is damaged or belongs elsewhere")
)

// A Ring is the list of master keys of a server, newest first. It is immutable
// and safe for concurrent use.
type Ring struct {
	keys    map[KeyID]Key
	order   []KeyID
	signing KeyID
}

// NewRing makes a ring that signs with current and accepts all.
func NewRing(current Key, accepted ...Key) Ring {
	r := Ring{keys: map[KeyID]Key{}, signing: keyID(current)}
	for _, k := range append([]Key{current}, accepted...) {
		r.add(k)
	}
	return r
}

// ParseRing reads a list of master keys, one a line: any text of at least 32
// bytes after trimming. A line that starts with "accept " holds a key that is
// accepted and does not sign: that is how a new key reaches every node before
// the first of them signs with it. Blank lines and lines that start with # are
// passed over. The first key that may sign does.
func ParseRing(text string) (Ring, error) {
	r := Ring{keys: map[KeyID]Key{}}
	signs := false
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		material, accept := strings.CutPrefix(line, "accept ")
		k, err := NewKey([]byte(strings.TrimSpace(material)))
		if err != nil {
			return Ring{}, fmt.Errorf("line %d: %w", n+1, err)
		}
		if r.add(k); !accept && !signs {
			r.signing, signs = keyID(k), true
		}
	}
	if !signs {
		return Ring{}, ErrEmpty
	}
	return r, nil
}

func (r *Ring) add(k Key) {
	id := keyID(k)
	if _, known := r.keys[id]; !known {
		r.order = append(r.order, id)
	}
	r.keys[id] = k
}

func keyID(k Key) KeyID {
	return KeyID(binary.BigEndian.Uint32(k.Derive("master key ID", "").bytes()))
}

// Signing returns the key that protects what is made now.
func (r Ring) Signing() (KeyID, Key) { return r.signing, r.keys[r.signing] }

// Find returns the key of an ID.
func (r Ring) Find(id KeyID) (Key, bool) {
	k, ok := r.keys[id]
	return k, ok
}

// IDs returns the IDs of all keys, in the order of the list.
func (r Ring) IDs() []KeyID { return append([]KeyID(nil), r.order...) }

// Seal encrypts plaintext under the signing key with AES-256-GCM. The purpose
// and subject must be the same to Open it: a value moved to another row or
// column does not open.
func (r Ring) Seal(plaintext []byte, purpose, subject string) []byte {
	id, k := r.Signing()
	out := binary.BigEndian.AppendUint32(nil, uint32(id))
	nonce := make([]byte, 12)
	rand.Read(nonce)
	out = append(out, nonce...)
	return aead(k, purpose, subject).Seal(out, nonce, plaintext, out[:4])
}

// Open decrypts what Seal made. It fails with ErrUnknownKey or ErrSealed.
func (r Ring) Open(sealed []byte, purpose, subject string) ([]byte, error) {
	if len(sealed) < 16 {
		return nil, ErrSealed
	}
	k, ok := r.Find(KeyID(binary.BigEndian.Uint32(sealed)))
	if !ok {
		return nil, ErrUnknownKey
	}
	plaintext, err := aead(k, purpose, subject).Open(nil, sealed[4:16], sealed[16:], sealed[:4])
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}

// Current reports whether a sealed value is protected by the signing key: one
// that is not needs its older master key until it is sealed again.
func (r Ring) Current(sealed []byte) bool {
	return len(sealed) >= 4 && KeyID(binary.BigEndian.Uint32(sealed)) == r.signing
}

func aead(k Key, purpose, subject string) cipher.AEAD {
	block, err := aes.NewCipher(k.Derive("seal "+purpose, subject).bytes())
	if err != nil {
		panic("secret: " + err.Error()) // a derived key always has 32 bytes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("secret: " + err.Error())
	}
	return gcm
}

// Encode returns a new random key as the text of one line of a key list.
func Encode(k Key) string { return base64.RawURLEncoding.EncodeToString(k.bytes()) }
