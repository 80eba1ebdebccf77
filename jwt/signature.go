package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"encoding/asn1"
	"math/big"
)

// A checker checks signatures with one key under one algorithm. That it takes
// no algorithm is the point: RFC 8725 §3.1.
type checker interface {
	check(input, sig []byte) bool
}

// ecdsaKey checks r‖s of fixed width (RFC 7518 §3.4); DER never has this shape
// by accident, because the width must match exactly.
type ecdsaKey struct {
	pub   *ecdsa.PublicKey
	hash  crypto.Hash
	width int // of r and of s, in bytes
}

func (k ecdsaKey) check(input, sig []byte) bool {
	if len(sig) != 2*k.width {
		return false
	}
	r, s := new(big.Int).SetBytes(sig[:k.width]), new(big.Int).SetBytes(sig[k.width:])
	return ecdsa.Verify(k.pub, digest(k.hash, input), r, s) // refuses 0 and n itself
}

type ed25519Key ed25519.PublicKey

func (k ed25519Key) check(input, sig []byte) bool {
	return ed25519.Verify(ed25519.PublicKey(k), input, sig) // refuses another length and s ≥ L
}

type rsaKey struct {
	pub *rsa.PublicKey
	pss bool
}

// RFC 7518 §3.5: the salt is as long as the hash; no other length is taken.
var pssOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}

func (k rsaKey) check(input, sig []byte) bool {
	sum := digest(crypto.SHA256, input)
	if k.pss {
		return rsa.VerifyPSS(k.pub, crypto.SHA256, sum, sig, pssOptions) == nil
	}
	return rsa.VerifyPKCS1v15(k.pub, crypto.SHA256, sum, sig) == nil
}

type hmacKey struct {
	hash   crypto.Hash
	secret []byte
}

func (k hmacKey) sign(input []byte) []byte {
	mac := hmac.New(k.hash.New, k.secret)
	mac.Write(input)
	return mac.Sum(nil)
}

func (k hmacKey) check(input, sig []byte) bool { return hmac.Equal(k.sign(input), sig) }

func digest(h crypto.Hash, input []byte) []byte {
	d := h.New()
	d.Write(input)
	return d.Sum(nil)
}

// sign signs input with a private key under the algorithm it was made for.
// ECDSA is deterministic (RFC 6979), and so is everything else but PS256:
// signing the same claims again gives the same bytes.
func sign(key crypto.Signer, alg Algorithm, input []byte) ([]byte, error) {
	switch alg {
	case EdDSA:
		return key.Sign(nil, input, crypto.Hash(0))
	case PS256:
		return key.Sign(random, digest(alg.hash(), input), pssOptions)
	case RS256:
		return key.Sign(nil, digest(alg.hash(), input), alg.hash())
	}
	der, err := key.Sign(nil, digest(alg.hash(), input), alg.hash()) // a nil source asks for RFC 6979
	if err != nil {
		return nil, err
	}
	return fixedWidth(der, (alg.curve().Params().BitSize+7)/8)
}

// fixedWidth turns an ECDSA signature from DER into r‖s.
func fixedWidth(der []byte, width int) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, err
	}
	out := make([]byte, 2*width)
	sig.R.FillBytes(out[:width])
	sig.S.FillBytes(out[width:])
	return out, nil
}
