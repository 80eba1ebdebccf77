// Package opaque moves an API from random tokens that are looked up in a table
// to tokens that are checked in memory.
package opaque

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

// Schema is what the move adds to a program's own table api_tokens (id, hash,
// account, scope): when an exchanged token ends, and what it was exchanged for.
const Schema = `
ALTER TABLE api_tokens ADD COLUMN ends INTEGER; -- Unix seconds; NULL: not exchanged yet
CREATE TABLE api_token_sessions (
	token_id INTEGER NOT NULL,
	sid      TEXT    NOT NULL PRIMARY KEY,
	ends     INTEGER NOT NULL -- of the session, Unix seconds
)
`

// A Table is the old side. It counts how often it is asked.
type Table struct {
	DB    *sql.DB
	Until time.Time     // from here on no old token is good
	Grace time.Duration // for how long one is, after its first exchange: it may live on several machines

	asked atomic.Int64
}

// A Row is an old token, without its text.
type Row struct {
	ID             int64
	Account, Scope string
}

// errUnknown is an old token that is not, or no longer, good.
var errUnknown = errors.New("opaque: no such token")

// Hash is what the table holds of a token.
func Hash(raw string) []byte {
	h := sha256.Sum256([]byte(raw))
	return h[:]
}

// Look looks an old token up.
func (t *Table) Look(ctx context.Context, now time.Time, raw string) (row Row, err error) {
	if !now.Before(t.Until) {
		return row, errUnknown
	}
	t.asked.Add(1)
	err = t.DB.QueryRowContext(ctx, `SELECT id, account, scope FROM api_tokens WHERE hash = ? AND (ends IS NULL OR ends > ?)`,
		Hash(raw), now.Unix()).Scan(&row.ID, &row.Account, &row.Scope)
	if errors.Is(err, sql.ErrNoRows) {
		err = errUnknown
	}
	return row, err
}

// Exchange records that an old token became the session sid, and lets it end a
// grace after the first time. A token that was revoked meanwhile is errUnknown.
func (t *Table) Exchange(ctx context.Context, now time.Time, id int64, sid string, ends time.Time) error {
	tx, err := t.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	done, err := tx.ExecContext(ctx, `UPDATE api_tokens SET ends = COALESCE(ends, ?) WHERE id = ?`, now.Add(t.Grace).Unix(), id)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errUnknown, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO api_token_sessions VALUES (?, ?, ?)`, id, sid, ends.Unix()); err != nil {
		return err
	}
	return tx.Commit()
}

// Delete deletes an old token and returns the sessions that it became. It may be
// repeated: they are forgotten by Sweep, when they are over.
func (t *Table) Delete(ctx context.Context, id int64) (sids []string, err error) {
	if _, err := t.DB.ExecContext(ctx, `DELETE FROM api_tokens WHERE id = ?`, id); err != nil {
		return nil, err
	}
	rows, err := t.DB.QueryContext(ctx, `SELECT sid FROM api_token_sessions WHERE token_id = ?`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var sid string
		if err := rows.Scan(&sid); err != nil {
			return nil, err
		}
		sids = append(sids, sid)
	}
	return sids, rows.Err()
}

// Sweep deletes what is over: old tokens past their grace, sessions past their end.
func (t *Table) Sweep(ctx context.Context, now time.Time) error {
	for _, table := range []string{"api_tokens", "api_token_sessions"} {
		if _, err := t.DB.ExecContext(ctx, `DELETE FROM `+table+` WHERE ends <= ?`, now.Unix()); err != nil {
			return err
		}
	}
	return nil
}

// Left counts the old tokens, and those among them that were not exchanged yet:
// write to their owners before the date.
func (t *Table) Left(ctx context.Context) (all, idle int, err error) {
	err = t.DB.QueryRowContext(ctx, `SELECT count(*), count(*) - count(ends) FROM api_tokens`).Scan(&all, &idle)
	return all, idle, err
}

// Asked returns how many look-ups there were.
func (t *Table) Asked() int64 { return t.asked.Load() }
