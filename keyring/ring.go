package keyring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/secret"
)

// A Config says how a ring keeps its keys. All nodes of one store should have
// the same.
type Config struct {
	Store  Store       // required
	Master secret.Ring // required; encrypts the keys in the store

	Algorithm jwt.Algorithm // of keys made from now on; "" means ES256
	Rotation  time.Duration // how long a key signs; 0 means 30 days; at least 4 × MaxAge
	MaxAge    time.Duration // for how long others keep the published set; 0 means 5 minutes; whole seconds

	// TokenLife is the longest life of any token that is signed with this ring;
	// 0 means 24 hours. It may be changed: a retired key stays for the longest
	// that any node asked for.
	TokenLife time.Duration

	// Visitor is for a command that runs beside a server, perhaps without the
	// server's settings: it does what it is asked to, and leaves the calendar's
	// plans to the server.
	Visitor bool

	Typ map[jwt.Kind]string // header types that differ from the kind, as jwt.Signer.As
}

func (c *Config) complete() error {
	c.Algorithm = cmp.Or(c.Algorithm, jwt.ES256)
	c.Rotation = cmp.Or(c.Rotation, 30*24*time.Hour)
	c.MaxAge = cmp.Or(c.MaxAge, 5*time.Minute)
	c.TokenLife = cmp.Or(c.TokenLife, 24*time.Hour)
	c.TokenLife = (c.TokenLife + time.Second - 1).Truncate(time.Second) // stores round times
	var problems []error
	if c.Store == nil {
		problems = append(problems, errors.New("no Store is given"))
	}
	if _, key := c.Master.Signing(); key.IsZero() {
		problems = append(problems, errors.New("no Master key is given: signing keys are not stored in the clear"))
	}
	if c.MaxAge < time.Second || c.MaxAge%time.Second != 0 {
		problems = append(problems, fmt.Errorf("a MaxAge of %s; use whole seconds, at least one", c.MaxAge))
	}
	if c.Rotation < 4*c.MaxAge {
		problems = append(problems, fmt.Errorf("a Rotation of %s with a MaxAge of %s; use at least %s, so that a key is known before it signs", c.Rotation, c.MaxAge, 4*c.MaxAge))
	}
	if c.TokenLife < 0 {
		problems = append(problems, fmt.Errorf("a TokenLife of %s", c.TokenLife))
	}
	if problems == nil {
		return nil
	}
	return errors.Join(append([]error{ErrConfig}, problems...)...)
}

// A Ring is a node's view of the signing keys, and its hand in their calendar.
// It is the jwt.Keys of this issuer. It may be used by many goroutines.
type Ring struct {
	*shared
	store Store
	bound bool // to a transaction: no key is made, and what it changed is not yet so
}

// shared is what a Ring and its copies bound to transactions have in common.
type shared struct {
	cfg     Config
	plan    plan
	current atomic.Pointer[view]

	ticking sync.Mutex // one Tick at a time
	loading sync.Mutex // one reading of the store at a time, so that none overtakes another

	mu      sync.Mutex // guards what follows, never held across the store
	entries map[string]*entry
	asked   time.Time     // when the store was last asked out of turn
	reading chan struct{} // closed when that is over; nil while nobody asks so
	stats   counts
}

// Open returns the ring of a store, with a key that signs: the first node of a
// new store makes one at once, since nobody can have fetched anything yet. It
// returns ErrConfig, ErrMasterKey, or what the store returns.
func Open(ctx context.Context, now time.Time, cfg Config) (*Ring, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &shared{cfg: cfg, plan: newPlan(cfg), entries: map[string]*entry{}}
	r := &Ring{shared: s, store: cfg.Store}
	if err := r.Tick(ctx, now); err != nil {
		return nil, err
	}
	return r, nil
}

// On returns the ring bound to a transaction. What Compromise, Retire and Rotate
// do on it holds when the transaction commits; call Tick on the ring itself
// after that. A bound ring makes no keys, so a transaction may run again.
func (r *Ring) On(tx Store) *Ring { return &Ring{r.shared, tx, true} }

// Signer returns a Signer of these kinds that signs with the key whose turn it
// is. It returns errors with reason unavailable when there is none, or when this
// node does not know: the store was out of reach for twice MaxAge. SignAgain
// repeats what a retired key has signed, for as long as that key is published.
func (r *Ring) Signer(kinds ...jwt.Kind) *jwt.Signer {
	s := jwt.NewSigner(r.signing, kinds...).Recalling(r.recall)
	for kind, typ := range r.cfg.Typ {
		s = s.As(kind, typ)
	}
	return s
}

// signing is the jwt.KeyFunc.
func (r *Ring) signing(now time.Time) (*jwt.PrivateKey, error) {
	v := r.at(now)
	if r.lost(v, now) {
		if v = r.catchUp(now); r.lost(v, now) {
			return nil, errStale
		}
	}
	if v.signing == nil {
		return nil, errNone
	}
	return v.signing, nil
}

// recall finds the key for jwt.Signer.SignAgain.
func (r *Ring) recall(now time.Time, kid string) (*jwt.PrivateKey, error) {
	v := r.at(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[kid]
	if e == nil || v.snapshot.Key(kid) == nil {
		return nil, errUnknown
	}
	return e.private, nil
}

// lost tells whether a view is too old to sign by.
func (r *Ring) lost(v *view, now time.Time) bool {
	return now.After(v.heard.Add(r.plan.lease()))
}

// catchUp has the store read for a signer whose view is too old, as after a
// machine was suspended.
func (r *Ring) catchUp(now time.Time) *view {
	ctx, cancel := context.WithTimeout(context.Background(), asideTimeout)
	defer cancel()
	_ = r.readAside(ctx, now) // the view tells
	return r.at(now)
}

// The bounds of readings of the store that no timer asked for.
const (
	asideTimeout = 2 * time.Second
	cooldown     = time.Second
)

// readAside reads the store although no timer asked for it, once a cool-down.
// Those who come while it is read wait for that, and are told errCooling like
// those who come soon after: what was read may be older than their question.
// The one who reads does so for all of them, even if nobody waits for him.
func (r *Ring) readAside(ctx context.Context, now time.Time) error {
	reading, mine := r.mayAsk(now)
	if mine {
		defer r.wasAsked(reading)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), asideTimeout)
		defer cancel()
		return r.reload(ctx, r.cfg.Store, now)
	}
	select {
	case <-reading:
	case <-ctx.Done():
	}
	return errCooling
}

// mayAsk lets one caller a cool-down read the store out of turn. The channel is
// closed when nobody reads, or no more.
func (r *Ring) mayAsk(now time.Time) (reading chan struct{}, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reading != nil {
		return r.reading, false
	}
	reading = make(chan struct{})
	if !r.asked.IsZero() && now.Sub(r.asked).Abs() < cooldown {
		close(reading)
		return reading, false
	}
	r.asked, r.reading = now, reading
	return reading, true
}

func (r *Ring) wasAsked(reading chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reading = nil
	close(reading)
}

// Snapshot returns the keys in force at now: next, active and retired.
func (r *Ring) Snapshot(now time.Time) (*jwt.Snapshot, error) { return r.at(now).snapshot, nil }

// Missing reads the store for a key that another node may have made a moment
// ago, at most once a second; whoever asks while it is read waits for that.
func (r *Ring) Missing(ctx context.Context, now time.Time, kid string) error {
	err := r.readAside(ctx, now)
	switch {
	case r.at(now).snapshot.Key(kid) != nil:
		return nil
	case err == nil:
		return errUnknown
	case errors.Is(err, errCooling):
		return errCooling
	}
	return &jwt.Error{Reason: jwt.Unavailable, Detail: "the key store cannot be read", Err: err}
}

// Set returns the set as of the last Tick or Reload.
func (r *Ring) Set() *jwks.Set { return r.current.Load().set }

// Publish returns the set to serve at now, with the max-age to serve it with. A
// node that lost touch with the store promises less and less: a key made
// elsewhere since may sign from twice MaxAge after this node last looked.
func (r *Ring) Publish(now time.Time) (*jwks.Set, time.Duration) {
	v := r.at(now)
	left := v.heard.Add(r.plan.lease()).Sub(now)
	return v.set, max(0, min(left, r.cfg.MaxAge))
}
