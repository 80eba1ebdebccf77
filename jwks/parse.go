package jwks

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// The bounds of a document that is read. Issuers publish two to four keys.
const (
	maxDocument = 256 << 10 // bytes
	maxKeys     = 64
)

// Parse reads a JSON Web Key Set. Each key is judged alone (RFC 7517 §5): one
// that must not be used is left out, and skipped says why; what jwt.ParseJWK
// refuses is refused here, and so are all keys that share an ID, since nobody
// can say which of them is meant (RFC 7517 §4.5).
//
// It returns ErrSet for what is not a key set at all, is above 256 KiB or lists
// more than 64 keys. A set of which no key can be used is a Set without keys
// and no error: whether that is good enough, the caller knows.
func Parse(data []byte) (set *Set, skipped []error, err error) {
	if len(data) > maxDocument {
		return nil, nil, badSet("a document of %d bytes; at most %d are read", len(data), maxDocument)
	}
	list, err := members(data)
	if err != nil {
		return nil, nil, err
	}
	if len(list) > maxKeys {
		return nil, nil, badSet("a list of %d keys; at most %d are read", len(list), maxKeys)
	}
	var keys []*jwt.PublicKey
	count := map[string]int{}
	for i, data := range list {
		k, err := jwt.ParseJWK(data)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("key %d: %w", i+1, err))
			// Its ID still counts: an ID shared by a good and a bad key is no ID.
			count[claimedID(data)]++
			continue
		}
		count[k.ID()]++
		keys = append(keys, k)
	}
	keys, shared := unshared(keys, count)
	return NewSet(keys...), append(skipped, shared...), nil
}

// unshared leaves out the keys whose ID stands in the document more than once.
func unshared(keys []*jwt.PublicKey, count map[string]int) (left []*jwt.PublicKey, skipped []error) {
	for _, k := range keys {
		if count[k.ID()] > 1 {
			skipped = append(skipped, badSet("key ID %q stands there %d times", k.ID(), count[k.ID()]))
			continue
		}
		left = append(left, k)
	}
	return left, skipped
}

// claimedID returns the kid of a key that cannot be used, or "".
func claimedID(data []byte) string {
	var key struct {
		ID string `json:"kid"`
	}
	if json.Unmarshal(data, &key, jsontext.AllowDuplicateNames(true)) != nil {
		return ""
	}
	return key.ID
}

// members returns the list under "keys", unread: what is wrong inside one key
// is that key's affair.
func members(data []byte) ([]jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, badSet("not a JSON object")
	}
	list, err := keysOf(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, badSet("not JSON: %v", err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, badSet("something follows the object")
	}
	return list, nil
}

// keysOf passes over the members of an object but the one that is wanted.
func keysOf(d *jsontext.Decoder) (list []jsontext.Value, err error) {
	found := false
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		switch {
		case err != nil:
			return nil, badSet("not JSON: %v", err)
		case name.String() != "keys":
			if err := d.SkipValue(); err != nil {
				return nil, badSet("not JSON: %v", err)
			}
			continue
		case found:
			return nil, badSet(`"keys" stands there twice`)
		}
		found = true
		if err := json.UnmarshalDecode(d, &list); err != nil {
			return nil, badSet(`"keys" is not a list: %v`, err)
		}
	}
	if !found {
		return nil, badSet(`there is no "keys"`)
	}
	return list, nil
}
