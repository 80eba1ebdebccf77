package jwt

import "github.com/go-json-experiment/json/jsontext"

// An Inspection is what a token says of itself. Nothing of it was verified.
type Inspection struct {
	Header jsontext.Value
	Claims jsontext.Value
	Size   Size // without a Kind: which kind it is, only a Verifier can tell
}

// InspectUnverified shows what a token says, for people who look at one. It
// verifies NOTHING, and so it returns neither a Token nor claims that a program
// could act on. What is not a compact JWS with two JSON objects is refused with
// reason malformed.
func InspectUnverified(raw string) (*Inspection, error) {
	if !wellFormed(raw) {
		return nil, errMalformed
	}
	header, payload, _ := segments(raw)
	h, err := base64url.DecodeString(header)
	if err != nil || weighClaims(h) == nil {
		return nil, errMalformed
	}
	p, err := base64url.DecodeString(payload)
	if err != nil || weighClaims(p) == nil {
		return nil, errMalformed
	}
	size := Size{Token: len(raw), Claims: len(p), Largest: weighClaims(p)}
	return &Inspection{Header: h, Claims: p, Size: size}, nil
}
