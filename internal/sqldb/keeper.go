package sqldb

import (
	"context"
	"math"
	"time"

	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

const keeperColumns = `successor, session, key_id, claims, rev_epoch, rev_seq, at, until_at`

const (
	// One token's rules. The last three are the token's rev: what is not relative
	// reaches every rev, and is asked with one before all.
	keeperReached = `SELECT COUNT(*) FROM revocation_rule
		WHERE scope = ? AND id = ? AND action = ? AND from_at <= ? AND (until_at = 0 OR until_at >= ?)
		AND (epoch > ? OR (epoch = ? AND seq > ?))`
	keeperFind  = `SELECT id, ` + keeperColumns + ` FROM keeper_rotation WHERE id = ?`
	keeperRekey = `UPDATE keeper_rotation SET key_id = ? WHERE id = ? AND key_id = ?`
	keeperSweep = `DELETE FROM keeper_rotation WHERE id IN (SELECT id FROM keeper_rotation WHERE until_at > 0 AND until_at < ? LIMIT ?)`
)

var keeperInsert = `INSERT INTO keeper_rotation (id, ` + keeperColumns + `) VALUES (` + marks(9) + `) ON CONFLICT (id) DO NOTHING`

type keepers struct{ db Database }

func (k keepers) Rotate(ctx context.Context, r keeper.Rotation, q revocation.Query) (won keeper.Rotation, err error) {
	err = k.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		// A database whose writers run side by side has to hold the row of the
		// head from here on, or a logout that commits beside this is not seen.
		head, err := readHead(ctx, h)
		if err != nil {
			return err
		}
		if err := reached(ctx, h, r.At, q); err != nil {
			return err
		}
		_, err = h.Exec(ctx, keeperInsert, r.ID, r.Successor, r.SessionID, r.KeyID, solid(r.Claims),
			int64(head.Epoch), int64(head.Seq), micros(r.At), micros(r.Until))
		if err != nil {
			return err
		}
		won, err = findRotation(ctx, h, r.ID)
		return err
	})
	if err != nil {
		return keeper.Rotation{}, err
	}
	return won, nil
}

// reached returns ErrRevoked if a revoke rule in force reaches the token.
func reached(ctx context.Context, h *Handle, now time.Time, q revocation.Query) error {
	rev := q.Rev
	if !q.HasRev {
		rev = revocation.Cursor{}
	}
	for scope, id := range map[revocation.Scope]string{
		revocation.ScopeToken: q.ID, revocation.ScopeSession: q.SessionID, revocation.ScopeSubject: q.Subject,
		revocation.ScopeTenant: q.Tenant, revocation.ScopeKey: q.KeyID, revocation.ScopeIssuer: q.Issuer,
	} {
		if id == "" {
			continue
		}
		from := revocation.Cursor{}
		if scope.Relative() {
			from = rev
		}
		n, epoch := 0, signed(from.Epoch)
		err := h.row(ctx, keeperReached, []any{string(scope), id, int64(revocation.Revoke), micros(now), micros(now),
			epoch, epoch, signed(from.Seq)}, &n)
		if err != nil {
			return err
		}
		if n > 0 {
			return keeper.ErrRevoked
		}
	}
	return nil
}

// signed is a number of a cursor as far as a database can compare it; no log
// counts further.
func signed(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

func findRotation(ctx context.Context, h *Handle, id string) (r keeper.Rotation, err error) {
	err = h.row(ctx, keeperFind, []any{id}, &r.ID, &r.Successor, &r.SessionID, &r.KeyID, &r.Claims,
		&r.Rev.Epoch, &r.Rev.Seq, moment{&r.At}, moment{&r.Until})
	if err != nil {
		return keeper.Rotation{}, missing(err, keeper.ErrNotFound)
	}
	return r, nil
}

func (k keepers) Rotated(ctx context.Context, id string) (r keeper.Rotation, err error) {
	err = k.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		r, err = findRotation(ctx, h, id)
		return err
	})
	return r, err
}

func (k keepers) Rekey(ctx context.Context, id, from, to string) (r keeper.Rotation, err error) {
	err = k.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		if _, err := h.Exec(ctx, keeperRekey, to, id, from); err != nil {
			return err
		}
		r, err = findRotation(ctx, h, id)
		return err
	})
	if err != nil {
		return keeper.Rotation{}, err
	}
	return r, nil
}

func (k keepers) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for {
		var n int64
		err := k.db.Write(ctx, func(ctx context.Context, h *Handle) (err error) {
			n, err = h.Exec(ctx, keeperSweep, micros(now), sweepBatch)
			return err
		})
		if total += int(n); err != nil || n < sweepBatch {
			return total, err
		}
	}
}
