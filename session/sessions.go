package session

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
)

// A Config is what Sessions are made of.
type Config struct {
	Issuer  string             // required: iss of the access tokens
	Store   Store              // required
	Master  secret.Ring        // required: what refresh tokens are derived from
	Signer  *jwt.Signer        // required: of jwt.KindAccess
	Checker revocation.Checker // required: this node's index of the rules of Issuer

	// Rights tells the current rights of an account. It is asked at each issue
	// of an access token, so that what was taken away is gone at the next
	// refresh. ErrNotFound and ErrLocked refuse the refresh, another error is
	// 503. Nil gives no scope and no claims.
	Rights func(ctx context.Context, account string) (Rights, error)

	// Audiences may be asked for at a refresh, beside the session's own.
	Audiences []string
	// Allows tells of more of them, where they are not all known beforehand:
	// any port of this machine, any host below a wildcard. Nil allows none.
	Allows func(audience string) bool

	Policy Policy
	// Life is the longest life that an access token of this issuer ever had:
	// rules are kept for so long. 0: Policy.AccessTTL.
	Life time.Duration
}

// Rights are what an account may do now.
type Rights struct {
	Scope  string                     // space-separated
	Claims map[string]json.RawMessage // private claims of its access tokens
}

// Sessions are the sessions of one issuer. They are safe for concurrent use.
// Trouble with the store is an error that is ErrRetry, of every method.
type Sessions struct {
	cfg   Config
	store Store
	tally *tally
}

// New returns the sessions kept in cfg.Store. It fails with ErrConfig.
func New(cfg Config) (*Sessions, error) {
	cfg.Policy = cfg.Policy.complete()
	if err := cfg.Policy.check(); err != nil {
		return nil, err
	}
	cfg.Audiences = slices.Clone(cfg.Audiences)
	cfg.Life = max(cfg.Life, cfg.Policy.AccessTTL)
	missing := ""
	switch {
	case cfg.Issuer == "":
		missing = "Issuer"
	case cfg.Store == nil:
		missing = "Store"
	case len(cfg.Master.IDs()) == 0:
		missing = "Master"
	case cfg.Signer == nil:
		missing = "Signer"
	case cfg.Checker == nil:
		missing = "Checker"
	default:
		return &Sessions{cfg: cfg, store: cfg.Store, tally: newTally()}, nil
	}
	return nil, fmt.Errorf("%w: %s is missing", ErrConfig, missing)
}

// On returns the same sessions, bound to a transaction.
func (s *Sessions) On(tx Store) *Sessions {
	bound := *s
	bound.store = tx
	return &bound
}

// Find returns the row of a session, ended or not. It fails with ErrNotFound.
func (s *Sessions) Find(ctx context.Context, sid string) (Row, error) {
	row, _, err := s.store.Find(ctx, sid)
	return row, trouble(err)
}

// List returns the live sessions of an account, newest login first. SeenAt is
// cut to the whole hour: a thief who reads the list must not learn when the
// owner refreshed.
func (s *Sessions) List(ctx context.Context, now time.Time, account string) ([]Row, error) {
	rows, err := s.store.List(ctx, account, stored(now))
	for i := range rows {
		rows[i].SeenAt = rows[i].SeenAt.Truncate(time.Hour)
	}
	return rows, trouble(err)
}

// keepEnded is for how long a session that is over can be explained.
const keepEnded = 30 * 24 * time.Hour

// Sweep deletes sessions that have been over for 30 days and returns how many.
func (s *Sessions) Sweep(ctx context.Context, now time.Time) (int, error) {
	n, err := s.store.Sweep(ctx, stored(now).Add(-keepEnded))
	return n, trouble(err)
}

// stored returns t as a store keeps it.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
