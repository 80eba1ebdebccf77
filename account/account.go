package account

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// A Config says how accounts are kept. Store is required, all else has a
// default that is safe.
type Config struct {
	Store     Store
	Hash      Params // DefaultParams if zero
	Workers   int    // passwords hashed at a time; 0: one less than there are processors, at most 8
	Queue     int    // passwords that may wait for a worker; 0: 64
	Email     bool   // identifiers are mail addresses
	MinLength int    // of a password, in code points; 0: DefaultMinLength, and never less

	InsecureHash bool // accept costs below DefaultParams: for tests
}

// Accounts is the one way to accounts. It is safe for concurrent use. New makes
// one; Close ends it.
type Accounts struct {
	cfg    Config
	store  Store
	pool   *pool
	decoy  hashed
	counts *counts
}

type counts struct{ attempts, failed, rehashed atomic.Uint64 }

// Stats tell what became of the passwords so far.
type Stats struct {
	Attempts uint64 // passwords judged, at every door
	Failed   uint64 // of them wrong, or a stranger's
	Rehashed uint64 // brought up to the current costs at a login
	Hashes   uint64 // runs of Argon2id
	Refused  uint64 // turned away with ErrBusy
	Inside   int    // hashing or waiting now
}

// New checks the configuration, and reports everything that is wrong with it at once.
func New(cfg Config) (*Accounts, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Accounts{
		cfg: cfg, store: cfg.Store, pool: newPool(cfg.Workers, cfg.Queue),
		decoy: decoy(cfg.Hash), counts: &counts{},
	}, nil
}

func (c Config) withDefaults() Config {
	if c.Hash == (Params{}) {
		c.Hash = DefaultParams
	}
	if c.Workers == 0 {
		c.Workers = min(max(runtime.GOMAXPROCS(0)-1, 1), 8)
	}
	if c.Queue == 0 {
		c.Queue = 64
	}
	if c.MinLength == 0 {
		c.MinLength = DefaultMinLength
	}
	return c
}

func (c Config) check() error {
	var errs []error
	demand := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("account: "+format, args...))
		}
	}
	d := DefaultParams
	demand(c.Store != nil, "no Store; hand one in, such as memory.New().Set().Accounts")
	demand(c.Workers > 0 && c.Queue > 0, "Workers %d and Queue %d; want positive numbers", c.Workers, c.Queue)
	demand(c.MinLength >= DefaultMinLength && c.MinLength <= 64, "MinLength %d; want %d to 64", c.MinLength, DefaultMinLength)
	demand(c.Hash.bounded(), "Hash %+v; want Memory up to 262144 KiB, Time up to 64, Threads up to 16", c.Hash)
	demand(c.InsecureHash || c.Hash.Memory >= d.Memory && c.Hash.Time >= d.Time,
		"Hash %+v is weaker than %+v; raise it, or set InsecureHash in a test", c.Hash, d)
	return errors.Join(errs...)
}

// On returns the same accounts bound to a transaction's store. They share the
// pool. Hash before the transaction, not in it.
func (a *Accounts) On(tx Store) *Accounts {
	b := *a
	b.store = tx
	return &b
}

// Close waits for the hashing that is under way. What comes after is ErrBusy.
func (a *Accounts) Close() { a.pool.close() }

// Stats returns the figures of the moment.
func (a *Accounts) Stats() Stats {
	return Stats{
		Attempts: a.counts.attempts.Load(), Failed: a.counts.failed.Load(), Rehashed: a.counts.rehashed.Load(),
		Hashes: a.pool.hashes.Load(), Refused: a.pool.refused.Load(), Inside: a.pool.population(),
	}
}

// Prepare checks what was typed into a sign-up form and hashes the password. It
// changes nothing: the row goes to Insert, in a transaction if you like. What is
// wrong with the form comes as *FieldErrors, all at once.
func (a *Accounts) Prepare(ctx context.Context, now time.Time, typed, password string) (Row, error) {
	canonical, wrong := canonicalise(typed, a.cfg.Email)
	password, weak := a.checkPassword(password, canonical)
	if err := join(wrong, weak); err != nil {
		return Row{}, err
	}
	t, err := a.pool.enter()
	if err != nil {
		return Row{}, err
	}
	defer t.leave()
	hash, err := t.hash(ctx, a.cfg.Hash, password)
	if err != nil {
		return Row{}, err
	}
	now = instant(now)
	return Row{
		Identifier: canonical, Display: strings.TrimSpace(typed), Password: hash,
		Credential: 1, Rights: 1, CreatedAt: now, PasswordChangedAt: now,
	}, nil
}

// Insert adds a row that Prepare made and returns it with its ID. ErrTaken if
// somebody has the identifier.
func (a *Accounts) Insert(ctx context.Context, r Row) (Row, error) {
	id, err := a.store.Insert(ctx, r)
	if err != nil {
		return Row{}, err
	}
	r.ID, r.Revision = id, 1
	return r, nil
}

// Find returns an account by its ID.
func (a *Accounts) Find(ctx context.Context, id int64) (Row, error) { return a.store.Find(ctx, id) }

// FindIdentifier returns an account by any spelling of its identifier. What no
// account can be called is ErrNotFound.
func (a *Accounts) FindIdentifier(ctx context.Context, typed string) (Row, error) {
	canonical, wrong := canonicalise(typed, a.cfg.Email)
	if wrong != nil {
		return Row{}, ErrNotFound
	}
	return a.store.FindIdentifier(ctx, canonical)
}

// Available tells whether an identifier is free. *FieldErrors if it is none.
func (a *Accounts) Available(ctx context.Context, typed string) (bool, error) {
	canonical, wrong := canonicalise(typed, a.cfg.Email)
	if wrong != nil {
		return false, wrong
	}
	_, err := a.store.FindIdentifier(ctx, canonical)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return false, err
}

// List returns at most limit accounts with an ID above after, by ID.
func (a *Accounts) List(ctx context.Context, after int64, limit int) ([]Row, error) {
	return a.store.List(ctx, after, limit)
}

// instant is how stores keep time: UTC, whole microseconds.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
