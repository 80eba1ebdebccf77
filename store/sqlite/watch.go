package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
)

// lookEach is how often a process looks for what other processes committed.
const lookEach = 50 * time.Millisecond

// A watch wakes those who wait for the log to grow: at once for this process's
// commits, within lookEach for those of others. It looks only while somebody
// has ever waited.
type watch struct {
	db *sql.DB

	mu   sync.Mutex
	next chan struct{} // closed at the next change
	stop context.CancelFunc
	done chan struct{}
	over bool
}

func newWatch(db *sql.DB) *watch { return &watch{db: db, next: make(chan struct{})} }

// changed returns a channel that is closed when the log may have grown, or the
// watch has ended.
func (w *watch) changed() (<-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil, sqldb.Unavailable(sqldb.ErrClosed)
	}
	if w.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		w.stop, w.done = stop, make(chan struct{})
		go w.look(ctx)
	}
	return w.next, nil
}

func (w *watch) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.next)
	w.next = make(chan struct{})
}

// look compares PRAGMA data_version on one connection: it differs when another
// connection, of whatever process, has committed in between.
func (w *watch) look(ctx context.Context) {
	defer close(w.done)
	tick := time.NewTicker(lookEach)
	defer tick.Stop()
	var conn *sql.Conn
	var last int64
	for {
		version, err := int64(0), error(nil)
		if conn == nil {
			conn, err = w.db.Conn(ctx)
		}
		if err == nil {
			err = conn.QueryRowContext(context.WithoutCancel(ctx), `PRAGMA data_version`).Scan(&version)
		}
		// Trouble wakes them too: what they do next will meet it.
		if err != nil || version != last {
			last = version
			w.wake()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if conn != nil {
				conn.Close()
			}
			return
		}
	}
}

func (w *watch) close() {
	w.mu.Lock()
	w.over = true
	stop, done := w.stop, w.done
	w.stop = nil
	w.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
	w.wake()
}
