package jwt

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// A VerifierConfig says which tokens are accepted.
type VerifierConfig struct {
	Issuer   string   // required; compared byte for byte with iss
	Audience []string // required; a token's aud must contain one of them
	Keys     Keys     // required; the issuer's keys

	// Typ lists the accepted header types instead of the kind's own, for an
	// issuer that writes "JWT": then only the audience tells kinds apart.
	Typ []string

	// CacheEntries bounds the verified tokens that are remembered, about half a
	// kilobyte each. 0 means 100,000; a negative number none.
	CacheEntries int

	// ForeignHeaders is for an issuer that spells headers in its own way. They
	// are then parsed, with the algorithm bound to the key; only the ones that
	// we would have produced are looked up as bytes.
	ForeignHeaders bool

	// OneApplication accepts HMAC keys: issuer and verifier are one program.
	OneApplication bool
}

// check returns everything that is wrong with c.
func (c *VerifierConfig) check() error {
	problems := []error{ErrConfig}
	if c.Issuer == "" {
		problems = append(problems, errors.New("no Issuer: say whose tokens are accepted"))
	}
	if len(c.Audience) == 0 || slices.Contains(c.Audience, "") {
		problems = append(problems, errors.New("no Audience, or an empty one: say which names tokens for this service carry"))
	}
	if c.Keys == nil {
		problems = append(problems, errors.New("no Keys: give a *Snapshot or a remote key set"))
	}
	for _, typ := range c.Typ {
		if typ == "" || !plainID(typ) {
			problems = append(problems, fmt.Errorf("the Typ %q is no media type such as at+jwt", typ))
		}
	}
	if len(problems) == 1 {
		return nil
	}
	return errors.Join(problems...)
}

// A Verifier accepts the tokens of one issuer, of one kind, for one audience.
// It may be used by many goroutines.
type Verifier[C any] struct {
	cfg   VerifierConfig
	base  func(*C) *Registered
	cache cache[C]
	table atomic.Pointer[headerTable]
}

// NewVerifier returns a Verifier of the kind whose claims are a C. It returns
// ErrConfig, with everything that is wrong, for a config that would check too
// little.
func NewVerifier[C any, P interface {
	*C
	Claims
}](cfg VerifierConfig) (*Verifier[C], error) {
	cfg.Audience, cfg.Typ = slices.Clone(cfg.Audience), slices.Clone(cfg.Typ)
	if len(cfg.Typ) == 0 {
		cfg.Typ = []string{string(P(new(C)).Kind())}
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	base := func(c *C) *Registered { return P(c).Base() }
	return &Verifier[C]{cfg: cfg, base: base, cache: newCache[C](cfg.CacheEntries)}, nil
}

// Verify returns the token that raw spells, if it is one of ours and good at
// now; else an *Error with its Reason. Whether it was revoked is not asked here
// (see the package comment).
//
// The steps stand in the order of their cost, and each is final. Nothing that
// is unsigned is parsed, and until the signature holds the reasons are only
// malformed, header, key and signature (and unavailable): a forger learns
// nothing about a token he did not get.
func (v *Verifier[C]) Verify(ctx context.Context, now time.Time, raw string) (*Token[C], error) {
	if tooLong(raw) {
		return nil, errMalformed
	}
	id := sha256.Sum256(bytesOf(raw))
	known := v.cache.find(id)
	if known == nil && !wellFormed(raw) { // what was verified before is, to the byte
		return nil, errMalformed
	}
	keys, err := v.snapshot(now)
	if err != nil {
		return nil, err
	}
	if known != nil {
		if keys.inForce(known.key) {
			return v.again(id, known, now)
		}
		v.cache.forget(id)
	}
	t, err := v.verify(ctx, now, keys, raw)
	if err != nil {
		return nil, err
	}
	v.cache.remember(id, t)
	return t, nil
}

// again asks of a token that was verified before what time may have changed.
func (v *Verifier[C]) again(id [sha256.Size]byte, t *Token[C], now time.Time) (*Token[C], error) {
	if err := t.base.inTime(now); err != nil {
		v.cache.forget(id)
		return nil, err
	}
	return t, nil
}

// verify is the whole check, from the canonical spelling to the claims.
func (v *Verifier[C]) verify(ctx context.Context, now time.Time, keys *Snapshot, raw string) (*Token[C], error) {
	header, payload, signature := segments(raw)
	if !canonical(header) || !canonical(payload) || !canonical(signature) {
		return nil, errMalformed
	}
	key, err := v.key(ctx, now, keys, header)
	if err != nil {
		return nil, err
	}
	sig, err := base64url.DecodeString(signature)
	if err != nil {
		return nil, errMalformed
	}
	if !key.checker.check(bytesOf(raw[:len(header)+1+len(payload)]), sig) {
		return nil, errSignature
	}
	data, err := base64url.DecodeString(payload)
	if err != nil {
		return nil, errMalformed
	}
	claims := new(C)
	if err := v.judge(now, claims, data); err != nil {
		return nil, err
	}
	return &Token[C]{claims, v.base(claims), key}, nil
}

// judge reads claims that are the issuer's beyond doubt, strictly: names in
// their case, none twice, valid UTF-8, nothing after the object (RFC 7519
// §4, RFC 8725 §3.7).
func (v *Verifier[C]) judge(now time.Time, claims *C, data []byte) error {
	if len(data) == 0 || data[0] != '{' {
		return refuse(BadClaim, "the claims are not a JSON object")
	}
	if err := unmarshalClaims(data, claims); err != nil {
		return &Error{BadClaim, "the claims cannot be read: " + err.Error(), err}
	}
	base := v.base(claims)
	if base.Issuer != v.cfg.Issuer { // RFC 7519 §4.1.1
		return refuse(Issuer, "iss is %q, not %q", base.Issuer, v.cfg.Issuer)
	}
	ours := func(aud string) bool { return slices.Contains(v.cfg.Audience, aud) }
	if len(base.Audience) > 0 && !slices.ContainsFunc(base.Audience, ours) { // RFC 7519 §4.1.3
		return refuse(BadAud, "aud is %q, not %q", base.Audience, v.cfg.Audience)
	}
	if err := base.wellFormed(); err != nil {
		return err
	}
	return base.inTime(now)
}
