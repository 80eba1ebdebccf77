package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/onetime"
)

type oneTimes struct{ run run }

func (o oneTimes) Put(ctx context.Context, r onetime.Record, limit int) error {
	keep(&r.IssuedAt, &r.Expires)
	return o.run(ctx, func(s *state) error {
		if _, there := s.oneTimes.rows[r.Hash]; there {
			return onetime.ErrConflict
		}
		var others []onetime.Record
		for _, other := range s.oneTimes.rows {
			if other.Purpose == r.Purpose && other.Subject == r.Subject {
				others = append(others, other)
			}
		}
		slices.SortFunc(others, func(a, b onetime.Record) int {
			return cmp.Or(b.IssuedAt.Compare(a.IssuedAt), cmp.Compare(a.Hash, b.Hash))
		})
		for _, leaving := range others[min(len(others), limit-1):] {
			s.oneTimes.drop(leaving.Hash)
		}
		s.oneTimes.put(r.Hash, r)
		return nil
	})
}

func (o oneTimes) Find(ctx context.Context, hash string) (r onetime.Record, err error) {
	err = o.run(ctx, func(s *state) error {
		var there bool
		if r, there = s.oneTimes.rows[hash]; !there {
			return onetime.ErrNotFound
		}
		return nil
	})
	return r, err
}

func (o oneTimes) Take(ctx context.Context, hash string) (r onetime.Record, err error) {
	err = o.run(ctx, func(s *state) error {
		var there bool
		if r, there = s.oneTimes.rows[hash]; !there {
			return onetime.ErrNotFound
		}
		s.oneTimes.drop(hash)
		return nil
	})
	return r, err
}

func (o oneTimes) Drop(ctx context.Context, purpose, subject string) (int, error) {
	return o.remove(ctx, func(r onetime.Record) bool {
		return r.Subject == subject && (purpose == "" || r.Purpose == purpose)
	})
}

func (o oneTimes) Sweep(ctx context.Context, now time.Time) (int, error) {
	return o.remove(ctx, func(r onetime.Record) bool { return r.Expires.Before(kept(now)) })
}

func (o oneTimes) remove(ctx context.Context, which func(onetime.Record) bool) (n int, err error) {
	err = o.run(ctx, func(s *state) error {
		for hash, r := range s.oneTimes.rows {
			if which(r) {
				s.oneTimes.drop(hash)
				n++
			}
		}
		return nil
	})
	return n, err
}
