package authserver

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// maxVerifiers bounds how many audiences have a verifier of their own.
const maxVerifiers = 256

// verifiers check access tokens of our own. A verifier is made for one
// audience, and the audiences of trusted origins are not all known beforehand
// (any port of this machine, any host below a wildcard).
type verifiers struct {
	cfg    Config
	issuer *jwt.Verifier[jwt.Access] // for tokens whose audience is ourselves

	mu     sync.Mutex
	others map[string]*jwt.Verifier[jwt.Access]
}

func newVerifiers(cfg Config) (*verifiers, error) {
	v := &verifiers{cfg: cfg, others: map[string]*jwt.Verifier[jwt.Access]{}}
	var err error
	v.issuer, err = v.make(cfg.Issuer)
	return v, err
}

func (v *verifiers) make(audience string) (*jwt.Verifier[jwt.Access], error) {
	return jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{
		Issuer: v.cfg.Issuer, Audience: []string{audience}, Keys: v.cfg.Keys, Typ: v.cfg.Typ, CacheEntries: 10_000,
	})
}

// verify accepts a token for any audience that this server gives tokens to.
// The first verifier refuses a foreign audience only after the signature held,
// so what the second step reads was signed by us.
func (v *verifiers) verify(ctx context.Context, now time.Time, raw string, trusted sites) (*jwt.Token[jwt.Access], error) {
	t, err := v.issuer.Verify(ctx, now, raw)
	if jwt.ReasonOf(err) != jwt.BadAud {
		return t, err
	}
	for _, audience := range audiencesOf(raw) {
		if audience != v.cfg.Audience && !trusted.names(audience) {
			continue
		}
		other, makeErr := v.of(audience)
		if makeErr != nil {
			return nil, makeErr
		}
		return other.Verify(ctx, now, raw)
	}
	return nil, err
}

// of returns the verifier of an audience. When there are too many, all are
// forgotten: they hold nothing that cannot be made again.
func (v *verifiers) of(audience string) (*jwt.Verifier[jwt.Access], error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known := v.others[audience]; known != nil {
		return known, nil
	}
	made, err := v.make(audience)
	if err != nil {
		return nil, err
	}
	if len(v.others) >= maxVerifiers {
		clear(v.others)
	}
	v.others[audience] = made
	return made, nil
}

// audiencesOf reads the audience of a token whose signature has been checked:
// a string, or an array of them (RFC 7519 §4.1.3).
func audiencesOf(raw string) []string {
	seen, err := jwt.InspectUnverified(raw)
	if err != nil {
		return nil
	}
	var claims struct {
		Audience json.RawMessage `json:"aud"`
	}
	if err := json.Unmarshal(seen.Claims, &claims); err != nil {
		return nil
	}
	var one string
	if json.Unmarshal(claims.Audience, &one) == nil {
		return []string{one}
	}
	var several []string
	if json.Unmarshal(claims.Audience, &several) != nil {
		return nil
	}
	return several
}
