package jwt

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An envelope is a JWE in any of its three serializations (RFC 7516 §7), read
// as strictly as claims and before any cryptography. Its fields are base64url.
type envelope struct {
	Protected   string         `json:"protected"`
	Unprotected jsontext.Value `json:"unprotected"`
	Readers     []reader       `json:"recipients"`
	Beside      string         `json:"aad"`
	IV          string         `json:"iv"`
	Content     string         `json:"ciphertext"`
	Tag         string         `json:"tag"`

	Header jsontext.Value `json:"header"` // of the flattened form, where there is one recipient
	Key    string         `json:"encrypted_key"`
}

// A reader is one recipient.
type reader struct {
	Header jsontext.Value `json:"header"`
	Key    string         `json:"encrypted_key"`

	head        sealHead       // what all headers say together
	unprotected jsontext.Value // what the two unprotected ones say
}

// A sealHead is all that is taken from the headers of a seal.
type sealHead struct {
	Alg string     `json:"alg"`
	Enc string     `json:"enc"`
	Kid string     `json:"kid"`
	Cty string     `json:"cty"`
	Apu string     `json:"apu"` // RFC 7518 §4.6.1.2, mixed into the agreed key
	Apv string     `json:"apv"`
	Epk *sealPoint `json:"epk"`
}

// The members that may stand in a header, protected or not. What decides on the
// content must be protected; what finds the key cannot be in a seal for
// several. Others are refused, understood or not: zip, crit, p2c, p2s, jwk, jku,
// x5u and x5c among them.
var (
	protectedMembers   = []string{"alg", "enc", "kid", "cty", "apu", "apv", "epk"}
	unprotectedMembers = []string{"alg", "kid", "apu", "apv", "epk"}
)

// parseEnvelope reads sealed and the headers of each recipient.
func parseEnvelope(sealed string) (*envelope, error) {
	if len(sealed) > maxToken || sealed == "" {
		return nil, errSealShape
	}
	parse := parseCompact
	if sealed[0] == '{' {
		parse = parseJSON
	}
	e, err := parse(sealed)
	if err != nil {
		return nil, err
	}
	for _, s := range []string{e.Protected, e.Content, e.IV, e.Tag} {
		if s == "" || !plainSegment(s) || !canonical(s) {
			return nil, errSealShape
		}
	}
	if e.Beside != "" && (!plainSegment(e.Beside) || !canonical(e.Beside)) {
		return nil, errSealShape
	}
	return e, e.readHeaders()
}

// parseCompact reads five parts (RFC 7516 §7.1).
func parseCompact(sealed string) (*envelope, error) {
	if strings.Count(sealed, ".") != 4 {
		return nil, errSealShape
	}
	part := strings.Split(sealed, ".")
	return &envelope{Protected: part[0], Readers: []reader{{Key: part[1]}}, IV: part[2], Content: part[3], Tag: part[4]}, nil
}

// parseJSON reads both JSON serializations. RFC 7516 §7.2.1 has members ignored
// that are not understood; here they are refused.
func parseJSON(sealed string) (*envelope, error) {
	e := new(envelope)
	if json.Unmarshal([]byte(sealed), e, json.RejectUnknownMembers(true)) != nil {
		return nil, errSealShape
	}
	if e.Readers == nil {
		e.Readers = []reader{{Header: e.Header, Key: e.Key}}
	} else if e.Header != nil || e.Key != "" || len(e.Readers) == 0 || len(e.Readers) > maxReaders {
		return nil, errSealShape // RFC 7516 §7.2.2: one form or the other
	}
	return e, nil
}

// readHeaders merges, for each recipient, the three headers that speak of him.
// No name may stand in two of them (RFC 7516 §7.2.1).
func (e *envelope) readHeaders() error {
	data, ok := headerBytes(e.Protected)
	if !ok {
		return errSealHead
	}
	protected, ok := headerMembers(data, protectedMembers)
	if !ok {
		return errSealHead
	}
	shared, ok := headerMembers(e.Unprotected, unprotectedMembers)
	if !ok {
		return errSealHead
	}
	for i := range e.Readers {
		r := &e.Readers[i]
		if r.Key != "" && (!plainSegment(r.Key) || !canonical(r.Key)) {
			return errSealShape
		}
		own, ok := headerMembers(r.Header, unprotectedMembers)
		if !ok || !r.merge(protected, shared, own) || !r.head.known(len(e.Readers)) {
			return errSealHead
		}
		twin := func(other reader) bool { return other.head.Kid == r.head.Kid }
		if slices.ContainsFunc(e.Readers[:i], twin) {
			return errSealHead
		}
	}
	return nil
}

// headerMembers reads a header object; absent is empty.
func headerMembers(data []byte, allowed []string) (map[string]jsontext.Value, bool) {
	if len(data) == 0 {
		return nil, true
	}
	var members map[string]jsontext.Value
	if len(data) > maxHeader || data[0] != '{' || json.Unmarshal(data, &members) != nil {
		return nil, false
	}
	for name, value := range members {
		if !slices.Contains(allowed, name) || value.Kind() == 'n' {
			return nil, false
		}
	}
	return members, true
}

// merge puts the headers together; false if a name stands twice or a value is
// of another type.
func (r *reader) merge(protected, shared, own map[string]jsontext.Value) bool {
	open := maps.Clone(shared)
	if open == nil {
		open = map[string]jsontext.Value{}
	}
	maps.Copy(open, own)
	all := maps.Clone(protected)
	maps.Copy(all, open)
	if len(open) != len(shared)+len(own) || len(all) != len(protected)+len(open) {
		return false
	}
	merged, err := json.Marshal(all)
	if err != nil || json.Unmarshal(merged, &r.head, json.RejectUnknownMembers(true)) != nil {
		return false
	}
	if len(open) > 0 {
		r.unprotected, err = json.Marshal(open, json.Deterministic(true))
	}
	return err == nil
}

// known reports whether h says only what is taken here. With several
// recipients each must wrap the content key: the content is as safe as the
// weakest of them, so one that is not taken spoils them all.
func (h *sealHead) known(readers int) bool {
	if h.Enc != encGCM && h.Enc != encCBC || !slices.Contains(sealAlgorithms, h.Alg) {
		return false
	}
	if readers > 1 && (h.Alg == algDirect || h.Alg == algAgree || h.Kid == "") {
		return false
	}
	agrees := h.Alg == algAgree || h.Alg == algAgreedKW
	return agrees == (h.Epk != nil) && (agrees || h.Apu == "" && h.Apv == "")
}

// reader finds the recipient that one of keys is, and that key. A seal for one
// recipient may leave the key ID out when there is only one key.
func (e *envelope) reader(keys []*OpenKey) (reader, *OpenKey, error) {
	for _, r := range e.Readers {
		named := false
		for _, k := range keys {
			switch {
			case k == nil || k.ID() != r.head.Kid && (r.head.Kid != "" || len(keys) > 1):
			case k.seal.alg == r.head.Alg:
				return r, k, nil
			default:
				named = true
			}
		}
		if named { // the key says how it is used (RFC 8725 §3.1)
			return reader{}, nil, errSealHead
		}
	}
	return reader{}, nil, errSealKey
}

// sized reports whether the encrypted key has the one length that fits: none
// where the content key is agreed on (RFC 7516 §5.2, step 10).
func (r reader) sized(key *OpenKey) bool {
	return base64url.DecodedLen(len(r.Key)) == key.seal.wrapped()
}

// sized reports whether IV and tag have the lengths of enc (RFC 7518 §5.2, §5.3).
func (e *envelope) sized(enc string) bool {
	iv := 12
	if enc == encCBC {
		iv = 16
	}
	return base64url.DecodedLen(len(e.IV)) == iv && base64url.DecodedLen(len(e.Tag)) == 16
}
