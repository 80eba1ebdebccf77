package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/keyring"
)

type keys struct{ run run }

func (k keys) Keys(ctx context.Context) (list []keyring.Record, err error) {
	err = k.run(ctx, func(s *state) error {
		for _, r := range s.keys.rows {
			list = append(list, copyKey(r))
		}
		return nil
	})
	slices.SortFunc(list, func(a, b keyring.Record) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Period, b.Period), cmp.Compare(a.ID, b.ID))
	})
	return list, err
}

func (k keys) Insert(ctx context.Context, r keyring.Record) error {
	r = copyKey(r)
	return k.run(ctx, func(s *state) error {
		_, sameID := s.keys.rows[r.ID]
		_, samePeriod := s.periods.rows[r.Period]
		if sameID || samePeriod {
			return keyring.ErrConflict
		}
		r.Revision = 1
		s.keys.put(r.ID, r)
		s.periods.put(r.Period, r.ID)
		return nil
	})
}

func (k keys) Swap(ctx context.Context, from, to keyring.Record) error {
	to = copyKey(to)
	return k.run(ctx, func(s *state) error {
		old, ok := s.keys.rows[from.ID]
		if !ok {
			return keyring.ErrNotFound
		}
		owner, taken := s.periods.rows[to.Period]
		if old.Revision != from.Revision || taken && owner != from.ID {
			return keyring.ErrConflict
		}
		to.ID, to.Revision = from.ID, from.Revision+1
		s.periods.drop(old.Period)
		s.periods.put(to.Period, to.ID)
		s.keys.put(to.ID, to)
		return nil
	})
}

func (k keys) Sweep(ctx context.Context, now time.Time) (n int, err error) {
	err = k.run(ctx, func(s *state) error {
		for id, r := range s.keys.rows {
			if !r.GoneAt.IsZero() && r.GoneAt.Before(kept(now)) {
				s.keys.drop(id)
				s.periods.drop(r.Period)
				n++
			}
		}
		return nil
	})
	return n, err
}
