package jwt

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// base64url is the only alphabet; Strict refuses stray bits (RFC 7515 §2).
var base64url = base64.RawURLEncoding.Strict()

// EncodeClaims writes claims as a Signer would sign them, for a store that keeps
// what has yet to be signed, or signed again. ErrClaims as from Sign.
func EncodeClaims(c Claims) ([]byte, error) { return encodeClaims(c) }

// DecodeClaims reads what EncodeClaims wrote, as strictly as a Verifier reads a
// token. It proves nothing about where data comes from: an issuer asks it about
// its own records. What cannot be read is ErrClaims.
func DecodeClaims(data []byte, into Claims) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %v", ErrClaims, err)
	}
	if err := into.Base().wellFormed(); err != nil {
		return fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return nil
}

// encodeClaims writes claims as JSON in a fixed order, in ASCII.
func encodeClaims(c Claims) ([]byte, error) {
	if err := c.Base().wellFormed(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	if p, ok := c.(interface {
		PrivateClaims() map[string]jsontext.Value
	}); ok {
		for name := range p.PrivateClaims() {
			if err := private(name); err != nil {
				return nil, err
			}
		}
	}
	data, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrClaims, err)
	}
	return asciiSafe(data), nil
}

// asciiSafe escapes what is not ASCII, and ~ and ?, which only appear within
// JSON strings: old browser clients decode claims with atob, byte by byte, and
// choke on the base64 of the last two.
func asciiSafe(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch data = data[n:]; {
		case r == '~' || r == '?' || r >= 0x7f:
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		default:
			out = append(out, byte(r))
		}
	}
	return out
}

// headerSegment is the one spelling of a header that a key produces for a typ.
func headerSegment(alg Algorithm, kid, typ string) string {
	return base64url.EncodeToString([]byte(`{"alg":"` + string(alg) + `","kid":"` + kid + `","typ":"` + typ + `"}`))
}

// segments cuts a compact JWS whose dots have been counted.
func segments(raw string) (header, payload, signature string) {
	header, rest, _ := strings.Cut(raw, ".")
	payload, signature, _ = strings.Cut(rest, ".")
	return header, payload, signature
}

// bytesOf returns the bytes of s without a copy, for hashes and signature
// checks, which only read. A conversion would allocate on every request.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
