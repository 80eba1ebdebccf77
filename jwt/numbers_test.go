package jwt_test

import (
	"crypto/elliptic"
	"encoding/asn1"
	"math/big"
	"slices"
)

func curveOrder() string { return string(elliptic.P256().Params().N.Bytes()) }

// twin turns an ES256 signature (r, s) into (r, n-s), which is valid too.
func twin(sig []byte) []byte {
	n := elliptic.P256().Params().N
	s := new(big.Int).Sub(n, new(big.Int).SetBytes(sig[32:]))
	return append(slices.Clone(sig[:32]), s.FillBytes(make([]byte, 32))...)
}

func derOf(sig []byte) []byte {
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
	if err != nil {
		panic(err)
	}
	return der
}

// plusOrder adds the group order L to the S of an Ed25519 signature: the same
// number to a verifier that does not reduce it.
func plusOrder(sig []byte) []byte {
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	little := slices.Clone(sig[32:])
	slices.Reverse(little)
	sum := new(big.Int).Add(new(big.Int).SetBytes(little), l).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:32]), sum...)
}
