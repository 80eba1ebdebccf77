package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
	"github.com/jotkeeper/jotkeeper/store"
)

// Errors of Open and of what a Backend answers, beside [store.ErrUnavailable].
var (
	ErrInUse   = errors.New("a jotkeeper server runs on this directory")
	ErrNewer   = sqldb.ErrNewer
	ErrCorrupt = sqldb.ErrCorrupt
	ErrFull    = sqldb.ErrFull
)

// Options change how a file is opened. The zero value is right for a command
// that looks or changes something and leaves.
type Options struct {
	Server  bool          // hold the file's directory: a second server is refused with ErrInUse
	Readers int           // reading connections; 0: twice the processors, at least 4
	Batch   int           // changes in one transaction at most; 0: 256, 1: one by one
	Busy    time.Duration // how long to wait for another process's change; 0: 5 s

	// Mirror is told the head of the log after each commit that appended to it,
	// before anybody is answered. What it cannot keep is not acknowledged: its
	// error is answered as unavailable, although the change is durable.
	Mirror func(epoch, seq uint64) error
}

func (o Options) withDefaults() Options {
	if o.Readers <= 0 {
		o.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if o.Batch <= 0 {
		o.Batch = 256
	}
	if o.Busy <= 0 {
		o.Busy = 5 * time.Second
	}
	return o
}

// A Backend keeps every contract in one SQLite file. It is safe for concurrent
// use.
type Backend struct {
	reading *sql.DB
	pool    *sqldb.Handle
	writing *sql.DB
	writer  *writer
	watch   *watch
	place   place
	lock    *os.File // of the directory, held by a server
	reads   atomic.Uint64
	mirror  func(epoch, seq uint64) error

	close  sync.Once
	closed error
}

// Open opens the file at path, makes it (mode 0600) if there is none, and
// brings it to the newest schema. Its directory must exist; a file or a directory
// that may only be read is refused. Close it after use.
func Open(ctx context.Context, path string, o Options) (*Backend, error) {
	o = o.withDefaults()
	b := &Backend{}
	if err := b.open(ctx, path, o); err != nil {
		b.release()
		return nil, fmt.Errorf("sqlite: %s: %w", path, err)
	}
	return b, nil
}

func (b *Backend) open(ctx context.Context, path string, o Options) (err error) {
	if o.Server {
		if b.lock, err = holdDirectory(path); err != nil {
			return err
		}
	}
	if err := create(path); err != nil {
		return sqldb.Unavailable(err)
	}
	if err := writable(path); err != nil {
		return sqldb.Unavailable(err)
	}
	if b.writing, err = connect(path, o.Busy, false, 1); err != nil {
		return err
	}
	if err := migrate(ctx, b.writing, path, o); err != nil {
		return err
	}
	// The watch keeps a connection to itself: no reader waits for it.
	if b.reading, err = connect(path, o.Busy, true, o.Readers+1); err != nil {
		return err
	}
	b.pool = sqldb.NewPool(dialect, b.reading)
	b.watch = newWatch(b.reading)
	b.mirror = o.Mirror
	if b.place, err = newPlace(path); err != nil {
		return err
	}
	b.writer, err = newWriter(b.writing, o.Batch, b.place.holds, b.grown)
	return err
}

// grown is called after a commit that appended rules. The head is read as it
// is stored: a number that a change took and gave back was never in the log.
func (b *Backend) grown() error {
	b.watch.wake()
	if b.mirror == nil {
		return nil
	}
	head, err := b.Set().Revocations.Head(context.Background())
	if err == nil {
		err = b.mirror(head.Epoch, head.Seq)
	}
	if err != nil {
		return sqldb.Unavailable(fmt.Errorf("the change is kept, its place in the log could not be noted outside the database: %w", err))
	}
	return nil
}

// Set returns the contracts, each call a transaction of its own.
func (b *Backend) Set() store.Set { return sqldb.Contracts(database{b}) }

// Together runs f in one transaction, in turn with every other change. It must
// use only tx: a change through [Backend.Set] inside f waits for f to end. The
// end of ctx makes Together return as long as f has not begun; from then on it
// waits for the truth.
func (b *Backend) Together(ctx context.Context, f func(tx store.Set) error) error {
	return b.writer.do(ctx, func(_ context.Context, h *sqldb.Handle) error { return f(sqldb.Within(h)) })
}

// Ping tells whether the file answers and may be written.
func (b *Backend) Ping(ctx context.Context) error {
	if err := b.writer.trouble(); err != nil {
		return err
	}
	_, err := b.Set().Revocations.Head(ctx)
	return err
}

// Close answers what waits, then closes the file. Whatever is called afterwards
// fails with [store.ErrUnavailable].
func (b *Backend) Close() error {
	b.close.Do(func() { b.closed = b.release() })
	return b.closed
}

// release frees what Open has taken so far.
func (b *Backend) release() error {
	var errs []error
	if b.watch != nil {
		b.watch.close()
	}
	if b.writer != nil {
		errs = append(errs, b.writer.close())
	}
	// The writing connection closes last: it tidies up the journal.
	for _, db := range []*sql.DB{b.reading, b.writing} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if b.lock != nil {
		errs = append(errs, b.lock.Close())
	}
	return errors.Join(errs...)
}

// Stats tells what a Backend has done since Open.
type Stats struct {
	Reads   uint64 // closures that only read
	Writes  uint64 // changes answered: done, refused or failed
	Commits uint64 // transactions that were made durable
	Undone  uint64 // changes undone because they failed
	Retried uint64 // changes run again because a neighbour broke the transaction
	Waiting int    // changes that wait for their turn now
}

// Stats returns the counts so far.
func (b *Backend) Stats() Stats {
	s := b.writer.stats()
	s.Reads = b.reads.Load()
	return s
}

// database is the Backend as sqldb wants it.
type database struct{ b *Backend }

func (d database) Read(ctx context.Context, f func(context.Context, *sqldb.Handle) error) error {
	d.b.reads.Add(1)
	if err := d.b.place.holds(); err != nil {
		return err
	}
	return f(ctx, d.b.pool)
}

func (d database) Write(ctx context.Context, f func(context.Context, *sqldb.Handle) error) error {
	return d.b.writer.do(ctx, f)
}

func (d database) Changed() (<-chan struct{}, error) { return d.b.watch.changed() }
