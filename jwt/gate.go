package jwt

import (
	"encoding/base64"
	"strings"
)

// sextets maps each byte of the base64url alphabet to its six bits, and every
// other byte to stray.
var sextets = func() (t [256]byte) {
	for i := range t {
		t[i] = stray
	}
	for i := range byte(64) {
		t[base64.RawURLEncoding.EncodeToString([]byte{i << 2})[0]] = i
	}
	return t
}()

const stray = 0x80

// tooLong reports whether raw is not even looked at.
func tooLong(raw string) bool { return len(raw) > maxToken }

// wellFormed reports whether raw has the shape of a compact JWS: three segments
// of characters, none of them empty, at most 8 KiB. It allocates nothing.
func wellFormed(raw string) bool {
	if tooLong(raw) {
		return false
	}
	first, last := strings.IndexByte(raw, '.'), strings.LastIndexByte(raw, '.')
	if first < 1 || last < first+2 || last+1 == len(raw) {
		return false
	}
	return plainSegment(raw[:first]) && plainSegment(raw[first+1:last]) && plainSegment(raw[last+1:])
}

// plainSegment reports whether s consists of base64url characters alone. The
// loop has no way out: a branch per byte costs more than the bytes after a
// stray one.
func plainSegment(s string) bool {
	var seen byte
	for i := range len(s) {
		seen |= sextets[s[i]]
	}
	return seen&stray == 0
}

// canonical reports whether a segment of base64url characters is the only
// spelling of its bytes: no lone character, no stray bits in the last one (RFC
// 4648 §3.5). Else a token would have many spellings, each a cache key.
func canonical(segment string) bool {
	last := sextets[segment[len(segment)-1]]
	switch len(segment) % 4 {
	case 0:
		return true
	case 2:
		return last&0b1111 == 0
	case 3:
		return last&0b11 == 0
	}
	return false
}
