package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

type sessions struct{ run run }

func (x sessions) Epoch(ctx context.Context, account string) (epoch int64, err error) {
	err = x.run(ctx, func(s *state) error {
		epoch = s.epochs.rows[account]
		return nil
	})
	return epoch, err
}

func (x sessions) Insert(ctx context.Context, r session.Row, epoch int64, c session.Cap) (head revocation.Cursor, err error) {
	r = copySession(r)
	err = x.run(ctx, func(s *state) error {
		parent, known := s.sessions.rows[r.Parent]
		orphan := r.Parent != "" && !(known && parent.Account == r.Account && parent.State == session.Active)
		_, exists := s.sessions.rows[r.ID]
		if s.epochs.rows[r.Account] != epoch || orphan || exists {
			return session.ErrConflict
		}
		r.Revision = 1
		s.sessions.put(r.ID, r)
		if head, err = s.makeRoom(r, c); err != nil {
			head = revocation.Cursor{}
		}
		return err
	})
	return head, err
}

// makeRoom ends the least recently seen sessions beyond the cap.
func (s *state) makeRoom(r session.Row, c session.Cap) (revocation.Cursor, error) {
	if c.Limit <= 0 {
		return s.head, nil
	}
	live := s.live(r.Account, r.CreatedAt)
	slices.SortFunc(live, func(a, b session.Row) int {
		return cmp.Or(a.SeenAt.Compare(b.SeenAt), cmp.Compare(a.ID, b.ID))
	})
	others := 0
	var leaving []string
	for _, other := range live {
		if other.ID == r.ID {
			continue
		}
		others++
		if other.ID != r.Parent {
			leaving = append(leaving, other.ID)
		}
	}
	excess := others + 1 - c.Limit
	if excess <= 0 {
		return s.head, nil
	}
	if len(leaving) < excess {
		return s.head, session.ErrConflict
	}
	_, head, err := s.end(c.Ending(r, leaving[:excess]))
	return head, err
}

// live returns the account's sessions that are active and within their deadlines.
func (s *state) live(account string, now time.Time) (list []session.Row) {
	now = kept(now)
	for _, r := range s.sessions.rows {
		if r.Account == account && r.State == session.Active && ahead(r.Idle, now) && ahead(r.Absolute, now) {
			list = append(list, copySession(r))
		}
	}
	return list
}

func ahead(deadline, now time.Time) bool { return deadline.IsZero() || deadline.After(now) }

func (x sessions) Find(ctx context.Context, sid string) (r session.Row, head revocation.Cursor, err error) {
	err = x.run(ctx, func(s *state) error {
		found, ok := s.sessions.rows[sid]
		if !ok {
			return session.ErrNotFound
		}
		r, head = copySession(found), s.head
		return nil
	})
	return r, head, err
}

func (x sessions) Swap(ctx context.Context, from, to session.Row) error {
	to = copySession(to)
	return x.run(ctx, func(s *state) error {
		old, ok := s.sessions.rows[from.ID]
		switch {
		case !ok:
			return session.ErrNotFound
		case old.Revision != from.Revision:
			return session.ErrConflict
		}
		to.ID, to.Revision = from.ID, from.Revision+1
		s.sessions.put(to.ID, to)
		return nil
	})
}

func (x sessions) List(ctx context.Context, account string, now time.Time) (list []session.Row, err error) {
	err = x.run(ctx, func(s *state) error {
		list = s.live(account, now)
		return nil
	})
	slices.SortFunc(list, func(a, b session.Row) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, err
}

func (x sessions) Sweep(ctx context.Context, before time.Time) (n int, err error) {
	before = kept(before)
	err = x.run(ctx, func(s *state) error {
		for id, r := range s.sessions.rows {
			ended := r.State == session.Ended && r.EndedAt.Before(before)
			if ended || past(r.Idle, before) || past(r.Absolute, before) {
				s.sessions.drop(id)
				n++
			}
		}
		return nil
	})
	return n, err
}

func past(deadline, before time.Time) bool { return !deadline.IsZero() && deadline.Before(before) }
