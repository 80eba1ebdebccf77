package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

const sessionColumns = `account, state, end_reason, ended_at, key_id, generation, rotated_at, held_at, confirmed_at, late, late_now, auth_time, methods, context, audience, scope, idle_at, absolute_at, binding, parent, agent, address, device, created_at, seen_at, events`

const (
	epochSelect = `SELECT epoch FROM session_epoch WHERE account = ?`
	epochRaise  = `INSERT INTO session_epoch (account, epoch) VALUES (?, 1) ON CONFLICT (account) DO UPDATE SET epoch = epoch + 1`

	// alive is said of a row at a moment, given twice.
	alive = `state = 'active' AND (idle_at = 0 OR idle_at > ?) AND (absolute_at = 0 OR absolute_at > ?)`
	// over is said of a row before a moment, given three times.
	over = `((state = 'ended' AND ended_at < ?) OR (idle_at > 0 AND idle_at < ?) OR (absolute_at > 0 AND absolute_at < ?))`

	sessionFind   = `SELECT h.epoch, h.seq, s.id, s.revision, ` + sessionColumns + ` FROM session s JOIN revocation_head h ON h.id = 1 WHERE s.id = ?`
	sessionByID   = `SELECT id FROM session WHERE id = ?`
	sessionList   = `SELECT id, revision, ` + sessionColumns + ` FROM session WHERE account = ? AND ` + alive + ` ORDER BY created_at DESC, id`
	sessionParent = `SELECT state FROM session WHERE id = ? AND account = ?`
	sessionLive   = `SELECT id FROM session WHERE account = ? AND id <> ? AND ` + alive + ` ORDER BY seen_at, id`
	sessionStale  = `SELECT id FROM session WHERE id > ? AND ` + over + ` ORDER BY id LIMIT ?`
	sessionDelete = `DELETE FROM session WHERE id = ? AND ` + over
)

var (
	sessionInsert = `INSERT INTO session (id, revision, ` + sessionColumns + `) VALUES (?, 1, ` + marks(26) + `)`
	sessionSwap   = `UPDATE session SET revision = revision + 1, ` + assignments(sessionColumns) + ` WHERE id = ? AND revision = ?`
)

type sessions struct{ db Database }

func sessionValues(r session.Row) ([]any, error) {
	methods, err := document(r.Methods, len(r.Methods))
	if err != nil {
		return nil, err
	}
	events, err := ledger(r.Events)
	return []any{r.Account, string(r.State), r.EndReason, micros(r.EndedAt), int64(r.KeyID), int64(r.Generation),
		micros(r.RotatedAt), micros(r.HeldAt), micros(r.ConfirmedAt), r.Late, r.LateNow,
		micros(r.AuthTime), methods, r.Context, r.Audience, r.Scope, micros(r.Idle), micros(r.Absolute), r.Binding, r.Parent,
		r.Agent, r.Address, r.Device, micros(r.CreatedAt), micros(r.SeenAt), events}, err
}

// ledger writes events as JSON, their times in whole microseconds, UTC.
func ledger(events []session.Event) (string, error) {
	kept := make([]session.Event, len(events))
	for i, e := range events {
		kept[i] = e
		kept[i].At = fromMicros(micros(e.At))
	}
	return document(kept, len(kept))
}

func sessionFields(r *session.Row) []any {
	return []any{&r.ID, &r.Revision, &r.Account, &r.State, &r.EndReason, moment{&r.EndedAt}, &r.KeyID, &r.Generation,
		moment{&r.RotatedAt}, moment{&r.HeldAt}, moment{&r.ConfirmedAt}, &r.Late, &r.LateNow,
		moment{&r.AuthTime}, parsed{&r.Methods}, &r.Context, &r.Audience, &r.Scope, moment{&r.Idle}, moment{&r.Absolute}, &r.Binding, &r.Parent,
		&r.Agent, &r.Address, &r.Device, moment{&r.CreatedAt}, moment{&r.SeenAt}, parsed{&r.Events}}
}

func (s sessions) Epoch(ctx context.Context, account string) (epoch int64, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		epoch, err = readEpoch(ctx, h, account)
		return err
	})
	return epoch, err
}

// readEpoch returns 0 for an account that has none. A database whose writers
// run side by side has to lock the row here, or a login that commits beside
// End survives it.
func readEpoch(ctx context.Context, h *Handle, account string) (epoch int64, err error) {
	err = h.row(ctx, epochSelect, []any{account}, &epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return epoch, err
}

func (s sessions) Insert(ctx context.Context, r session.Row, epoch int64, c session.Cap) (head revocation.Cursor, err error) {
	values, err := sessionValues(r)
	if err != nil {
		return revocation.Cursor{}, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		if err := admit(ctx, h, r, epoch); err != nil {
			return err
		}
		if _, err := h.Exec(ctx, sessionInsert, append([]any{r.ID}, values...)...); err != nil {
			return taken(err, session.ErrConflict)
		}
		head, err = makeRoom(ctx, h, r, c)
		return err
	})
	if err != nil {
		return revocation.Cursor{}, err
	}
	return head, nil
}

// admit checks what must still be as it was when the login began.
func admit(ctx context.Context, h *Handle, r session.Row, epoch int64) error {
	now, err := readEpoch(ctx, h, r.Account)
	if err != nil {
		return err
	}
	if now != epoch {
		return session.ErrConflict
	}
	if r.Parent == "" {
		return nil
	}
	var state session.State
	err = h.row(ctx, sessionParent, []any{r.Parent, r.Account}, &state)
	if err == nil && state != session.Active || errors.Is(err, sql.ErrNoRows) {
		return session.ErrConflict
	}
	return err
}

// makeRoom ends the least recently seen sessions beyond the cap and returns
// the head of the log. A child never pushes out its own parent.
func makeRoom(ctx context.Context, h *Handle, r session.Row, c session.Cap) (revocation.Cursor, error) {
	if c.Limit <= 0 {
		return readHead(ctx, h)
	}
	others, err := ids(ctx, h, sessionLive, r.Account, r.ID, micros(r.CreatedAt), micros(r.CreatedAt))
	excess := len(others) + 1 - c.Limit
	if err != nil || excess <= 0 {
		if err != nil {
			return revocation.Cursor{}, err
		}
		return readHead(ctx, h)
	}
	var leaving []string
	for _, id := range others {
		if id != r.Parent && len(leaving) < excess {
			leaving = append(leaving, id)
		}
	}
	if len(leaving) < excess {
		return revocation.Cursor{}, session.ErrConflict
	}
	_, head, err := endAll(ctx, h, c.Ending(r, leaving))
	return head, err
}

func (s sessions) Find(ctx context.Context, sid string) (r session.Row, head revocation.Cursor, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		r = session.Row{}
		return h.row(ctx, sessionFind, []any{sid}, append([]any{&head.Epoch, &head.Seq}, sessionFields(&r)...)...)
	})
	if err != nil {
		return session.Row{}, revocation.Cursor{}, missing(err, session.ErrNotFound)
	}
	return r, head, nil
}

func (s sessions) Swap(ctx context.Context, from, to session.Row) error {
	values, err := sessionValues(to)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		n, err := h.Exec(ctx, sessionSwap, append(values, from.ID, from.Revision)...)
		if err != nil || n == 1 {
			return err
		}
		return stale(ctx, h, sessionByID, from.ID, session.ErrNotFound, session.ErrConflict)
	})
}

func (s sessions) List(ctx context.Context, account string, now time.Time) (list []session.Row, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		return h.rows(ctx, sessionList, []any{account, micros(now), micros(now)}, func(scan func(...any) error) error {
			var r session.Row
			err := scan(sessionFields(&r)...)
			list = append(list, r)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// Sweep looks for rows where it disturbs nobody and deletes them a few at a
// time, each checked again: one that was refreshed meanwhile stays.
func (s sessions) Sweep(ctx context.Context, before time.Time) (int, error) {
	us, total, last := micros(before), 0, ""
	for {
		var found []string
		err := s.db.Read(ctx, func(ctx context.Context, h *Handle) (err error) {
			found, err = ids(ctx, h, sessionStale, last, us, us, us, sweepBatch)
			return err
		})
		if err != nil || len(found) == 0 {
			return total, err
		}
		n := 0
		err = s.db.Write(ctx, func(ctx context.Context, h *Handle) (err error) {
			n, err = deleteSessions(ctx, h, found, us)
			return err
		})
		if err != nil {
			return total, err
		}
		total, last = total+n, found[len(found)-1]
	}
}

func deleteSessions(ctx context.Context, h *Handle, found []string, us int64) (int, error) {
	total := 0
	for _, id := range found {
		n, err := h.Exec(ctx, sessionDelete, id, us, us, us)
		if err != nil {
			return 0, err
		}
		total += int(n)
	}
	return total, nil
}

// ids reads a query's one column of IDs.
func ids(ctx context.Context, h *Handle, query string, args ...any) (list []string, err error) {
	err = h.rows(ctx, query, args, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		list = append(list, id)
		return err
	})
	return list, err
}
