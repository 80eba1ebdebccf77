package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
)

type accounts struct{ run run }

// incoming is r as it is kept.
func incoming(r account.Row) (account.Row, error) {
	r = copyAccount(r)
	if err := compact(r.Claims); err != nil {
		return r, fmt.Errorf("memory: a value that is no JSON: %w", err)
	}
	return r, nil
}

func (a accounts) Insert(ctx context.Context, r account.Row) (id int64, err error) {
	if r, err = incoming(r); err != nil {
		return 0, err
	}
	err = a.run(ctx, func(s *state) error {
		if _, taken := s.identifiers.rows[r.Identifier]; taken {
			return account.ErrTaken
		}
		old := s.lastAccount
		s.undo = append(s.undo, func() { s.lastAccount = old })
		s.lastAccount++
		id, r.ID, r.Revision = s.lastAccount, s.lastAccount, 1
		s.accounts.put(id, r)
		s.identifiers.put(r.Identifier, id)
		return nil
	})
	return id, err
}

func (a accounts) Find(ctx context.Context, id int64) (r account.Row, err error) {
	err = a.run(ctx, func(s *state) error {
		r, err = s.account(id)
		return err
	})
	return copyAccount(r), err
}

func (s *state) account(id int64) (account.Row, error) {
	r, ok := s.accounts.rows[id]
	if !ok {
		return account.Row{}, account.ErrNotFound
	}
	return r, nil
}

func (a accounts) FindIdentifier(ctx context.Context, canonical string) (r account.Row, err error) {
	err = a.run(ctx, func(s *state) error {
		r, err = s.account(s.identifiers.rows[canonical])
		return err
	})
	return copyAccount(r), err
}

func (a accounts) Swap(ctx context.Context, from, to account.Row) error {
	to, err := incoming(to)
	if err != nil {
		return err
	}
	return a.run(ctx, func(s *state) error {
		old, err := s.account(from.ID)
		if err != nil {
			return err
		}
		if old.Revision != from.Revision {
			return account.ErrConflict
		}
		if owner, taken := s.identifiers.rows[to.Identifier]; taken && owner != from.ID {
			return account.ErrTaken
		}
		to.ID, to.Revision = from.ID, from.Revision+1
		to.Failures, to.FailedAt = old.Failures, old.FailedAt
		s.identifiers.drop(old.Identifier)
		s.identifiers.put(to.Identifier, to.ID)
		s.accounts.put(to.ID, to)
		return nil
	})
}

func (a accounts) List(ctx context.Context, after int64, limit int) (list []account.Row, err error) {
	err = a.run(ctx, func(s *state) error {
		for _, id := range slices.Sorted(maps.Keys(s.accounts.rows)) {
			if id > after && len(list) < limit {
				list = append(list, copyAccount(s.accounts.rows[id]))
			}
		}
		return nil
	})
	return list, err
}

func (a accounts) Fail(ctx context.Context, id int64, now time.Time) (count int, err error) {
	err = a.run(ctx, func(s *state) error {
		r, err := s.account(id)
		if err != nil {
			return err
		}
		r.Failures++
		r.FailedAt = kept(now)
		count = r.Failures
		s.accounts.put(id, r)
		return nil
	})
	return count, err
}

func (a accounts) Forgive(ctx context.Context, id int64, count int) error {
	return a.run(ctx, func(s *state) error {
		r, err := s.account(id)
		if err == nil && r.Failures == count {
			r.Failures = 0
			s.accounts.put(id, r)
		}
		return err
	})
}
