package town_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

// mortal is the store as one life of a node sees it. What is dead writes no
// more; and a node may be doomed to die after its next commit, before anybody
// hears of it.
type mortal struct {
	store.Backend
	life   *alive
	dead   atomic.Bool
	doomed atomic.Bool
}

func (m *mortal) alive() error {
	if m.dead.Load() {
		return fmt.Errorf("%w: the process is dead", store.ErrUnavailable)
	}
	return nil
}

func (m *mortal) Set() store.Set {
	s := m.Backend.Set()
	s.Sessions = mortalSessions{s.Sessions, m}
	return s
}

func (m *mortal) Together(ctx context.Context, f func(store.Set) error) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.committed(m.Backend.Together(ctx, f))
}

// committed is told of each write that holds.
func (m *mortal) committed(err error) error {
	if err != nil {
		return err
	}
	t := m.life.node.town
	head, err := m.Backend.Set().Revocations.Head(context.Background())
	if err != nil {
		return err
	}
	t.propagates(time.Now(), head)
	if m.doomed.Load() {
		t.table.count("killed after a commit")
		m.life.kill()
	}
	return m.alive()
}

type mortalSessions struct {
	session.Store
	m *mortal
}

func (s mortalSessions) Insert(ctx context.Context, r session.Row, epoch int64, c session.Cap) (revocation.Cursor, error) {
	if err := s.m.alive(); err != nil {
		return revocation.Cursor{}, err
	}
	at, err := s.Store.Insert(ctx, r, epoch, c)
	return at, s.m.committed(err)
}

func (s mortalSessions) Swap(ctx context.Context, from, to session.Row) error {
	if err := s.m.alive(); err != nil {
		return err
	}
	return s.m.committed(s.Store.Swap(ctx, from, to))
}

func (s mortalSessions) End(ctx context.Context, e session.Ending) ([]string, revocation.Cursor, error) {
	if err := s.m.alive(); err != nil {
		return nil, revocation.Cursor{}, err
	}
	ids, at, err := s.Store.End(ctx, e)
	return ids, at, s.m.committed(err)
}
