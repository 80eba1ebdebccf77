package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
)

const accountColumns = `identifier, display, password, credential, scope, claims, rights, locked, require_new, created_at, password_changed_at, last_login_at, deleted_at`

const (
	accountNext   = `UPDATE counter SET value = value + 1 WHERE name = 'account' RETURNING value`
	accountSelect = `SELECT id, failures, failed_at, revision, ` + accountColumns + ` FROM account`
	accountByID   = accountSelect + ` WHERE id = ?`
	accountByName = accountSelect + ` WHERE identifier = ?`
	accountList   = accountSelect + ` WHERE id > ? ORDER BY id LIMIT ?`
	accountFail   = `UPDATE account SET failures = failures + 1, failed_at = ? WHERE id = ? RETURNING failures`
	accountClear  = `UPDATE account SET failures = CASE WHEN failures = ? THEN 0 ELSE failures END WHERE id = ?`
)

var (
	accountInsert = `INSERT INTO account (id, failures, failed_at, revision, ` + accountColumns + `) VALUES (?, ?, ?, 1, ` + marks(13) + `)`
	accountSwap   = `UPDATE account SET revision = revision + 1, ` + assignments(accountColumns) + ` WHERE id = ? AND revision = ?`
)

type accounts struct{ db Database }

func accountValues(r account.Row) ([]any, error) {
	claims, err := document(r.Claims, len(r.Claims))
	return []any{r.Identifier, r.Display, r.Password, r.Credential, r.Scope, claims, r.Rights, r.Locked, r.RequireNew,
		micros(r.CreatedAt), micros(r.PasswordChangedAt), micros(r.LastLoginAt), micros(r.DeletedAt)}, err
}

func scanAccount(scan func(...any) error) (r account.Row, err error) {
	err = scan(&r.ID, &r.Failures, moment{&r.FailedAt}, &r.Revision,
		&r.Identifier, &r.Display, &r.Password, &r.Credential, &r.Scope, parsed{&r.Claims}, &r.Rights, &r.Locked, &r.RequireNew,
		moment{&r.CreatedAt}, moment{&r.PasswordChangedAt}, moment{&r.LastLoginAt}, moment{&r.DeletedAt})
	return r, err
}

func (a accounts) Insert(ctx context.Context, r account.Row) (id int64, err error) {
	values, err := accountValues(r)
	if err != nil {
		return 0, err
	}
	err = a.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		if err := h.row(ctx, accountNext, nil, &id); err != nil {
			return err
		}
		_, err := h.Exec(ctx, accountInsert, append([]any{id, r.Failures, micros(r.FailedAt)}, values...)...)
		return taken(err, account.ErrTaken)
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

func (a accounts) Find(ctx context.Context, id int64) (account.Row, error) {
	return a.find(ctx, accountByID, id)
}

func (a accounts) FindIdentifier(ctx context.Context, canonical string) (account.Row, error) {
	return a.find(ctx, accountByName, canonical)
}

func (a accounts) find(ctx context.Context, query string, key any) (r account.Row, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		r, err = scanAccount(func(into ...any) error { return h.row(ctx, query, []any{key}, into...) })
		return err
	})
	if err != nil {
		return account.Row{}, missing(err, account.ErrNotFound)
	}
	return r, nil
}

func (a accounts) Swap(ctx context.Context, from, to account.Row) error {
	values, err := accountValues(to)
	if err != nil {
		return err
	}
	return a.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		n, err := h.Exec(ctx, accountSwap, append(values, from.ID, from.Revision)...)
		if err != nil || n == 1 {
			return taken(err, account.ErrTaken)
		}
		return stale(ctx, h, accountByID, from.ID, account.ErrNotFound, account.ErrConflict)
	})
}

func (a accounts) List(ctx context.Context, after int64, limit int) (list []account.Row, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, h *Handle) error {
		return h.rows(ctx, accountList, []any{after, max(limit, 0)}, func(scan func(...any) error) error {
			r, err := scanAccount(scan)
			list = append(list, r)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (a accounts) Fail(ctx context.Context, id int64, now time.Time) (count int, err error) {
	err = a.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		return missing(h.row(ctx, accountFail, []any{micros(now), id}, &count), account.ErrNotFound)
	})
	return count, err
}

func (a accounts) Forgive(ctx context.Context, id int64, count int) error {
	return a.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		n, err := h.Exec(ctx, accountClear, count, id)
		if err == nil && n == 0 {
			return account.ErrNotFound
		}
		return err
	})
}

// missing names the row that is not there.
func missing(err, notFound error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return notFound
	}
	return err
}

// stale tells why a compare-and-set changed nothing.
func stale(ctx context.Context, h *Handle, query string, id any, notFound, conflict error) error {
	there := false
	err := h.rows(ctx, query, []any{id}, func(func(...any) error) error {
		there = true
		return nil
	})
	switch {
	case err != nil:
		return err
	case there:
		return conflict
	}
	return notFound
}
