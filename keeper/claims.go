package keeper

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// Claims is what a session says. Only Subject is required.
type Claims struct {
	Subject  string        // whose session it is: an opaque account ID
	Audience []string      // of Config's; empty: Config.Audience
	Lifetime time.Duration // of the token and each that succeeds it, whole seconds; 0: Config.Lifetime

	AuthTime time.Time // when the person proved who they are; zero: now
	Methods  []string  // amr: how (RFC 8176)
	Context  string    // acr
	Scope    string    // space-separated
	Tenant   string    // tid

	// Locked ties the session to the browser that Write gives its token to: the
	// token is refused from anywhere else. A login decides it, no renewal does.
	Locked bool

	// Private holds the application's own claims, by name. Reserved names are
	// refused, whatever their case; a nil value is no claim, and left out. Whole
	// numbers come back as int64, others as float64.
	Private map[string]any
}

// first returns the claims of a session that begins.
func (k *Keeper) first(now time.Time, c Claims) (*jwt.Session, error) {
	life := c.Lifetime
	if life == 0 {
		life = k.cfg.Lifetime
	}
	switch {
	case c.Subject == "":
		return nil, badClaims("no Subject")
	case life < 2*time.Second || life%time.Second != 0:
		return nil, badClaims("a Lifetime of %v; use whole seconds, at least 2 s", life)
	case life > k.cfg.Retention:
		return nil, badClaims("a Lifetime of %v, and rules are kept for %v; raise Config.Retention", life, k.cfg.Retention)
	}
	audience := c.Audience
	if len(audience) == 0 {
		audience = []string{k.cfg.Audience}
	}
	for _, one := range audience {
		if !slices.Contains(k.cfg.accepted(), one) {
			return nil, badClaims("the audience %q is none of ours; add it to Config.Audiences", one)
		}
	}
	if c.AuthTime.IsZero() {
		c.AuthTime = now
	}
	s := &jwt.Session{
		Registered: jwt.Registered{
			Issuer: k.cfg.Issuer, Subject: c.Subject, Audience: slices.Clone(audience), SessionID: jwt.NewID(),
		},
		AuthTime: jwt.TimeOf(c.AuthTime), Methods: slices.Clone(c.Methods), Context: c.Context, Tenant: c.Tenant,
		Absolute: jwt.TimeOf(now.Add(k.cfg.MaxAge)),
	}
	if k.cfg.CSRF {
		s.CSRF = rand.Text()
	}
	k.stamp(s, now, life)
	return s, fill(s, c)
}

// stamp makes s a token of its own, as of now. Its exp is never later than its
// session's end.
func (k *Keeper) stamp(s *jwt.Session, now time.Time, life time.Duration) {
	s.ID = jwt.NewID()
	s.IssuedAt = jwt.TimeOf(now)
	s.NotBefore = s.IssuedAt
	s.Expires = min(s.IssuedAt+jwt.Time(life/time.Second), s.Absolute)
	s.Version = k.version()
}

// fill takes from c what each renewal may change.
func fill(s *jwt.Session, c Claims) error {
	s.Scope, s.Private = c.Scope, nil
	for name, value := range c.Private {
		if err := s.SetPrivate(name, value); err != nil {
			return fmt.Errorf("%w: %w", ErrClaims, err)
		}
		if string(s.Private[name]) == "null" { // no null claims
			delete(s.Private, name)
		}
	}
	return nil
}

// succeed returns the claims of the token that renews old. What the login said
// stays: who, for whom, when and how proved, until when, how long each token
// lives, what it is bound to. Fresh claims bring new rights; nil keeps the old.
func (k *Keeper) succeed(now time.Time, old *jwt.Session, fresh *Claims) (*jwt.Session, error) {
	next := *old
	next.Renews, next.Revision = old.ID, ""
	life := time.Duration(old.Expires-old.IssuedAt) * time.Second
	k.stamp(&next, now, min(life, k.cfg.Retention))
	if fresh == nil {
		return &next, nil
	}
	if fresh.Subject != old.Subject {
		return nil, badClaims("a renewal for %q of a session of %q; begin a session with Create", fresh.Subject, old.Subject)
	}
	return &next, fill(&next, *fresh)
}

// claimsOf is the way back from a token to what made it.
func claimsOf(s *jwt.Session) Claims {
	c := Claims{
		Subject: s.Subject, Audience: slices.Clone(s.Audience), Lifetime: time.Duration(s.Expires-s.IssuedAt) * time.Second,
		Methods: slices.Clone(s.Methods), Context: s.Context, Scope: s.Scope, Tenant: s.Tenant,
		Locked: s.Confirmation != nil,
	}
	if s.AuthTime != 0 {
		c.AuthTime = s.AuthTime.Time()
	}
	for name, value := range s.Private {
		if c.Private == nil {
			c.Private = make(map[string]any, len(s.Private))
		}
		c.Private[name] = valueOf(value)
	}
	return c
}

// valueOf decodes a claim that was verified, so it is JSON.
func valueOf(text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil
	}
	return plain(v)
}

// plain replaces json.Number: a large ID must not lose its last digits.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil && !strings.HasPrefix(v.String(), "-0") {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	}
	return v
}
