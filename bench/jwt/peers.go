package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golang "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
)

var errFalse = errors.New("the signature does not hold")

// signatureOnly checks the signature alone, already decoded and in the shape
// that the standard library likes best.
func (f *fixture) signatureOnly() func(int) error {
	i := strings.LastIndexByte(f.raw, '.')
	input := []byte(f.raw[:i])
	sig, err := base64url.DecodeString(f.raw[i+1:])
	if err != nil {
		panic(err)
	}
	ok := func() bool { panic("no such key") }
	switch key := f.public.(type) {
	case *ecdsa.PublicKey:
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
		if err != nil {
			panic(err)
		}
		ok = func() bool { sum := sha256.Sum256(input); return ecdsa.VerifyASN1(key, sum[:], der) }
	case ed25519.PublicKey:
		ok = func() bool { return ed25519.Verify(key, input, sig) }
	case *rsa.PublicKey:
		ok = func() bool {
			sum := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil
		}
	case []byte:
		ok = func() bool {
			mac := hmac.New(sha256.New, key)
			mac.Write(input)
			return hmac.Equal(mac.Sum(nil), sig)
		}
	}
	return func(int) error {
		if !ok() {
			return errFalse
		}
		return nil
	}
}

type golangClaims struct {
	golang.RegisteredClaims
	SessionID  string `json:"sid"`
	Scope      string `json:"scope"`
	Generation string `json:"gen"`
}

func (f *fixture) golangJWT() func(string) error {
	parser := golang.NewParser(golang.WithValidMethods([]string{string(f.key.Algorithm())}), golang.WithIssuer(issuer),
		golang.WithAudience(audience), golang.WithExpirationRequired(), golang.WithIssuedAt(), golang.WithStrictDecoding())
	keys := map[string]any{f.key.ID(): f.public}
	find := func(t *golang.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if key := keys[kid]; key != nil {
			return key, nil
		}
		return nil, errors.New("unknown kid")
	}
	return func(raw string) error {
		_, err := parser.ParseWithClaims(raw, &golangClaims{}, find)
		return err
	}
}

func (f *fixture) goJose() func(string) error {
	algs := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(f.key.Algorithm())}
	keys := map[string]any{f.key.ID(): f.public}
	return func(raw string) error {
		token, err := josejwt.ParseSigned(raw, algs)
		if err != nil {
			return err
		}
		key := keys[token.Headers[0].KeyID]
		if key == nil {
			return errors.New("unknown kid")
		}
		var c struct {
			josejwt.Claims
			SessionID  string `json:"sid"`
			Scope      string `json:"scope"`
			Generation string `json:"gen"`
		}
		if err := token.Claims(key, &c); err != nil {
			return err
		}
		if c.Expiry == nil {
			return errors.New("no exp")
		}
		return c.ValidateWithLeeway(josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: time.Now()}, 0)
	}
}

func (f *fixture) jwx() func(string) error {
	alg, ok := jwa.LookupSignatureAlgorithm(string(f.key.Algorithm()))
	if !ok {
		panic("jwx does not know " + f.key.Algorithm())
	}
	return func(raw string) error {
		_, err := jwxjwt.ParseString(raw, jwxjwt.WithKey(alg, f.public), jwxjwt.WithValidate(true), jwxjwt.WithIssuer(issuer),
			jwxjwt.WithAudience(audience), jwxjwt.WithRequiredClaim(jwxjwt.ExpirationKey))
		return err
	}
}
