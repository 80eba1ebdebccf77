package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"

	"github.com/jotkeeper/jotkeeper/secret"
)

// A refresh token is 66 characters of text: docs/spec/refresh-token.md.
//
//	jkr_ ‖ 56 base62 digits of (version ‖ key ID ‖ sid ‖ generation ‖ MAC) ‖ 6 base62 digits of the CRC-32 of the text before them
//
// It is made from the row and a master key whenever it is needed, so no store
// ever holds one. The checksum protects nothing: with it, whoever scans source
// code for leaked secrets knows one when they see one.
const (
	tokenPrefix  = "jkr_"
	tokenVersion = 1
	macSize      = 16
	payloadSize  = 1 + 4 + 16 + 4 // version, key ID, sid, generation
	bodyDigits   = 56             // the least that hold 41 bytes
	sumDigits    = 6              // the least that hold 32 bits
	tokenSize    = len(tokenPrefix) + bodyDigits + sumDigits
)

// A Refresh is what a refresh token says. It proves nothing until its MAC has
// been checked, which only [Sessions] does.
type Refresh struct {
	KeyID      secret.KeyID
	SessionID  string
	Generation uint32

	payload [payloadSize]byte
	mac     [macSize]byte
}

// IsRefresh tells whether raw means to be a refresh token: by its prefix, and
// nothing more.
func IsRefresh(raw string) bool { return strings.HasPrefix(raw, tokenPrefix) }

// ParseRefresh reads a refresh token. There is one spelling of each: what is
// read here is written back to the same text. Anything else is ErrMalformed.
func ParseRefresh(raw string) (Refresh, error) {
	if len(raw) != tokenSize || !IsRefresh(raw) {
		return Refresh{}, fmt.Errorf("%w: want %s and %d letters or digits", ErrMalformed, tokenPrefix, bodyDigits+sumDigits)
	}
	text, sum := raw[:tokenSize-sumDigits], raw[tokenSize-sumDigits:]
	if sum != checksum(text) {
		return Refresh{}, fmt.Errorf("%w: the checksum does not fit: a character was lost or changed", ErrMalformed)
	}
	var body [payloadSize + macSize]byte
	if !base62Decode(body[:], text[len(tokenPrefix):]) {
		return Refresh{}, fmt.Errorf("%w: not base62 of %d bytes", ErrMalformed, len(body))
	}
	if body[0] != tokenVersion {
		return Refresh{}, fmt.Errorf("%w: version %d, want %d", ErrMalformed, body[0], tokenVersion)
	}
	r := Refresh{
		KeyID:      secret.KeyID(binary.BigEndian.Uint32(body[1:])),
		SessionID:  base64.RawURLEncoding.EncodeToString(body[5:21]),
		Generation: binary.BigEndian.Uint32(body[21:]),
	}
	copy(r.payload[:], body[:])
	copy(r.mac[:], body[payloadSize:])
	return r, nil
}

// genuine tells whether the MAC holds under a master key, in constant time.
func (r Refresh) genuine(master secret.Key) bool {
	want := refreshMAC(master, r.SessionID, r.payload[:])
	return hmac.Equal(r.mac[:], want)
}

// refreshToken writes the refresh token of a session's generation.
func refreshToken(master secret.Key, id secret.KeyID, sid string, generation uint32) (string, error) {
	bits, err := base64.RawURLEncoding.Strict().DecodeString(sid)
	if err != nil || len(bits) != 16 {
		return "", fmt.Errorf("session: %q is no session ID: want 16 bytes in base64url", sid)
	}
	body := []byte{tokenVersion}
	body = binary.BigEndian.AppendUint32(body, uint32(id))
	body = append(body, bits...)
	body = binary.BigEndian.AppendUint32(body, generation)
	body = append(body, refreshMAC(master, sid, body)...)
	text := tokenPrefix + base62Encode(body, bodyDigits)
	return text + checksum(text), nil
}

func refreshMAC(master secret.Key, sid string, payload []byte) []byte {
	h := hmac.New(sha256.New, master.Derive("refresh", sid).Bytes())
	h.Write(payload)
	return h.Sum(nil)[:macSize]
}

// seenTag is what an access token of a generation carries in gen, beside the
// generation's number: only who received the token can report it as seen.
func seenTag(master secret.Key, sid string, generation uint32) string {
	h := hmac.New(sha256.New, master.Derive("seen", sid).Bytes())
	h.Write(binary.BigEndian.AppendUint32(nil, generation))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:8])
}

func checksum(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return base62Encode(sum, sumDigits)
}

// base62Encode writes a number with the digits 0–9a–zA–Z, padded to a width.
func base62Encode(b []byte, width int) string {
	digits := new(big.Int).SetBytes(b).Text(62)
	return strings.Repeat("0", width-len(digits)) + digits
}

// base62Decode fills b with the number that text writes, if it is one and fits.
func base62Decode(b []byte, text string) bool {
	for _, c := range []byte(text) { // SetString would take a sign
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	n, ok := new(big.Int).SetString(text, 62)
	if !ok || n.BitLen() > 8*len(b) {
		return false
	}
	n.FillBytes(b)
	return true
}
