package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	lib "modernc.org/sqlite/lib"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
	"github.com/jotkeeper/jotkeeper/store"
)

// A writer owns the one connection that changes the file. It gathers the
// changes that wait, opens one transaction for them, and hands the connection
// to each caller in turn: a closure runs on its caller's own goroutine, so a
// panic stays where it belongs. Callers hear the outcome after the commit.
type writer struct {
	db      *sql.DB
	conn    *sql.Conn
	handle  *sqldb.Handle
	batch   int          // changes in one transaction at most
	holds   func() error // tells whether the file is still in its place
	grown   func() error // called after a commit that appended rules
	queue   chan *change
	stopped chan struct{}

	mu   sync.RWMutex // read-held while a change enters the queue
	over bool

	broken atomic.Pointer[error] // set for good when the disk failed
	counts struct{ writes, commits, undone, retried atomic.Uint64 }

	controls map[string]*sql.Stmt
	meddle   func(statement string) error // a test's way to make one of them fail
}

// backlog is how many changes may wait in line; more wait to get in line.
const backlog = 1024

func newWriter(db *sql.DB, batch int, holds, grown func() error) (*writer, error) {
	w := &writer{db: db, batch: batch, holds: holds, grown: grown, queue: make(chan *change, backlog), stopped: make(chan struct{})}
	if err := w.connect(); err != nil {
		return nil, err
	}
	go w.run()
	return w, nil
}

// run answers changes until the queue is closed.
func (w *writer) run() {
	defer close(w.stopped)
	for first := range w.queue {
		if batch := w.gather(first); len(batch) > 0 {
			w.settle(batch)
		}
	}
}

// gather takes what waits, without waiting for more: while one batch syncs the
// disk the next one grows by itself. It gives way once, so that those who were
// just answered and have more to do are in it too: half of 16 busy callers
// would miss it otherwise.
func (w *writer) gather(first *change) []*change {
	runtime.Gosched()
	var batch []*change
	for next, ok := first, true; ok; {
		if next.take() {
			batch = append(batch, next)
		}
		if len(batch) == w.batch {
			break
		}
		select {
		case next, ok = <-w.queue:
		default:
			ok = false
		}
	}
	return batch
}

// settle runs a batch. If a change broke the transaction for its neighbours,
// each runs again in a transaction of its own.
func (w *writer) settle(batch []*change) {
	again := w.transact(batch)
	w.counts.retried.Add(uint64(len(again)))
	for _, c := range again {
		w.transact([]*change{c})
	}
}

// transact runs changes in one transaction and answers them, or returns those
// that have to run again. All hear after the commit, those that failed as well:
// what they saw may be a neighbour's doing, which is true only then.
func (w *writer) transact(batch []*change) (again []*change) {
	if err := w.begin(); err != nil {
		w.answer(batch, err)
		return nil
	}
	good, appended := 0, false
	for _, c := range batch {
		if intact := w.one(c, len(batch) > 1); !intact {
			w.rollback()
			return slices.DeleteFunc(batch, func(c *change) bool { return c.gone })
		}
		if c.err == nil && !c.gone {
			good++
			appended = appended || w.handle.Appended()
		}
	}
	w.counts.undone.Add(uint64(len(batch) - good))
	if good == 0 {
		w.rollback()
		w.answer(batch, nil)
		return nil
	}
	err := w.commit()
	if err == nil && appended {
		err = w.grown()
	}
	w.answer(batch, err)
	return nil
}

// one hands the connection to one change, behind a savepoint if others share
// the transaction. It tells whether the transaction is still what it was: some
// errors make SQLite undo all of it, and then there is no savepoint to go back
// to.
func (w *writer) one(c *change, shared bool) (intact bool) {
	if shared && w.control(`SAVEPOINT change`) != nil {
		return false
	}
	w.handle.Begin()
	c.turn <- w.handle
	c.outcome = <-c.back
	if fault := w.handle.Fault(); fault != nil && !errors.Is(c.err, store.ErrUnavailable) {
		c.err = fault // whatever the closure made of it
	}
	if !shared {
		return true
	}
	if (c.err != nil || c.gone) && w.control(`ROLLBACK TO change`) != nil {
		return false
	}
	return w.control(`RELEASE change`) == nil
}

// begin opens a transaction. A connection in a state that nobody knows is
// replaced by a new one.
func (w *writer) begin() error {
	if err := w.trouble(); err != nil {
		return err
	}
	if err := w.holds(); err != nil {
		return err
	}
	err := w.control(`BEGIN IMMEDIATE`)
	if code(err) == lib.SQLITE_ERROR || errors.Is(err, driver.ErrBadConn) {
		if err = w.reconnect(); err == nil {
			err = w.control(`BEGIN IMMEDIATE`)
		}
	}
	if err != nil {
		return sqldb.Unavailable(explain(err))
	}
	return nil
}

// commit makes the transaction durable. If the disk failed, it was the last:
// a second sync of the same pages may succeed and mean nothing.
func (w *writer) commit() error {
	err := w.control(`COMMIT`)
	if err == nil {
		w.counts.commits.Add(1)
		return w.holds() // what is durable in a file that nobody will find is lost
	}
	w.rollback()
	if disk(err) {
		fatal := sqldb.Unavailable(fmt.Errorf("the disk failed; nothing more is written until the program is started again: %w", err))
		w.broken.Store(&fatal)
		return fatal
	}
	return sqldb.Unavailable(explain(err))
}

// rollback may find that SQLite has done it already, which is as good. What it
// cannot undo is found by the next begin.
func (w *writer) rollback() { _ = w.control(`ROLLBACK`) }

// trouble returns why nothing is written any more, if so.
func (w *writer) trouble() error {
	if err := w.broken.Load(); err != nil {
		return *err
	}
	return nil
}

func (w *writer) answer(batch []*change, err error) {
	w.counts.writes.Add(uint64(len(batch)))
	for _, c := range batch {
		if err != nil {
			c.err = err
		}
		c.done <- c.err
	}
}

// control runs a statement about the transaction, prepared once.
func (w *writer) control(statement string) error {
	if w.meddle != nil {
		if err := w.meddle(statement); err != nil {
			return err
		}
	}
	ctx := context.Background()
	st := w.controls[statement]
	if st == nil {
		var err error
		if st, err = w.conn.PrepareContext(ctx, statement); err != nil {
			return err
		}
		w.controls[statement] = st
	}
	_, err := st.ExecContext(ctx)
	return err
}

func (w *writer) connect() error {
	conn, err := w.db.Conn(context.Background())
	if err != nil {
		return sqldb.Unavailable(explain(err))
	}
	w.conn, w.handle, w.controls = conn, sqldb.NewHandle(dialect, conn), map[string]*sql.Stmt{}
	return nil
}

func (w *writer) reconnect() error {
	w.finish()
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn }) // so that it is not used again
	_ = w.conn.Close()
	return w.connect()
}

// finish frees the statements. With one left open SQLite keeps the connection,
// its lock and its journal.
func (w *writer) finish() {
	w.handle.Close()
	for _, st := range w.controls {
		_ = st.Close()
	}
}

// close lets what waits finish and refuses what comes.
func (w *writer) close() error {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	close(w.queue)
	<-w.stopped
	w.finish()
	return w.conn.Close()
}

func (w *writer) stats() Stats {
	return Stats{
		Writes: w.counts.writes.Load(), Commits: w.counts.commits.Load(), Undone: w.counts.undone.Load(),
		Retried: w.counts.retried.Load(), Waiting: len(w.queue),
	}
}
