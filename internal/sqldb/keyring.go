package sqldb

import (
	"context"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/keyring"
)

const keyColumns = `algorithm, state, sealed, public, created_at, signs_from, signs_to, gone_at, period`

const (
	keyAll   = `SELECT id, revision, ` + keyColumns + ` FROM signing_key ORDER BY created_at, period, id`
	keyByID  = `SELECT id FROM signing_key WHERE id = ?`
	keySweep = `DELETE FROM signing_key WHERE gone_at > 0 AND gone_at < ?`
)

var (
	keyInsert = `INSERT INTO signing_key (id, revision, ` + keyColumns + `) VALUES (?, 1, ` + marks(9) + `)`
	keySwap   = `UPDATE signing_key SET revision = revision + 1, ` + assignments(keyColumns) + ` WHERE id = ? AND revision = ?`
)

type keys struct{ db Database }

func keyValues(r keyring.Record) []any {
	return []any{string(r.Algorithm), string(r.State), solid(r.Sealed), solid(r.Public),
		micros(r.CreatedAt), micros(r.SignsFrom), micros(r.SignsTo), micros(r.GoneAt), r.Period}
}

// solid writes no bytes as an empty BLOB, never as NULL.
func solid(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (k keys) Keys(ctx context.Context) (list []keyring.Record, err error) {
	err = k.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		return h.rows(ctx, keyAll, nil, func(scan func(...any) error) error {
			var r keyring.Record
			err := scan(&r.ID, &r.Revision, &r.Algorithm, &r.State, &r.Sealed, &r.Public,
				moment{&r.CreatedAt}, moment{&r.SignsFrom}, moment{&r.SignsTo}, moment{&r.GoneAt}, &r.Period)
			list = append(list, r)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (k keys) Insert(ctx context.Context, r keyring.Record) error {
	return k.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		_, err := h.Exec(ctx, keyInsert, append([]any{r.ID}, keyValues(r)...)...)
		return taken(err, keyring.ErrConflict)
	})
}

func (k keys) Swap(ctx context.Context, from, to keyring.Record) error {
	return k.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		n, err := h.Exec(ctx, keySwap, append(keyValues(to), from.ID, from.Revision)...)
		if err != nil || n == 1 {
			return taken(err, keyring.ErrConflict)
		}
		return stale(ctx, h, keyByID, from.ID, keyring.ErrNotFound, keyring.ErrConflict)
	})
}

func (k keys) Sweep(ctx context.Context, now time.Time) (int, error) {
	var n int64
	err := k.db.Write(ctx, func(ctx context.Context, h *Handle) (err error) {
		n, err = h.Exec(ctx, keySweep, micros(now))
		return err
	})
	return int(n), err
}

// taken names the value that must be unique.
func taken(err, conflict error) error {
	if errors.Is(err, errDuplicate) {
		return conflict
	}
	return err
}
