package memory

import (
	"bytes"
	"context"
	"time"

	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

type keepers struct{ run run }

func (k keepers) Rotate(ctx context.Context, r keeper.Rotation, q revocation.Query) (won keeper.Rotation, err error) {
	r = copyRotation(r)
	err = k.run(ctx, func(s *state) error {
		if s.reached(r.At, q) {
			return keeper.ErrRevoked
		}
		if _, decided := s.rotations.rows[r.ID]; !decided {
			r.Rev = s.head
			s.rotations.put(r.ID, r)
		}
		won = copyRotation(s.rotations.rows[r.ID])
		return nil
	})
	return won, err
}

// reached tells whether a revoke rule in force reaches the token.
func (s *state) reached(now time.Time, q revocation.Query) bool {
	if !q.HasRev {
		q.Rev = revocation.Cursor{}
	}
	ids := map[revocation.Scope]string{
		revocation.ScopeToken: q.ID, revocation.ScopeSession: q.SessionID, revocation.ScopeSubject: q.Subject,
		revocation.ScopeTenant: q.Tenant, revocation.ScopeKey: q.KeyID, revocation.ScopeIssuer: q.Issuer,
	}
	for _, e := range s.log {
		r := e.Rule
		older := !r.Scope.Relative() || q.Rev.Before(e.Cursor)
		if r.Action == revocation.Revoke && r.ID == ids[r.Scope] && r.Live(now) && older {
			return true
		}
	}
	return false
}

func (k keepers) Rotated(ctx context.Context, id string) (r keeper.Rotation, err error) {
	err = k.run(ctx, func(s *state) error {
		found, ok := s.rotations.rows[id]
		if !ok {
			return keeper.ErrNotFound
		}
		r = copyRotation(found)
		return nil
	})
	return r, err
}

func (k keepers) Rekey(ctx context.Context, id, from, to string) (r keeper.Rotation, err error) {
	err = k.run(ctx, func(s *state) error {
		found, ok := s.rotations.rows[id]
		if !ok {
			return keeper.ErrNotFound
		}
		if found.KeyID == from {
			found.KeyID = to
			s.rotations.put(id, found)
		}
		r = copyRotation(found)
		return nil
	})
	return r, err
}

func (k keepers) Sweep(ctx context.Context, now time.Time) (n int, err error) {
	now = kept(now)
	err = k.run(ctx, func(s *state) error {
		for id, r := range s.rotations.rows {
			if past(r.Until, now) {
				s.rotations.drop(id)
				n++
			}
		}
		return nil
	})
	return n, err
}

// copyRotation shares nothing with r.
func copyRotation(r keeper.Rotation) keeper.Rotation {
	keep(&r.At, &r.Until)
	r.Claims = bytes.Clone(r.Claims)
	return r
}
