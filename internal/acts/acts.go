package acts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

// A Config holds the rooms whose acts these are. All are required, but Issuer,
// which only Recover needs, and a rule about it: the name that tokens carry as iss.
type Config struct {
	Issuer   string
	Backend  store.Backend
	Accounts *account.Accounts
	Sessions *session.Sessions
	Keys     *keyring.Ring
	Index    *revocation.Index // this node's copy of the log

	// Life is the longest life that an access token of this issuer ever had:
	// rules about accounts and keys are kept for so long.
	Life time.Duration
}

// Acts are the acts of one server. They are safe for concurrent use.
type Acts struct{ cfg Config }

// ErrConfig reports a Config with something missing.
var ErrConfig = errors.New("acts: unusable configuration")

// New returns the acts over some rooms.
func New(cfg Config) (*Acts, error) {
	if cfg.Backend == nil || cfg.Accounts == nil || cfg.Sessions == nil || cfg.Keys == nil || cfg.Index == nil || cfg.Life <= 0 {
		return nil, fmt.Errorf("%w: Backend, Accounts, Sessions, Keys, Index and a positive Life are all needed", ErrConfig)
	}
	return &Acts{cfg}, nil
}

// Unavailable reports whether an error tells of the store rather than of what
// was asked of it: the answer is not known, and nothing may be concluded.
func Unavailable(err error) bool { return errors.Is(err, store.ErrUnavailable) }

// Ping tells whether the store answers.
func (a *Acts) Ping(ctx context.Context) error { return a.cfg.Backend.Ping(ctx) }

// tx is the rooms of one transaction.
type tx struct {
	accounts *account.Accounts
	sessions *session.Sessions
	keys     *keyring.Ring
	log      revocation.Log
}

// together runs f in one transaction. f may run again.
func (a *Acts) together(ctx context.Context, f func(tx) error) error {
	return a.cfg.Backend.Together(ctx, func(s store.Set) error {
		return f(tx{
			accounts: a.cfg.Accounts.On(s.Accounts), sessions: a.cfg.Sessions.On(s.Sessions),
			keys: a.cfg.Keys.On(s.Keys), log: s.Revocations,
		})
	})
}

// ruleSkew is added to the life of a rule: verifiers' clocks may be behind.
const ruleSkew = time.Minute

func (a *Acts) until(now time.Time) time.Time { return now.Add(a.cfg.Life + ruleSkew) }

// Rights returns what session asks about accounts at each token it issues.
func Rights(accounts *account.Accounts) func(context.Context, string) (session.Rights, error) {
	return func(ctx context.Context, sub string) (session.Rights, error) {
		row, err := find(ctx, accounts, sub)
		switch {
		case errors.Is(err, account.ErrNotFound), err == nil && !row.DeletedAt.IsZero():
			return session.Rights{}, session.ErrNotFound
		case err == nil && row.Locked:
			return session.Rights{}, session.ErrLocked
		}
		return session.Rights{Scope: row.Scope, Claims: row.Claims}, err
	}
}

func find(ctx context.Context, accounts *account.Accounts, sub string) (account.Row, error) {
	id, err := account.ParseSubject(sub)
	if err != nil {
		return account.Row{}, err
	}
	return accounts.Find(ctx, id)
}

// Verdict tells what the rules say of a verified token at this moment, from
// the log itself: this node's copy is brought up to the log's head first.
func (a *Acts) Verdict(ctx context.Context, now time.Time, t *jwt.Token[jwt.Access]) (revocation.Verdict, error) {
	q := revocation.QueryOf(t.Claims(), t.KeyID())
	return a.Ask(ctx, now, &q)
}

// Ask tells what the rules say of whatever token is asked about, as Verdict does.
func (a *Acts) Ask(ctx context.Context, now time.Time, q *revocation.Query) (revocation.Verdict, error) {
	if err := a.catchUp(ctx); err != nil {
		return revocation.Verdict{}, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return a.cfg.Index.Check(now, q), nil
}

func (a *Acts) catchUp(ctx context.Context) error {
	return revocation.CatchUp(ctx, a.cfg.Backend.Set().Revocations, a.cfg.Index)
}
