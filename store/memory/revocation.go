package memory

import (
	"context"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

type revocations struct {
	run  run
	wait func(context.Context, revocation.Cursor) error
}

func (l revocations) Head(ctx context.Context) (head revocation.Cursor, err error) {
	err = l.run(ctx, func(s *state) error {
		head = s.head
		return nil
	})
	return head, err
}

func (l revocations) Read(ctx context.Context, after revocation.Cursor, limit int) (list []revocation.Entry, err error) {
	err = l.run(ctx, func(s *state) error {
		if after != (revocation.Cursor{}) && (after.Epoch != s.head.Epoch || after.Seq > s.head.Seq) {
			return revocation.ErrSnapshotRequired
		}
		for _, e := range s.log {
			if e.Cursor.Seq > after.Seq && len(list) < limit {
				list = append(list, e)
			}
		}
		return nil
	})
	return list, err
}

func (l revocations) Wait(ctx context.Context, after revocation.Cursor) error {
	return l.wait(ctx, after)
}

func (l revocations) Append(ctx context.Context, now time.Time, rules ...revocation.Rule) (last revocation.Cursor, err error) {
	err = l.run(ctx, func(s *state) error {
		last, err = s.append(now, rules)
		return err
	})
	return last, err
}

func (s *state) append(now time.Time, rules []revocation.Rule) (revocation.Cursor, error) {
	for _, r := range rules {
		if err := r.Validate(); err != nil {
			return revocation.Cursor{}, err
		}
	}
	log, head := s.log, s.head
	s.undo = append(s.undo, func() { s.log, s.head = log, head })
	for _, r := range rules {
		s.head.Seq++
		r.Before = revocation.Cursor{}
		if r.Scope.Relative() {
			r.Before = s.head
		}
		keep(&r.From, &r.Until)
		s.log = append(s.log, revocation.Entry{Cursor: s.head, At: kept(now), Rule: r})
	}
	return s.head, nil
}

func (l revocations) NewEpoch(ctx context.Context, epoch uint64) (head revocation.Cursor, opened bool, err error) {
	err = l.run(ctx, func(s *state) error {
		if epoch > revocation.MaxEpoch {
			return revocation.ErrBadCursor
		}
		if opened = s.head.Epoch < epoch; opened {
			s.open(epoch)
		}
		head = s.head
		return nil
	})
	return head, opened, err
}

// open moves the log into a new epoch.
func (s *state) open(epoch uint64) {
	log, head := s.log, s.head
	s.undo = append(s.undo, func() { s.log, s.head = log, head })
	s.log, s.head = slices.Clone(log), revocation.Cursor{Epoch: epoch, Seq: uint64(len(log))}
	for i := range s.log {
		e := &s.log[i]
		e.Cursor = revocation.Cursor{Epoch: epoch, Seq: uint64(i + 1)}
		if e.Rule.Scope.Relative() {
			e.Rule.Before = e.Cursor
		}
	}
}

func (l revocations) State(ctx context.Context, now time.Time, scope revocation.Scope, ids ...string) (map[string]revocation.Action, error) {
	states := map[string]revocation.Action{}
	err := l.run(ctx, func(s *state) error {
		for _, e := range s.log {
			r := e.Rule
			if r.Scope == scope && r.Live(kept(now)) && slices.Contains(ids, r.ID) {
				states[r.ID] = max(states[r.ID], r.Action)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return states, nil
}

func (l revocations) Compact(ctx context.Context, now time.Time) (n int, err error) {
	err = l.run(ctx, func(s *state) error {
		log := s.log
		s.undo = append(s.undo, func() { s.log = log })
		s.log = slices.DeleteFunc(slices.Clone(log), func(e revocation.Entry) bool {
			return past(e.Rule.Until, kept(now))
		})
		n = len(log) - len(s.log)
		return nil
	})
	return n, err
}
