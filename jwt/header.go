package jwt

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
	data, ok := headerBytes(segment)
	if !ok {
		return header{}, false
	}
	rest, _ := strings.CutPrefix(string(data), `{"alg":"`)
	alg, rest, _ := strings.Cut(rest, `","kid":"`)
	kid, rest, _ := strings.Cut(rest, `","typ":"`)
	h := header{Algorithm(alg), kid, strings.TrimSuffix(rest, `"}`)}
	return h, kid != "" && plainID(kid) && plainID(h.typ) && headerSegment(h.alg, h.kid, h.typ) == segment
}

// maxHeader bounds a header segment that is looked into, in bytes: a header may
// be long and unsigned, and its parser slow.
const maxHeader = 1024

// headerBytes decodes a header segment that is short enough to look into.
func headerBytes(segment string) ([]byte, bool) {
	if len(segment) > maxHeader {
		return nil, false
	}
	data, err := base64url.DecodeString(segment)
	return data, err == nil
}

// refusedMembers are header members that bring a key, change what the signature
// covers, or say that there is another token within (RFC 7515 §4.1, RFC 7797
// §3, RFC 8725 §3.10). They are refused, understood or not.
var refusedMembers = []string{"crit", "b64", "jwk", "jku", "x5u", "x5c", "cty", "zip", "enc"}

// foreignHeader reads the header of an issuer who spells it in his own way:
// strictly, by the rules that claims are read by. What it says is compared, in
// lookUp, with what the key says.
func foreignHeader(segment string) (header, bool) {
	data, ok := headerBytes(segment)
	if !ok {
		return header{}, false
	}
	var h struct {
		Alg  string                    `json:"alg"`
		Kid  string                    `json:"kid"`
		Typ  string                    `json:"typ"`
		Rest map[string]jsontext.Value `json:",embed"`
	}
	if json.Unmarshal(data, &h) != nil {
		return header{}, false
	}
	refused := func(name string) bool { _, found := h.Rest[name]; return found }
	if slices.ContainsFunc(refusedMembers, refused) {
		return header{}, false
	}
	typ := strings.TrimPrefix(h.Typ, "application/") // RFC 7515 §4.1.9
	return header{Algorithm(h.Alg), h.Kid, typ}, h.Kid != "" && plainID(h.Kid)
}
