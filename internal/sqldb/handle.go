package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// A Handle runs the statements of the contracts, each prepared once. One made
// by [NewPool] is safe for concurrent use; one made by [NewHandle] belongs to
// whoever holds its connection.
type Handle struct {
	dialect *Dialect
	from    preparer
	single  bool

	mu    sync.RWMutex
	stmts map[string]*sql.Stmt

	fault    error // of a single connection: the first trouble since Begin
	appended bool  // rules were appended since Begin
}

type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// NewPool returns a Handle over a pool of connections, each statement a
// snapshot of its own.
func NewPool(d *Dialect, db *sql.DB) *Handle {
	return &Handle{dialect: d, from: db, stmts: map[string]*sql.Stmt{}}
}

// NewHandle returns a Handle over the one connection of a transaction.
func NewHandle(d *Dialect, conn *sql.Conn) *Handle {
	return &Handle{dialect: d, from: conn, single: true, stmts: map[string]*sql.Stmt{}}
}

// Begin forgets what the last closure left behind.
func (h *Handle) Begin() { h.fault, h.appended = nil, false }

// Close frees the statements. The Handle is not used again.
func (h *Handle) Close() {
	for _, st := range h.stmts {
		_ = st.Close()
	}
}

// Fault returns the first trouble of the backend since Begin. A database may
// answer trouble by undoing the whole transaction, after which every further
// statement would commit by itself: so a Handle with a fault runs nothing more.
func (h *Handle) Fault() error { return h.fault }

// Appended tells whether rules were appended to the log since Begin.
func (h *Handle) Appended() bool { return h.appended }

// Exec runs a statement and returns how many rows it changed.
func (h *Handle) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	st, err := h.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, h.failed(err)
	}
	n, err := res.RowsAffected()
	return n, h.failed(err)
}

// row reads the one row of a query; without a row it returns sql.ErrNoRows.
func (h *Handle) row(ctx context.Context, query string, args []any, into ...any) error {
	st, err := h.prepare(ctx, query)
	if err != nil {
		return err
	}
	return h.failed(st.QueryRowContext(ctx, args...).Scan(into...))
}

// rows hands each row of a query to visit.
func (h *Handle) rows(ctx context.Context, query string, args []any, visit func(scan func(...any) error) error) error {
	st, err := h.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return h.failed(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows.Scan); err != nil {
			return h.failed(err)
		}
	}
	return h.failed(rows.Err())
}

func (h *Handle) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if h.fault != nil {
		return nil, h.fault
	}
	h.mu.RLock()
	st := h.stmts[query]
	h.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	if h.single { // who gives up beside others must not be their trouble
		ctx = context.WithoutCancel(ctx)
	}
	st, err := h.from.PrepareContext(ctx, query) // a pool may let it wait
	if err != nil {
		return nil, h.failed(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if other := h.stmts[query]; other != nil {
		st.Close()
		return other, nil
	}
	h.stmts[query] = st
	return st, nil
}

// failed sorts an error of the driver: no row and a violated UNIQUE are
// answers, everything else is trouble.
func (h *Handle) failed(err error) error {
	switch {
	case err == nil || errors.Is(err, sql.ErrNoRows):
		return err
	case h.dialect.Duplicate(err):
		return errDuplicate
	}
	err = Unavailable(h.dialect.explain(err))
	if h.single && h.fault == nil {
		h.fault = err
	}
	return err
}
