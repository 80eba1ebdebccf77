package jwt

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var errNull = refuse(BadClaim, "a claim is null: an issuer leaves out what it does not say")

// unmarshalClaims reads claims into the struct that claims points to. Null is
// refused where it stands for a claim that there is a field for: a cnf of null would
// be a demand on the bearer that one program reads and another does not. Hardly any
// token has the word, so the others do not pay for the search.
func unmarshalClaims(data []byte, claims any) error {
	if !bytes.Contains(data, []byte("null")) {
		return json.Unmarshal(data, claims)
	}
	return json.Unmarshal(data, claims, json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFromFunc(notNull[*string]), json.UnmarshalFromFunc(notNull[*[]string]), json.UnmarshalFromFunc(notNull[**Confirmation]))))
}

// notNull refuses null and leaves the reading of everything else to others.
func notNull[T any](dec *jsontext.Decoder, _ T) error {
	if dec.PeekKind() == 'n' {
		return errNull
	}
	return errors.ErrUnsupported
}
