package jwt

import "encoding/base64"

// sextets maps each byte of the base64url alphabet to its six bits, a dot to
// dot, and every other byte to stray.
var sextets = func() (t [256]byte) {
	for i := range t {
		t[i] = stray
	}
	for i := range byte(64) {
		t[base64.RawURLEncoding.EncodeToString([]byte{i << 2})[0]] = i
	}
	t['.'] = dot
	return t
}()

const dot, stray = 0x40, 0x80

// wellFormed reports whether raw has the shape of a compact JWS: three segments
// of characters, none of them empty, at most 8 KiB. It allocates nothing.
func wellFormed(raw string) bool {
	if len(raw) > maxToken {
		return false
	}
	dots, last, seen := 0, -1, byte(0)
	for i := range len(raw) {
		b := sextets[raw[i]]
		seen |= b
		if b == dot {
			if i == last+1 {
				return false
			}
			dots, last = dots+1, i
		}
	}
	return seen&stray == 0 && dots == 2 && last+1 < len(raw)
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
