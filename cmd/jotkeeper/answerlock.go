package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/internal/conformance"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// lock asks our policy about claims. Package jwt gives out the cnf of verified
// tokens alone, so a token is signed for it.
func (v *answerer) lock(r *conformance.Request) error {
	claims, err := v.verified(r.SID, r.CNF)
	if err != nil {
		return err
	}
	policy := binding.WhenLocked
	if r.Required {
		policy = binding.Required
	}
	request := &http.Request{Header: http.Header{}}
	if r.Cookie != "" {
		request.Header.Set("Cookie", r.Cookie)
	}
	return policy.Check(request, r.SID, claims.Confirmation)
}

// verified signs a token with these claims, by a key that nobody keeps, and
// verifies it.
func (v *answerer) verified(sid string, cnf json.RawMessage) (*jwt.Access, error) {
	now := time.Now()
	members := map[string]any{"iss": "self", "sub": "self", "aud": "self", "jti": "self", "iat": now.Unix(), "exp": now.Unix() + 60, "sid": sid}
	if len(cnf) > 0 && string(cnf) != "null" {
		members["cnf"] = cnf
	}
	claims, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	key, err := jwt.ParsePKCS8(der, jwt.EdDSA)
	if err != nil {
		return nil, err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64(fmt.Appendf(nil, `{"alg":"EdDSA","kid":"%s","typ":"at+jwt"}`, key.ID())) + "." + b64(claims)
	verifier, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: "self", Audience: []string{"self"}, Keys: jwt.NewSnapshot(key.Public()), CacheEntries: -1})
	if err != nil {
		return nil, err
	}
	token, err := verifier.Verify(v.ctx, now, input+"."+b64(ed25519.Sign(private, []byte(input))))
	if err != nil {
		return nil, err
	}
	return token.Claims(), nil
}
