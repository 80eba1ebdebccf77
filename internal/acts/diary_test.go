package acts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

// A diary is a backend that writes down what was changed, one line for each
// transaction, in the order of the calls.
type diary struct {
	store.Backend
	mu    sync.Mutex
	lines []string
}

// take returns the lines since it was last asked.
func (d *diary) take() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() { d.lines = nil }()
	return strings.Join(d.lines, "; ")
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) Set() store.Set { return noted(d.Backend.Set(), d.note) }

func (d *diary) Together(ctx context.Context, f func(store.Set) error) error {
	var done []string
	err := d.Backend.Together(ctx, func(tx store.Set) error {
		return f(noted(tx, func(line string) { done = append(done, line) }))
	})
	if err == nil {
		d.note(strings.Join(done, " + "))
	}
	return err
}

// noted wraps whatever may end a session or a token.
func noted(s store.Set, note func(string)) store.Set {
	s.Accounts = notedAccounts{s.Accounts, note}
	s.Keys = notedKeys{s.Keys, note}
	s.Sessions = notedSessions{s.Sessions, note}
	s.Revocations = notedLog{s.Revocations, note}
	return s
}

type notedAccounts struct {
	account.Store
	note func(string)
}

func (a notedAccounts) Swap(ctx context.Context, from, to account.Row) error {
	a.note("account")
	return a.Store.Swap(ctx, from, to)
}

type notedKeys struct {
	keyring.Store
	note func(string)
}

func (k notedKeys) Swap(ctx context.Context, from, to keyring.Record) error {
	k.note("key " + string(to.State))
	return k.Store.Swap(ctx, from, to)
}

type notedSessions struct {
	session.Store
	note func(string)
}

func (s notedSessions) Insert(ctx context.Context, r session.Row, epoch int64, c session.Cap) (revocation.Cursor, error) {
	s.note("new session")
	return s.Store.Insert(ctx, r, epoch, c)
}

func (s notedSessions) End(ctx context.Context, e session.Ending) ([]string, revocation.Cursor, error) {
	s.note(endingLine(e))
	return s.Store.End(ctx, e)
}

// endingLine says "end all" only for what ends all: every session, the logins
// under way, and the tokens.
func endingLine(e session.Ending) string {
	told := slices.ContainsFunc(e.Rules, func(r revocation.Rule) bool {
		return r.Scope == revocation.ScopeSubject && r.ID == e.Account && r.Action == revocation.Revoke
	})
	switch {
	case len(e.IDs) == 0 && e.Except == "" && e.Epoch && told && e.Parents:
		return "end all"
	case len(e.IDs) == 0 && e.Except != "" && !e.Epoch && !told && e.Parents:
		return "end others"
	case len(e.IDs) == 1 && !e.Epoch && !told && e.Parents:
		return "end one"
	}
	return fmt.Sprintf("end %+v", e)
}

type notedLog struct {
	revocation.Log
	note func(string)
}

func (l notedLog) Append(ctx context.Context, now time.Time, rules ...revocation.Rule) (revocation.Cursor, error) {
	for _, r := range rules {
		l.note("rule " + ruleLine(r))
	}
	return l.Log.Append(ctx, now, rules...)
}

func ruleLine(r revocation.Rule) string {
	return fmt.Sprintf("%s %s %s", r.Scope, r.Action, r.Reason)
}
