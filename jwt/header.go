package jwt

import (
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// A header is all that is ever taken from a token's header.
type header struct {
	alg Algorithm
	kid string
	typ string
}

// A headerTable maps the exact header segments that the keys of one snapshot
// produce to those keys. It never changes.
type headerTable struct {
	snapshot *Snapshot
	keys     map[string]*PublicKey
}

// newHeaderTable registers a header for each key and each accepted typ.
func newHeaderTable(s *Snapshot, typs []string, oneApplication bool) *headerTable {
	t := &headerTable{s, make(map[string]*PublicKey)}
	for _, k := range s.keys {
		if k.alg.symmetric() && !oneApplication {
			continue
		}
		for _, typ := range typs {
			t.keys[headerSegment(k.alg, k.id, typ)] = k
		}
	}
	return t
}

// ownHeader reads a header of the shape that we produce, to learn which key ID
// it asks for. No JSON is parsed: what is not our spelling to the byte is not
// our header.
func ownHeader(segment string) (header, bool) {
	if len(segment) > maxHeader {
		return header{}, false
	}
	data, err := base64url.DecodeString(segment)
	if err != nil {
		return header{}, false
	}
	rest, _ := strings.CutPrefix(string(data), `{"alg":"`)
	alg, rest, _ := strings.Cut(rest, `","kid":"`)
	kid, rest, _ := strings.Cut(rest, `","typ":"`)
	h := header{Algorithm(alg), kid, strings.TrimSuffix(rest, `"}`)}
	return h, plainID(kid) && headerSegment(h.alg, h.kid, h.typ) == segment
}

// maxHeader bounds a header segment that is looked into, in bytes: a header may
// be long and unsigned, and its parser slow.
const maxHeader = 1024

// refusedMembers are header members that bring a key, or change what the
// signature covers (RFC 7515 §4.1, RFC 7797 §3). They are refused, understood
// or not, and so is a nested token.
var refusedMembers = []jose.HeaderKey{"crit", "b64", "jwk", "jku", "x5u", "x5c", "cty", "zip", "enc"}

// foreignHeader reads the header of an issuer who spells it in his own way,
// with go-jose's parser. The signature is checked elsewhere, over the bytes as
// they came.
func foreignHeader(raw, segment string) (header, bool) {
	if len(segment) > maxHeader {
		return header{}, false
	}
	jws, err := jose.ParseSignedCompact(raw, foreignAlgorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return header{}, false
	}
	h := jws.Signatures[0].Protected
	refused := func(k jose.HeaderKey) bool { _, found := h.ExtraHeaders[k]; return found }
	if h.JSONWebKey != nil || slices.ContainsFunc(refusedMembers, refused) {
		return header{}, false
	}
	typ, _ := h.ExtraHeaders[jose.HeaderType].(string)
	typ = strings.TrimPrefix(typ, "application/") // RFC 7515 §4.1.9
	return header{Algorithm(h.Algorithm), h.KeyID, typ}, h.KeyID != "" && plainID(h.KeyID)
}

// foreignAlgorithms is what go-jose may parse; the key found decides.
var foreignAlgorithms = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.EdDSA, jose.RS256, jose.PS256, jose.HS256, jose.HS384, jose.HS512,
}
