package jwt

// A Token is a verified token whose claims are a C. Only a Verifier makes one,
// and hands the same one to every request that presents the token: read it, do
// not change it.
type Token[C any] struct {
	claims *C
	base   *Registered // within claims
	key    *PublicKey
}

// Claims returns what the issuer signed. It is shared: do not change it.
func (t *Token[C]) Claims() *C { return t.claims }

// KeyID returns the ID of the key that signed the token.
func (t *Token[C]) KeyID() string { return t.key.id }

// Algorithm returns the algorithm that the token was signed under.
func (t *Token[C]) Algorithm() Algorithm { return t.key.alg }
