package sqldb

import (
	"context"
	"time"

	"github.com/jotkeeper/jotkeeper/onetime"
)

const oneTimeColumns = `hash, purpose, subject, issued_at, expires_at`

const (
	oneTimeFind   = `SELECT ` + oneTimeColumns + ` FROM one_time WHERE hash = ?`
	oneTimeOthers = `SELECT hash FROM one_time WHERE subject = ? AND purpose = ? AND hash <> ? ORDER BY issued_at DESC, hash`
	oneTimeDelete = `DELETE FROM one_time WHERE hash = ?`
	oneTimeDrop   = `DELETE FROM one_time WHERE subject = ? AND (? = '' OR purpose = ?)`
	oneTimeSweep  = `DELETE FROM one_time WHERE expires_at < ?`
)

var oneTimeInsert = `INSERT INTO one_time (` + oneTimeColumns + `) VALUES (` + marks(5) + `)`

type oneTimes struct{ db Database }

func (o oneTimes) Put(ctx context.Context, r onetime.Record, limit int) error {
	return o.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		_, err := h.Exec(ctx, oneTimeInsert, r.Hash, r.Purpose, r.Subject, micros(r.IssuedAt), micros(r.Expires))
		if err != nil {
			return taken(err, onetime.ErrConflict)
		}
		var others []string
		err = h.rows(ctx, oneTimeOthers, []any{r.Subject, r.Purpose, r.Hash}, func(scan func(...any) error) error {
			var hash string
			err := scan(&hash)
			others = append(others, hash)
			return err
		})
		if err != nil {
			return err
		}
		for _, leaving := range others[min(len(others), limit-1):] {
			if _, err := h.Exec(ctx, oneTimeDelete, leaving); err != nil {
				return err
			}
		}
		return nil
	})
}

func (o oneTimes) Find(ctx context.Context, hash string) (r onetime.Record, err error) {
	err = o.db.Read(ctx, func(ctx context.Context, h *Handle) (err error) {
		r, err = oneTime(ctx, h, hash)
		return err
	})
	return r, err
}

// Take reads and deletes in one transaction: who deletes no row was overtaken.
func (o oneTimes) Take(ctx context.Context, hash string) (r onetime.Record, err error) {
	err = o.db.Write(ctx, func(ctx context.Context, h *Handle) (err error) {
		if r, err = oneTime(ctx, h, hash); err != nil {
			return err
		}
		n, err := h.Exec(ctx, oneTimeDelete, hash)
		if err == nil && n != 1 {
			return onetime.ErrNotFound
		}
		return err
	})
	if err != nil {
		return onetime.Record{}, err
	}
	return r, nil
}

func oneTime(ctx context.Context, h *Handle, hash string) (r onetime.Record, err error) {
	found := false
	err = h.rows(ctx, oneTimeFind, []any{hash}, func(scan func(...any) error) error {
		found = true
		return scan(&r.Hash, &r.Purpose, &r.Subject, moment{&r.IssuedAt}, moment{&r.Expires})
	})
	if err == nil && !found {
		err = onetime.ErrNotFound
	}
	return r, err
}

func (o oneTimes) Drop(ctx context.Context, purpose, subject string) (int, error) {
	return o.remove(ctx, oneTimeDrop, subject, purpose, purpose)
}

func (o oneTimes) Sweep(ctx context.Context, now time.Time) (int, error) {
	return o.remove(ctx, oneTimeSweep, micros(now))
}

func (o oneTimes) remove(ctx context.Context, query string, args ...any) (int, error) {
	var n int64
	err := o.db.Write(ctx, func(ctx context.Context, h *Handle) (err error) {
		n, err = h.Exec(ctx, query, args...)
		return err
	})
	return int(n), err
}
