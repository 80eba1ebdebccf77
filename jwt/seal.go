package jwt

import (
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The two content encryptions (RFC 7518 §5.1), and how a key gets its content
// key to the reader (RFC 7518 §4.1). Both lists are closed.
const (
	encGCM = string(jose.A256GCM)
	encCBC = string(jose.A128CBC_HS256)

	algDirect   = string(jose.DIRECT)
	algWrap     = string(jose.A256KW)
	algAgree    = string(jose.ECDH_ES)
	algAgreedKW = string(jose.ECDH_ES_A256KW)
	algOAEP     = string(jose.RSA_OAEP_256)
)

var sealAlgorithms = []string{algDirect, algWrap, algAgree, algAgreedKW, algOAEP}

// What a seal holds stands in the protected cty, and each content has a door of
// its own: bytes (no cty) Open, a claim OpenPrivate, a signed token
// Verifier.Open. Deciphered bytes never pass for a verified token.
const ctyBytes, ctyClaim, ctyToken = "", "json", "JWT" // RFC 7516 §4.1.12, RFC 7519 §5.2

// maxReaders bounds who one seal is for: each costs every carrier its bytes.
const maxReaders = 16

// A Sealing says who can open what is sealed, and how it is written.
type Sealing struct {
	For        []*SealKey // required; several make the JSON serialization with a recipient each
	Encryption string     // A256GCM when empty, or A128CBC-HS256

	// JSON writes the flattened JSON serialization for a single key, too, in
	// place of the compact one (RFC 7516 §7.2.2).
	JSON bool

	// Beside is readable by everybody and cannot be changed: the aad of the
	// JSON serialization. It needs JSON or several keys.
	Beside []byte
}

// Seal encrypts plaintext as a JWE (RFC 7516) that only the keys of s open. It
// proves nothing about who sealed: with a public key everybody can. Put the
// result into a signed token, or seal a whole one with Signer.Seal.
//
// ErrConfig is a Sealing that makes no sense, ErrTooLarge a plaintext above
// 4,000 bytes or a result above 8 KiB. Nothing is compressed: the length of the
// plaintext shows.
func Seal(plaintext []byte, s Sealing) (string, error) { return s.seal(plaintext, ctyBytes) }

func (s Sealing) seal(plaintext []byte, cty string) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	switch n := len(plaintext); {
	case n == 0:
		return "", fmt.Errorf("%w: nothing to seal", ErrConfig)
	case n > maxSigned:
		return "", fmt.Errorf("%w: %d bytes to seal (limit %d); seal less", ErrTooLarge, n, maxSigned)
	}
	sealed, err := s.write(plaintext, cty)
	if err != nil {
		return "", err
	}
	if len(sealed) > maxToken {
		return "", fmt.Errorf("%w: %d bytes sealed for %d keys (limit %d); seal less, or for fewer", ErrTooLarge, len(sealed), len(s.For), maxToken)
	}
	return sealed, nil
}

// check refuses what go-jose would refuse in fewer words, and what it would not.
func (s Sealing) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
	}
	switch {
	case len(s.For) == 0 || slices.Contains(s.For, nil):
		return bad("no key to seal for: say who shall open it")
	case len(s.For) > maxReaders:
		return bad("sealed for %d keys; at most %d", len(s.For), maxReaders)
	case s.Encryption != "" && s.Encryption != encGCM && s.Encryption != encCBC:
		return bad("encryption %q; use %s or %s", s.Encryption, encGCM, encCBC)
	case len(s.Beside) > 0 && !s.JSON && len(s.For) == 1:
		return bad("Beside needs the JSON serialization: set JSON")
	}
	for i, k := range s.For {
		if len(s.For) > 1 && !k.wraps() {
			return bad("%s agrees on the content key itself, so it is for one reader; use %s, %s or %s for several", k.alg, algWrap, algAgreedKW, algOAEP)
		}
		if slices.ContainsFunc(s.For[:i], func(other *SealKey) bool { return other.id == k.id }) {
			return bad("two keys with the ID %s: each reader must find his own", k.id)
		}
	}
	return nil
}

// write has go-jose encrypt.
func (s Sealing) write(plaintext []byte, cty string) (string, error) {
	sealer, err := s.sealer(cty)
	if err != nil {
		return "", badKey("%v", err)
	}
	if len(s.Beside) == 0 {
		s.Beside = nil // go-jose takes an empty one for one that is there
	}
	object, err := sealer.EncryptWithAuthData(plaintext, s.Beside)
	if err != nil {
		return "", badKey("it does not seal: %v", err)
	}
	switch {
	case len(s.For) > 1:
		return general(object.FullSerialize())
	case s.JSON:
		return object.FullSerialize(), nil
	}
	return object.CompactSerialize()
}

// general drops the encrypted_key that go-jose writes beside recipients, too:
// with it, it would be neither of the two forms (RFC 7516 §7.2.2).
func general(full string) (string, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal([]byte(full), &members); err != nil {
		return "", badKey("it does not seal: %v", err)
	}
	delete(members, "encrypted_key")
	data, err := json.Marshal(members, json.Deterministic(true))
	return string(data), err
}

func (s Sealing) sealer(cty string) (jose.Encrypter, error) {
	enc := jose.ContentEncryption(s.Encryption)
	if enc == "" {
		enc = jose.A256GCM
	}
	options := new(jose.EncrypterOptions)
	if cty != ctyBytes {
		options.WithContentType(jose.ContentType(cty))
	}
	readers := make([]jose.Recipient, len(s.For))
	for i, k := range s.For {
		readers[i] = jose.Recipient{Algorithm: jose.KeyAlgorithm(k.alg), Key: k.key, KeyID: k.id}
	}
	if len(readers) == 1 {
		return jose.NewEncrypter(enc, readers[0], options)
	}
	return jose.NewMultiEncrypter(enc, readers, options)
}
