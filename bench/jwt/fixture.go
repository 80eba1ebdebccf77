package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/bench/measure"
	"github.com/jotkeeper/jotkeeper/jwt"
)

const (
	issuer   = "https://id.example.com"
	audience = "https://api.example.com"
)

var (
	base64url = base64.RawURLEncoding.Strict()
	hmacBytes = []byte("0123456789abcdef0123456789abcdef")
)

// A fixture is one key with a token of it.
type fixture struct {
	key     *jwt.PrivateKey
	private any // as the standard library has it
	public  any
	raw     string
	libs    []library
}

// A library verifies a token as its users would.
type library struct {
	name   string
	verify func(raw string) error
}

func newFixture(alg jwt.Algorithm) (*fixture, error) {
	f := &fixture{private: hmacBytes, public: hmacBytes}
	var err error
	if alg == jwt.HS256 {
		f.key, err = jwt.NewHMACKey(alg, hmacBytes)
	} else {
		f.key, err = jwt.GenerateKey(alg)
	}
	if err != nil {
		return nil, err
	}
	if alg != jwt.HS256 {
		if err := f.standard(); err != nil {
			return nil, err
		}
	}
	if f.raw, err = f.token(); err != nil {
		return nil, err
	}
	return f, f.agree()
}

// standard hands the key to the other libraries.
func (f *fixture) standard() error {
	der, err := f.key.MarshalPKCS8()
	if err != nil {
		return err
	}
	f.private, err = x509.ParsePKCS8PrivateKey(der)
	switch k := f.private.(type) {
	case *ecdsa.PrivateKey:
		f.public = &k.PublicKey
	case *rsa.PrivateKey:
		f.public = &k.PublicKey
	case ed25519.PrivateKey:
		f.public = k.Public()
	}
	return err
}

// token signs what an ordinary access token says.
func (f *fixture) token() (string, error) {
	now := time.Now()
	c := &jwt.Access{
		Registered: jwt.Registered{
			Issuer: issuer, Subject: jwt.NewID(), Audience: jwt.Audience{audience},
			IssuedAt: jwt.TimeOf(now), NotBefore: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(time.Hour)), ID: jwt.NewID(), SessionID: jwt.NewID(),
		},
		Scope: "read write", Generation: "1.x",
	}
	key := func(time.Time) (*jwt.PrivateKey, error) { return f.key, nil }
	return jwt.NewSigner(key, jwt.KindAccess).Sign(now, c)
}

// agree makes every library accept the token, and refuse it with its first
// claim changed: else there is nothing to compare.
func (f *fixture) agree() error {
	bent := []byte(f.raw)
	bent[len(bent)/2] ^= 1
	for _, lib := range f.verifiers() {
		if err := lib.verify(f.raw); err != nil {
			return fmt.Errorf("%s refuses the token: %w", lib.name, err)
		}
		if lib.verify(string(bent)) == nil {
			return fmt.Errorf("%s accepts a bent token", lib.name)
		}
	}
	return nil
}

// verifiers returns the libraries, made once.
func (f *fixture) verifiers() []library {
	if f.libs == nil {
		f.libs = []library{
			{"jotkeeper, cold", f.jotkeeper(-1)}, {"jotkeeper, warm", f.jotkeeper(0)},
			{"golang-jwt", f.golangJWT()}, {"go-jose", f.goJose()}, {"jwx", f.jwx()},
		}
	}
	return f.libs
}

// contenders are the bare signature check and the libraries.
func (f *fixture) contenders() []measure.Contender {
	list := []measure.Contender{{Name: "raw signature check", Op: f.signatureOnly()}}
	for _, lib := range f.verifiers() {
		list = append(list, measure.Contender{Name: lib.name, Op: func(int) error { return lib.verify(f.raw) }})
	}
	return list
}

func (f *fixture) jotkeeper(entries int) func(string) error {
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: jwt.NewSnapshot(f.key.Public()),
		CacheEntries: entries, OneApplication: f.key.Algorithm() == jwt.HS256,
	})
	if err != nil {
		panic(err)
	}
	return func(raw string) error {
		token, err := v.Verify(context.Background(), time.Now(), raw)
		if err == nil && token.Claims().Scope != "read write" {
			return errors.New("other claims")
		}
		return err
	}
}

func segment(s string) string { return base64url.EncodeToString([]byte(s)) }
