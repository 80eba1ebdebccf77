package jwt

import "github.com/go-jose/go-jose/v4"

// Named returns k under another key ID, as a JWK may say it.
func Named(k *PublicKey, id string) *PublicKey {
	return &PublicKey{id: id, thumbprint: k.thumbprint, alg: k.alg, key: k.key, checker: k.checker}
}

// Remembered returns how many tokens the cache of v holds.
func (v *Verifier[C]) Remembered() int {
	v.cache.tokens.CleanUp()
	return v.cache.tokens.EstimatedSize()
}

// NewWithoutTyp returns a Verifier of tokens that have no typ at all, which no
// VerifierConfig allows: the vectors of others have none.
func NewWithoutTyp(keys ...*PublicKey) *Verifier[Access] {
	cfg := VerifierConfig{Keys: NewSnapshot(keys...), Typ: []string{""}, ForeignHeaders: true, OneApplication: true}
	return &Verifier[Access]{cfg: cfg, base: func(a *Access) *Registered { return &a.Registered }, cache: newCache[Access](-1)}
}

// Counted returns a dir key that counts how often something is decrypted.
func Counted(k *OpenKey, decryptions *int) *OpenKey {
	return &OpenKey{k.seal, countedSecret{k.key.([]byte), decryptions}}
}

type countedSecret struct {
	secret []byte
	n      *int
}

func (c countedSecret) DecryptKey([]byte, jose.Header) ([]byte, error) {
	*c.n++
	return c.secret, nil
}

// Secret returns the key material of k, for oracles.
func (k *OpenKey) Secret() any { return k.key }

// Fits reports whether an ephemeral key with these coordinates would be handed
// to the cryptography.
func (k *OpenKey) Fits(kty, crv, x, y string) bool {
	return (&sealHead{Epk: &sealPoint{kty, crv, x, y}}).fits(k)
}
