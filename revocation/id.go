package revocation

import "encoding/base64"

// base64url is the alphabet of the IDs that Jotkeeper makes (RFC 4648 section
// 5), without padding.
var base64url = base64.RawURLEncoding

// sextets is the alphabet backwards; what is not in it has the two upper bits.
var sextets = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		t[c] = byte(i)
	}
	return t
}()

// decodeID reads 22 characters that are the one spelling of 16 bytes. Any
// other text of that length is false: the last character has four bits to
// spare, and an ID that sets them is another ID.
func decodeID(raw *[16]byte, id string) bool {
	var bits, n uint
	bad, at := byte(0), 0
	for i := range len(id) {
		s := sextets[id[i]]
		bad |= s & 0xc0
		bits, n = bits<<6|uint(s&0x3f), n+6
		if n >= 8 && at < len(raw) {
			n -= 8
			raw[at] = byte(bits >> n)
			at++
		}
	}
	return bad == 0 && bits&0xf == 0
}
