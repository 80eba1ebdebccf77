package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// ParseOpenKey reads the key that opens: a private or symmetric JSON Web Key,
// or a PKCS #8 key in PEM. A JWK says its alg itself; give alg where it does not
// and for PEM, or "" for the usual one (RSA-OAEP-256, ECDH-ES+A256KW). A key
// that does not fit, is too weak, or is a public one is ErrKey.
func ParseOpenKey(data []byte, alg string) (*OpenKey, error) {
	key, alg, id, err := parseSealKey(data, alg, x509.ParsePKCS8PrivateKey, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	return newOpenKey(key, alg, id)
}

// ParseSealKey reads the key that seals: a public or symmetric JSON Web Key, or
// a public key in PEM; alg as for ParseOpenKey. It refuses a private key, which
// has no place where things are only sealed: ErrKey.
func ParseSealKey(data []byte, alg string) (*SealKey, error) {
	key, alg, id, err := parseSealKey(data, alg, x509.ParsePKIXPublicKey, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	switch key.(type) {
	case *ecdsa.PrivateKey, *rsa.PrivateKey:
		return nil, badKey("a private key seals nothing that its public half does not; give that one")
	}
	return newSealKey(key, alg, id)
}

func parseSealKey(data []byte, alg string, parse func([]byte) (any, error), block string) (key any, algorithm, id string, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return parseSealJWK(data, alg)
	}
	found, _ := pem.Decode(data)
	if found == nil || found.Type != block {
		return nil, "", "", badKey("neither a JSON Web Key nor -----BEGIN %s-----", block)
	}
	key, err = parse(found.Bytes)
	if err != nil {
		return nil, "", "", badKey("the PEM block holds no usable key") // the cause may quote key material
	}
	if alg == "" {
		alg = usualSealing(key)
	}
	return key, alg, "", nil
}

// usualSealing is what a key seals with when nobody says.
func usualSealing(key any) string {
	switch key.(type) {
	case *rsa.PrivateKey, *rsa.PublicKey:
		return algOAEP
	}
	return algAgreedKW
}

// parseSealJWK lets go-jose read the key material, after the members that say
// what it is for were read strictly.
func parseSealJWK(data []byte, alg string) (key any, algorithm, id string, err error) {
	var wire wireKey
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, "", "", badKey("not a JSON Web Key") // the cause may quote key material
	}
	if wire.Algorithm == "" {
		wire.Algorithm = alg
	}
	switch {
	case wire.Use != "" && wire.Use != "enc":
		return nil, "", "", badKey("use is %q, not enc: a key that signs does not seal", wire.Use)
	case wire.Operations != nil && !slices.ContainsFunc(wire.Operations, sealsOrOpens):
		return nil, "", "", badKey("key_ops is %q: neither seals nor opens", wire.Operations)
	case wire.Algorithm == "":
		return nil, "", "", badKey("alg is missing: say which one algorithm the key is for")
	case alg != "" && alg != wire.Algorithm:
		return nil, "", "", badKey("the key says alg %q, not %q", wire.Algorithm, alg)
	}
	var jwk jose.JSONWebKey
	if jwk.UnmarshalJSON(data) != nil {
		return nil, "", "", badKey("the JSON Web Key has no usable numbers")
	}
	return jwk.Key, wire.Algorithm, wire.ID, nil
}

// sealsOrOpens reports whether a key operation is one of ours (RFC 7517 §4.3).
func sealsOrOpens(op string) bool {
	return slices.Contains([]string{"encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"}, op)
}
