package feed

import "github.com/jotkeeper/jotkeeper/revocation"

// Direct is the transport of a client that was given none.
var Direct = direct

// Encode writes an entry as the wire has it.
var Encode = encode

// Decode reads an entry of an epoch.
func Decode(text []byte, epoch uint64) (revocation.Entry, error) {
	var e entry
	if err := read(text, &e); err != nil {
		return revocation.Entry{}, err
	}
	return e.rule(epoch)
}
