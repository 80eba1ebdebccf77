package sqldb

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

const (
	headSelect = `SELECT epoch, seq FROM revocation_head WHERE id = 1`
	// The counter row is what orders the log: whoever updates it holds it until
	// the commit, so numbers become visible in the order in which they were taken.
	headTake   = `UPDATE revocation_head SET seq = seq + ? WHERE id = 1 RETURNING epoch, seq`
	ruleInsert = `INSERT INTO revocation_rule (epoch, seq, at, scope, id, from_at, until_at, action, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	ruleRead   = `SELECT h.epoch, h.seq, r.seq, r.at, r.scope, r.id, r.from_at, r.until_at, r.action, r.reason
		FROM revocation_head h LEFT JOIN revocation_rule r ON r.epoch = h.epoch AND r.seq > ?
		WHERE h.id = 1 ORDER BY r.seq LIMIT ?`
	ruleState = `SELECT COALESCE(MAX(action), 0) FROM revocation_rule
		WHERE scope = ? AND id = ? AND from_at <= ? AND (until_at = 0 OR until_at >= ?)`
	ruleCompact = `DELETE FROM revocation_rule WHERE (epoch, seq) IN
		(SELECT epoch, seq FROM revocation_rule WHERE until_at > 0 AND until_at < ? LIMIT ?)`

	// Opening an epoch moves the rules: what is read is always of one epoch.
	epochOpen = `UPDATE revocation_head SET epoch = ?, seq = 0 WHERE id = 1 AND epoch < ?`
	epochCopy = `INSERT INTO revocation_rule (epoch, seq, at, scope, id, from_at, until_at, action, reason)
		SELECT ?, ROW_NUMBER() OVER (ORDER BY epoch, seq), at, scope, id, from_at, until_at, action, reason
		FROM revocation_rule WHERE epoch < ?`
	epochDrop = `DELETE FROM revocation_rule WHERE epoch < ?`
)

// sweepBatch bounds how long a broom keeps others from writing.
const sweepBatch = 500

type revocations struct{ db Database }

func (l revocations) Head(ctx context.Context) (head revocation.Cursor, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		head, err = readHead(ctx, h)
		return err
	})
	return head, err
}

func readHead(ctx context.Context, h *Handle) (head revocation.Cursor, err error) {
	err = h.row(ctx, headSelect, nil, &head.Epoch, &head.Seq)
	return head, lostHead(h, err)
}

// lostHead turns the absence of the one row that cannot be absent into damage.
func lostHead(h *Handle, err error) error {
	if err = missing(err, ErrCorrupt); err == ErrCorrupt {
		return h.failed(err)
	}
	return err
}

func (l revocations) Read(ctx context.Context, after revocation.Cursor, limit int) (list []revocation.Entry, err error) {
	if after.Seq > math.MaxInt64 {
		return nil, revocation.ErrSnapshotRequired
	}
	var head revocation.Cursor
	err = l.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		return h.rows(ctx, ruleRead, []any{int64(after.Seq), max(limit, 1)}, func(scan func(...any) error) error {
			e, ok, err := scanEntry(scan, &head)
			if ok {
				list = append(list, e)
			}
			return err
		})
	})
	switch {
	case err != nil:
		return nil, err
	case after != revocation.Cursor{} && (after.Epoch != head.Epoch || after.Seq > head.Seq):
		return nil, revocation.ErrSnapshotRequired
	case limit <= 0:
		return nil, nil
	}
	return list, nil
}

// scanEntry reads one row of ruleRead: the head, and an entry if there is one.
func scanEntry(scan func(...any) error, head *revocation.Cursor) (e revocation.Entry, ok bool, err error) {
	var seq, at, from, until, action sql.NullInt64
	var scope, id, reason sql.NullString
	err = scan(&head.Epoch, &head.Seq, &seq, &at, &scope, &id, &from, &until, &action, &reason)
	if err != nil || !seq.Valid {
		return e, false, err
	}
	e = revocation.Entry{Cursor: revocation.Cursor{Epoch: head.Epoch, Seq: uint64(seq.Int64)}, Rule: revocation.Rule{
		Scope: revocation.Scope(scope.String), ID: id.String, Action: revocation.Action(action.Int64), Reason: reason.String,
	}}
	e.At, e.Rule.From, e.Rule.Until = fromMicros(at.Int64), fromMicros(from.Int64), fromMicros(until.Int64)
	e.Rule.Before = before(e.Rule, e.Cursor)
	return e, true, nil
}

// before is the rule's own cursor for the scopes that compare a token's rev.
func before(r revocation.Rule, own revocation.Cursor) revocation.Cursor {
	if r.Scope.Relative() {
		return own
	}
	return revocation.Cursor{}
}

func (l revocations) Wait(ctx context.Context, after revocation.Cursor) error {
	for {
		changed, err := l.db.Changed() // before the head: a change in between is not missed
		if err != nil {
			return err
		}
		head, err := l.Head(ctx)
		if err != nil || head != after {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l revocations) Append(ctx context.Context, now time.Time, rules ...revocation.Rule) (last revocation.Cursor, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		last, err = appendRules(ctx, h, now, rules)
		return err
	})
	if err != nil {
		return revocation.Cursor{}, err
	}
	return last, nil
}

// appendRules is the last step of every transaction that has it: the counter
// row stays locked from here to the commit.
func appendRules(ctx context.Context, h *Handle, now time.Time, rules []revocation.Rule) (revocation.Cursor, error) {
	if len(rules) == 0 {
		return readHead(ctx, h)
	}
	for _, r := range rules {
		if err := r.Validate(); err != nil {
			return revocation.Cursor{}, err
		}
	}
	var last revocation.Cursor
	err := h.row(ctx, headTake, []any{len(rules)}, &last.Epoch, &last.Seq)
	if err != nil {
		return last, lostHead(h, err)
	}
	h.appended = true
	first := last.Seq - uint64(len(rules)) + 1
	for i, r := range rules {
		if _, err := h.Exec(ctx, ruleInsert, int64(last.Epoch), int64(first)+int64(i), micros(now),
			string(r.Scope), r.ID, micros(r.From), micros(r.Until), int64(r.Action), r.Reason); err != nil {
			return last, err
		}
	}
	return last, nil
}

func (l revocations) NewEpoch(ctx context.Context, epoch uint64) (head revocation.Cursor, opened bool, err error) {
	if epoch > revocation.MaxEpoch {
		return head, false, revocation.ErrBadCursor
	}
	err = l.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		if opened, err = openEpoch(ctx, h, int64(epoch)); err != nil {
			return err
		}
		head, err = readHead(ctx, h)
		return err
	})
	if err != nil {
		return revocation.Cursor{}, false, err
	}
	return head, opened, nil
}

// openEpoch compares and sets in one statement, which also takes the lock that
// orders the log.
func openEpoch(ctx context.Context, h *Handle, epoch int64) (opened bool, err error) {
	n, err := h.Exec(ctx, epochOpen, epoch, epoch)
	if err != nil || n == 0 {
		return false, err
	}
	h.appended = true
	moved, err := h.Exec(ctx, epochCopy, epoch, epoch)
	if err != nil {
		return false, err
	}
	if _, err = h.Exec(ctx, epochDrop, epoch); err != nil {
		return false, err
	}
	var head revocation.Cursor
	return true, h.row(ctx, headTake, []any{moved}, &head.Epoch, &head.Seq)
}

func (l revocations) State(ctx context.Context, now time.Time, scope revocation.Scope, ids ...string) (map[string]revocation.Action, error) {
	states := make(map[string]revocation.Action, len(ids))
	err := l.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		for _, id := range ids {
			var a revocation.Action
			if err := h.row(ctx, ruleState, []any{string(scope), id, micros(now), micros(now)}, &a); err != nil {
				return err
			}
			if a > revocation.None {
				states[id] = a
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return states, nil
}

func (l revocations) Compact(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for {
		var n int64
		err := l.db.Write(ctx, func(ctx context.Context, h *Handle) (err error) {
			n, err = h.Exec(ctx, ruleCompact, micros(now), sweepBatch)
			return err
		})
		if total += int(n); err != nil || n < sweepBatch {
			return total, err
		}
	}
}
