package sqldb

import (
	"context"

	"github.com/jotkeeper/jotkeeper/store"
)

// A Database turns closures into transactions. The context that a closure is
// handed is the one to run statements with.
type Database interface {
	// Read runs f where it may only read. f may run beside other closures.
	Read(ctx context.Context, f func(ctx context.Context, h *Handle) error) error
	// Write runs f in one transaction, durable when Write returns nil. f may
	// run again; what it did is undone if it returns an error, and the error
	// is returned as it is.
	Write(ctx context.Context, f func(ctx context.Context, h *Handle) error) error
	// Changed returns a channel that is closed when the log may have grown.
	// An error says that the database is closed.
	Changed() (<-chan struct{}, error)
}

// Contracts returns the contracts over a database, each call a transaction of
// its own.
func Contracts(db Database) store.Set {
	return store.Set{
		Accounts:    accounts{db},
		Keys:        keys{db},
		OneTimes:    oneTimes{db},
		Sessions:    sessions{db},
		Keepers:     keepers{db},
		Revocations: revocations{db},
	}
}

// Within returns the contracts inside the transaction that h is in.
func Within(h *Handle) store.Set { return Contracts(within{h}) }

// within is a Database whose closures join a transaction that has begun. The
// caller's context may end, the transaction belongs to others as well: its
// statements are never cancelled.
type within struct{ h *Handle }

func (w within) Read(ctx context.Context, f func(context.Context, *Handle) error) error {
	return f(context.WithoutCancel(ctx), w.h)
}

// Write runs one call behind a savepoint of its own, so that a call that fails
// leaves nothing behind even if the larger transaction goes on.
func (w within) Write(ctx context.Context, f func(context.Context, *Handle) error) error {
	ctx = context.WithoutCancel(ctx)
	if _, err := w.h.Exec(ctx, `SAVEPOINT call`); err != nil {
		return err
	}
	failed := f(ctx, w.h)
	if failed != nil && w.h.Fault() == nil {
		if _, err := w.h.Exec(ctx, `ROLLBACK TO call`); err != nil {
			return err
		}
	}
	if _, err := w.h.Exec(ctx, `RELEASE call`); failed == nil {
		failed = err
	}
	return failed
}

func (w within) Changed() (<-chan struct{}, error) { return nil, errInside }
