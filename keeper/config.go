package keeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Config is what a Keeper is made of.
type Config struct {
	Issuer    string   // required: iss of the tokens
	Audience  string   // required: aud of the tokens
	Audiences []string // other names that Claims.Audience may ask for; tokens for them are accepted

	Signer      *jwt.Signer    // required: of jwt.KindSession; not with a PS256 key
	Keys        jwt.Keys       // required: the public halves of the Signer's keys
	Store       Store          // required
	Revocations revocation.Log // required: the log that Store looks at

	Lifetime time.Duration // of a token; 0: 1 hour; whole seconds
	MaxAge   time.Duration // of a session, whatever its renewals; 0: 30 days; whole seconds
	// Retention is the longest life that a token of this issuer was ever given:
	// rules are kept for so long. Raise it before Lifetime; never lower it while
	// older tokens live. 0: Lifetime.
	Retention time.Duration
	// Grace is how long a renewed token still works after its successor was first
	// seen: longer than a request takes on slow lines, plus how far the clocks of
	// your nodes may be apart. 0: 10 seconds.
	Grace time.Duration

	// Versions of the application, oldest first; the last one is written into
	// tokens. A token is renewed when its version stands before the last. One
	// that is not listed is of a newer release, and left alone.
	Versions []string
	// Retired are versions to renew although they are not listed any more: of a
	// release that was withdrawn. Name one when no node of it is left, for that
	// would renew what this one renewed, and so on.
	Retired []string

	// Regenerate makes the claims of a renewal from the old ones, so that rights
	// are fresh: Scope and Private are taken from it. Its failure never ends a
	// session. Nil: the old claims.
	Regenerate func(ctx context.Context, old Claims) (Claims, error)

	// Cookie and Origins say how browsers bring the token to Handler, and whose
	// pages may change something with it: those of the own origin always may.
	Cookie  jotkeeper.Cookie
	Origins []string
	// CSRF gives each session a secret (Token.CSRF). A page may echo it in
	// X-CSRF-Token, for clients that say in no way where a request comes from.
	CSRF bool
	// Kept is told of each renewal that failed in Handler, with ErrKept; the
	// request is served on the old token. Nil: Stats counts them.
	Kept func(ctx context.Context, err error)

	// Lock says which tokens must come with the lock of their browser, other
	// issuers' included. The zero value, binding.WhenLocked, asks it of those that
	// are locked: see Claims.Locked. With binding.Required Create locks each token,
	// and no other is taken.
	Lock binding.Policy

	Foreign []Foreign // other issuers whose tokens are accepted, and never renewed

	// Ride is for how long tokens are accepted after the last word of the log.
	// 0: 30 seconds.
	Ride time.Duration
	// InsecureStaleOpen accepts tokens after Ride too, revoked or not.
	InsecureStaleOpen bool
	// InsecureKeepReused refuses a token that is used after its successor and
	// lets the session live on, thief and all.
	InsecureKeepReused bool

	Now func() time.Time // nil: time.Now; read once for each call
}

// A Foreign is another issuer whose tokens are accepted. Their Subject is an
// account of that issuer: ask Token.Issuer, or Token.Foreign, before taking it for
// one of yours.
type Foreign struct {
	Issuer   string             // required
	Audience []string           // empty: Config.Audience and Config.Audiences
	Keys     jwt.Keys           // required
	Typ      []string           // of its tokens' header; empty: session+jwt
	Checker  revocation.Checker // required: an index of its rules
	// InsecureUnrevocable stands in for a Checker: its tokens are good until they expire.
	InsecureUnrevocable bool
}

// complete fills what was left zero.
func (c *Config) complete() {
	c.Audiences, c.Foreign = slices.Clone(c.Audiences), slices.Clone(c.Foreign)
	c.Versions, c.Retired, c.Origins = slices.Clone(c.Versions), slices.Clone(c.Retired), slices.Clone(c.Origins)
	c.Lifetime = cmp.Or(c.Lifetime, time.Hour)
	c.MaxAge = cmp.Or(c.MaxAge, 30*24*time.Hour)
	c.Retention = cmp.Or(c.Retention, c.Lifetime)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	c.Ride = cmp.Or(c.Ride, 30*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
}

// accepted are the audiences that tokens are for.
func (c *Config) accepted() []string { return append([]string{c.Audience}, c.Audiences...) }

// carrier is how requests bring tokens.
func (c *Config) carrier() jotkeeper.Carrier {
	return jotkeeper.Carrier{Cookie: c.Cookie, Origins: c.Origins}
}

// A complaint gathers what is wrong, each with its remedy.
type complaint []error

func (c *complaint) when(wrong bool, format string, args ...any) {
	if wrong {
		*c = append(*c, fmt.Errorf(format, args...))
	}
}

// check returns everything that is wrong with c.
func (c *Config) check() error {
	problems := complaint{ErrConfig}
	problems.when(c.Issuer == "", "no Issuer: say who signs, for example https://shop.example.com")
	problems.when(c.Audience == "", "no Audience: say for whom the tokens are, for example https://shop.example.com")
	problems.when(slices.Contains(c.Audiences, ""), "an empty name in Audiences: leave it out")
	problems.when(c.Signer == nil, "no Signer: give a keyring's Signer(jwt.KindSession), or jwt.NewSigner")
	problems.when(c.Keys == nil, "no Keys: give the keyring, or jwt.NewSnapshot of the public key")
	problems.when(c.Store == nil, "no Store: give Keepers of a backend's Set, for example memory.New().Set().Keepers")
	problems.when(c.Revocations == nil, "no Revocations: give the log of the same Set")
	problems = append(problems, c.checkSigner()...)
	problems = append(problems, c.checkTimes()...)
	problems = append(problems, c.checkVersions()...)
	problems.when(c.Lock > binding.Required, "no Lock policy %d: use binding.WhenLocked or binding.Required", c.Lock)
	carrier := c.carrier()
	err := carrier.Check()
	problems.when(err != nil, "%w", err)
	for _, f := range c.Foreign {
		problems.when(f.Issuer == "" || f.Issuer == c.Issuer, "a Foreign issuer %q: name one that is not the Issuer", f.Issuer)
		problems.when(f.Keys == nil, "no Keys of the Foreign issuer %q: without them none of its tokens can be verified", f.Issuer)
		problems.when(f.Checker == nil && !f.InsecureUnrevocable, "no Checker for the Foreign issuer %q: give an index of its rules, or say InsecureUnrevocable", f.Issuer)
	}
	if len(problems) == 1 {
		return nil
	}
	return errors.Join(problems...)
}

func (c *Config) checkSigner() (problems complaint) {
	if c.Signer == nil {
		return nil
	}
	problems.when(!c.Signer.Signs(jwt.KindSession), "the Signer does not sign %s: make it for jwt.KindSession", jwt.KindSession)
	key, err := c.Signer.Key(c.Now())
	problems.when(err == nil && key.Algorithm() == jwt.PS256, "a PS256 key: its signatures cannot be repeated when an answer is lost; use ES256")
	return problems
}

func (c *Config) checkTimes() (problems complaint) {
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"Lifetime", c.Lifetime, 2 * time.Second}, {"MaxAge", c.MaxAge, 2 * time.Second},
		{"Retention", c.Retention, time.Second}, {"Grace", c.Grace, time.Second}, {"Ride", c.Ride, revocation.MaxStale},
	} {
		problems.when(d.value < d.least || d.value%time.Second != 0, "a %s of %v: use whole seconds, at least %v", d.name, d.value, d.least)
	}
	problems.when(c.Lifetime > c.MaxAge, "a Lifetime of %v above the MaxAge of %v: no token outlives its session", c.Lifetime, c.MaxAge)
	problems.when(c.Lifetime > c.Retention, "a Lifetime of %v above the Retention of %v: a revocation would be forgotten before its token expires", c.Lifetime, c.Retention)
	return problems
}

func (c *Config) checkVersions() (problems complaint) {
	all := slices.Concat(c.Versions, c.Retired)
	for i, v := range all {
		problems.when(v == "", "an empty version: leave it out")
		problems.when(v != "" && slices.Contains(all[:i], v), "the version %q stands twice in Versions and Retired: leave it where it belongs", v)
	}
	problems.when(len(c.Retired) > 0 && len(c.Versions) == 0, "Retired without Versions: say which version is written")
	return problems
}
