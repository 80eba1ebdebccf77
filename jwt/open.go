package jwt

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Opened is what a seal held.
type Opened struct {
	Plaintext []byte
	Beside    []byte // what stood beside it, readable and unchanged; nil for the compact form
	KeyID     string // of the key that opened it: an old one tells that it was sealed long ago
}

// What is said of a seal that is not opened. These are values: nothing that the
// seal says is repeated, and all failures of cryptography are one.
var (
	errSealShape = &Error{Reason: Malformed, Detail: "not sealed: five parts, or the JSON serialization, of at most 8 KiB in canonical base64url"}
	errSealHead  = &Error{Reason: Header, Detail: "a seal of another kind: its alg or enc is not taken, or it has a member that is not (zip, crit, p2c, a key); seal it with an algorithm of the token profile"}
	errSealKey   = &Error{Reason: BadKey, Detail: "sealed for none of the keys given; add the one whose ID is its kid"}
	errSealed    = &Error{Reason: Signature, Detail: "it does not open: it was changed, or sealed for another key of this ID"}
	errSealedFor = &Error{Reason: Header, Detail: "it holds something else: open a signed token with Verifier.Open, a claim with OpenPrivate, bytes with Open"}
)

// Open decrypts what Seal made, with the one of these keys that it was made
// for. Compact, flattened and general serialization are told apart by their
// first byte. It refuses a sealed token: Verifier.Open opens that, and verifies
// what is within.
//
// A refusal is an *Error: malformed, header, key, or signature for every
// failure of the cryptography, whatever it was. Until then nothing was
// decrypted; nothing is ever decompressed.
func Open(sealed string, keys ...*OpenKey) (*Opened, error) { return open(sealed, ctyBytes, keys) }

func open(sealed, cty string, keys []*OpenKey) (*Opened, error) {
	e, err := parseEnvelope(sealed)
	if err != nil {
		return nil, err
	}
	r, key, err := e.reader(keys)
	if err != nil {
		return nil, err
	}
	if r.head.Cty != cty {
		return nil, errSealedFor
	}
	plaintext, err := e.decrypt(r, key)
	if err != nil {
		return nil, err
	}
	beside, err := base64url.DecodeString(e.Beside)
	if err != nil {
		return nil, errSealShape
	}
	if len(beside) == 0 {
		beside = nil
	}
	return &Opened{plaintext, beside, key.ID()}, nil
}

// decrypt hands go-jose the one recipient that is ours, as a flattened
// serialization of its own, and says of each failure the same.
func (e *envelope) decrypt(r reader, key *OpenKey) ([]byte, error) {
	if !r.head.fits(key) || !r.sized(key) || !e.sized(r.head.Enc) {
		return nil, errSealed
	}
	flat, err := json.Marshal(struct {
		Protected string         `json:"protected"`
		Header    jsontext.Value `json:"header,omitempty"`
		Key       string         `json:"encrypted_key,omitempty"`
		Beside    string         `json:"aad,omitempty"`
		IV        string         `json:"iv"`
		Content   string         `json:"ciphertext"`
		Tag       string         `json:"tag"`
	}{e.Protected, r.unprotected, r.Key, e.Beside, e.IV, e.Content, e.Tag})
	if err != nil {
		return nil, errSealed
	}
	object, err := jose.ParseEncryptedJSON(string(flat), []jose.KeyAlgorithm{jose.KeyAlgorithm(key.seal.alg)}, []jose.ContentEncryption{jose.ContentEncryption(r.head.Enc)})
	if err != nil {
		return nil, errSealed
	}
	plaintext, err := object.Decrypt(key.key)
	if err != nil {
		return nil, errSealed
	}
	return plaintext, nil
}

// Seal signs c as Sign does, then seals the token (RFC 7519 §11.2): who carries
// it cannot read a claim. Only Verifier.Open reads it; where a signed token is
// expected it is refused unread.
func (s *Signer) Seal(now time.Time, c Claims, sealing Sealing) (string, error) {
	raw, err := s.Sign(now, c)
	if err != nil {
		return "", err
	}
	return sealing.seal([]byte(raw), ctyToken)
}

// Open opens a sealed token with one of keys, then verifies the token within
// as Verify does. It returns nothing unless both hold.
func (v *Verifier[C]) Open(ctx context.Context, now time.Time, sealed string, keys ...*OpenKey) (*Token[C], error) {
	opened, err := open(sealed, ctyToken, keys)
	if err != nil {
		return nil, err
	}
	return v.Verify(ctx, now, string(opened.Plaintext))
}
