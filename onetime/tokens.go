package onetime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// Errors of this room. A token that does not verify is a *jwt.Error.
var (
	// ErrConfig is a Config that New refuses.
	ErrConfig = errors.New("onetime: unusable configuration")
	// ErrUsed is a genuine token that was used, replaced by later ones, or dropped.
	ErrUsed = errors.New("onetime: the token was used or replaced")
	// ErrVersion is a genuine token whose lock does not fit: what it may change
	// has changed since.
	ErrVersion = errors.New("onetime: what the token may change has changed")
	// ErrRetry tells that the store cannot say now: answer 503, nothing was used.
	ErrRetry = errors.New("onetime: cannot know now, try again")
)

// A Config says who makes tokens of one purpose, and for how long. Issuer,
// Signer, Keys and Store are required.
type Config struct {
	Issuer   string        // the iss of the tokens
	Audience string        // who takes them; empty: the issuer itself
	Signer   *jwt.Signer   // may be limited to the one kind, and should be
	Keys     jwt.Keys      // the issuer's public keys
	Store    Store         // of what was not used yet
	Lifetime time.Duration // 0: 30 minutes; at most a week
	Limit    int           // live tokens of a subject; 0: 3. Later ones replace the earliest
}

const (
	longest = 7 * 24 * time.Hour
	half    = 30 * time.Minute
)

func (c *Config) check() error {
	problems := []error{ErrConfig}
	complain := func(wrong bool, text string) {
		if wrong {
			problems = append(problems, errors.New(text))
		}
	}
	complain(c.Issuer == "", "no Issuer: say who makes the tokens")
	complain(c.Signer == nil, "no Signer: give one for this kind")
	complain(c.Keys == nil, "no Keys: give the issuer's public keys")
	complain(c.Store == nil, "no Store: without one a token could be used twice")
	complain(c.Lifetime < 0 || c.Lifetime > longest, "Lifetime must be at most a week: a mail stays where it is")
	complain(c.Lifetime > 0 && c.Lifetime < time.Second, "Lifetime must be at least a second: expiry counts in seconds")
	complain(c.Limit < 0, "Limit must not be negative: leave it 0 for 3")
	if len(problems) == 1 {
		return nil
	}
	return errors.Join(problems...)
}

// Tokens makes and takes the tokens of one purpose. It is safe for concurrent
// use.
type Tokens[C any] struct {
	cfg      Config
	verifier *jwt.Verifier[C]
	claims   func(Claims) jwt.Claims
	bound    func(*C) *Claims
	kind     jwt.Kind
}

// New returns the Tokens of a purpose, or ErrConfig with everything that is
// wrong.
func New[C any, P Purpose[C]](cfg Config) (*Tokens[C], error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Audience == "" {
		cfg.Audience = cfg.Issuer
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = half
	}
	if cfg.Limit == 0 {
		cfg.Limit = 3
	}
	v, err := jwt.NewVerifier[C, P](jwt.VerifierConfig{
		Issuer: cfg.Issuer, Audience: []string{cfg.Audience}, Keys: cfg.Keys, CacheEntries: -1, // each is seen once or twice
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return &Tokens[C]{
		cfg: cfg, verifier: v, kind: P(new(C)).Kind(),
		bound: func(c *C) *Claims { return P(c).Bound() },
		claims: func(c Claims) jwt.Claims {
			var made C
			*P(&made).Bound() = c
			return P(&made)
		},
	}, nil
}

// On returns t over a store that is bound to a transaction, so that a token is
// used together with what it changes, or not at all.
func (t *Tokens[C]) On(tx Store) *Tokens[C] {
	bound := *t
	bound.cfg.Store = tx
	return &bound
}

// An Order is what a token is to be good for.
type Order struct {
	Subject string // required: whose
	Version int64  // of what it may change, as it is now
	Scope   string // what its use is limited to; empty: all that its purpose allows
}

// Issue makes a token. Tokens of the same subject beyond Limit, the earliest
// first, are good no more. ErrRetry if the store cannot keep it.
func (t *Tokens[C]) Issue(ctx context.Context, now time.Time, o Order) (string, error) {
	c := Claims{
		Registered: jwt.Registered{
			Issuer: t.cfg.Issuer, Subject: o.Subject, Audience: jwt.Audience{t.cfg.Audience}, ID: jwt.NewID(),
			IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(t.cfg.Lifetime)),
		},
		Version: o.Version, Scope: o.Scope,
	}
	raw, err := t.cfg.Signer.Sign(now, t.claims(c))
	if err != nil {
		return "", fmt.Errorf("onetime: %w", err)
	}
	record := Record{Hash: t.hash(c.ID), Purpose: string(t.kind), Subject: o.Subject, IssuedAt: now, Expires: c.Expires.Time()}
	if err := t.cfg.Store.Put(ctx, record, t.cfg.Limit); err != nil {
		return "", fmt.Errorf("%w: %w", ErrRetry, err)
	}
	return raw, nil
}

// Open verifies a token. It asks no store and uses nothing up, so it says
// nothing about whether the token was used: see Unused. A refusal is a
// *jwt.Error.
func (t *Tokens[C]) Open(ctx context.Context, now time.Time, raw string) (*jwt.Token[C], error) {
	return t.verifier.Verify(ctx, now, raw)
}

// Unused tells whether Take would succeed, and changes nothing: for the page
// that a link leads to. version is that of what the token may change. It returns
// ErrVersion, ErrUsed or ErrRetry.
func (t *Tokens[C]) Unused(ctx context.Context, now time.Time, token *jwt.Token[C], version int64) error {
	return t.ask(ctx, now, token, version, t.cfg.Store.Find)
}

// Take uses a token up. version is that of what the token may change, read in
// the same transaction as the change: On. Of any number of callers one gets nil.
// It returns ErrVersion, ErrUsed or ErrRetry; an error leaves what it was told to
// change as it is.
func (t *Tokens[C]) Take(ctx context.Context, now time.Time, token *jwt.Token[C], version int64) error {
	return t.ask(ctx, now, token, version, t.cfg.Store.Take)
}

// ask compares what costs nothing first. The token may have lain in a form for
// hours, so its expiry is asked again (A114).
func (t *Tokens[C]) ask(ctx context.Context, now time.Time, token *jwt.Token[C], version int64, of func(context.Context, string) (Record, error)) error {
	c := t.bound(token.Claims())
	if c.Expires <= jwt.TimeOf(now) {
		return &jwt.Error{Reason: jwt.Expired, Detail: "the link has expired"}
	}
	if c.Version != version {
		return ErrVersion
	}
	_, err := of(ctx, t.hash(c.ID))
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrUsed
	case err != nil:
		return fmt.Errorf("%w: %w", ErrRetry, err)
	}
	return nil
}

// Drop makes every unused token of a subject good for nothing: the account was
// locked, or its address is another's.
func (t *Tokens[C]) Drop(ctx context.Context, subject string) error {
	if _, err := t.cfg.Store.Drop(ctx, string(t.kind), subject); err != nil {
		return fmt.Errorf("%w: %w", ErrRetry, err)
	}
	return nil
}

// hash is of the ID and not of the token's text: an ECDSA signature has a
// second valid spelling, so one token has two texts.
func (t *Tokens[C]) hash(id string) string {
	sum := sha256.Sum256([]byte("jotkeeper/onetime\x00" + string(t.kind) + "\x00" + id))
	return hex.EncodeToString(sum[:])
}
