package authserver_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

// A tally is a backend that counts what is written, whether or not it changes
// anything.
type tally struct {
	store.Backend
	mu     sync.Mutex
	writes []string
}

func (b *tally) note(write string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes = append(b.writes, write)
}

// written returns the writes that f made.
func (b *tally) written(f func()) string {
	b.mu.Lock()
	b.writes = nil
	b.mu.Unlock()
	f()
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.writes, " ")
}

func (b *tally) Set() store.Set { return b.over(b.Backend.Set()) }

func (b *tally) Together(ctx context.Context, f func(store.Set) error) error {
	return b.Backend.Together(ctx, func(tx store.Set) error { return f(b.over(tx)) })
}

func (b *tally) over(s store.Set) store.Set {
	s.Accounts, s.Sessions, s.Keys = &talliedAccounts{s.Accounts, b}, &talliedSessions{s.Sessions, b}, &talliedKeys{s.Keys, b}
	s.OneTimes, s.Revocations = &talliedOneTimes{s.OneTimes, b}, &talliedLog{s.Revocations, b}
	return s
}

type talliedAccounts struct {
	account.Store
	b *tally
}

func (s *talliedAccounts) Insert(ctx context.Context, r account.Row) (int64, error) {
	s.b.note("account")
	return s.Store.Insert(ctx, r)
}

func (s *talliedAccounts) Swap(ctx context.Context, from, to account.Row) error {
	s.b.note("account")
	return s.Store.Swap(ctx, from, to)
}

func (s *talliedAccounts) Fail(ctx context.Context, id int64, now time.Time) (int, error) {
	s.b.note("failure")
	return s.Store.Fail(ctx, id, now)
}

func (s *talliedAccounts) Forgive(ctx context.Context, id int64, count int) error {
	s.b.note("failure")
	return s.Store.Forgive(ctx, id, count)
}

type talliedSessions struct {
	session.Store
	b *tally
}

func (s *talliedSessions) Insert(ctx context.Context, r session.Row, epoch int64, c session.Cap) (revocation.Cursor, error) {
	s.b.note("login")
	return s.Store.Insert(ctx, r, epoch, c)
}

func (s *talliedSessions) Swap(ctx context.Context, from, to session.Row) error {
	s.b.note("session")
	return s.Store.Swap(ctx, from, to)
}

func (s *talliedSessions) End(ctx context.Context, e session.Ending) ([]string, revocation.Cursor, error) {
	s.b.note("end")
	return s.Store.End(ctx, e)
}

func (s *talliedSessions) Sweep(ctx context.Context, before time.Time) (int, error) {
	s.b.note("sweep")
	return s.Store.Sweep(ctx, before)
}

type talliedKeys struct {
	keyring.Store
	b *tally
}

func (s *talliedKeys) Insert(ctx context.Context, r keyring.Record) error {
	s.b.note("key")
	return s.Store.Insert(ctx, r)
}

func (s *talliedKeys) Swap(ctx context.Context, from, to keyring.Record) error {
	s.b.note("key")
	return s.Store.Swap(ctx, from, to)
}

func (s *talliedKeys) Sweep(ctx context.Context, now time.Time) (int, error) {
	s.b.note("sweep")
	return s.Store.Sweep(ctx, now)
}

type talliedOneTimes struct {
	onetime.Store
	b *tally
}

func (s *talliedOneTimes) Put(ctx context.Context, r onetime.Record, limit int) error {
	s.b.note("one-time")
	return s.Store.Put(ctx, r, limit)
}

func (s *talliedOneTimes) Take(ctx context.Context, hash string) (onetime.Record, error) {
	s.b.note("one-time")
	return s.Store.Take(ctx, hash)
}

func (s *talliedOneTimes) Drop(ctx context.Context, purpose, subject string) (int, error) {
	s.b.note("one-time")
	return s.Store.Drop(ctx, purpose, subject)
}

func (s *talliedOneTimes) Sweep(ctx context.Context, now time.Time) (int, error) {
	s.b.note("sweep")
	return s.Store.Sweep(ctx, now)
}

type talliedLog struct {
	revocation.Log
	b *tally
}

func (s *talliedLog) Append(ctx context.Context, now time.Time, rules ...revocation.Rule) (revocation.Cursor, error) {
	s.b.note("rule")
	return s.Log.Append(ctx, now, rules...)
}

func (s *talliedLog) Compact(ctx context.Context, now time.Time) (int, error) {
	s.b.note("sweep")
	return s.Log.Compact(ctx, now)
}

func (s *talliedLog) NewEpoch(ctx context.Context, epoch uint64) (revocation.Cursor, bool, error) {
	s.b.note("epoch")
	return s.Log.NewEpoch(ctx, epoch)
}
