package jwt

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
