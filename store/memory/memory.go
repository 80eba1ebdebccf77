package memory

import (
	"context"
	"errors"
	"fmt"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
)

var errClosed = fmt.Errorf("%w: the store is closed", store.ErrUnavailable)

// errInside is returned by a Wait inside a transaction, which could never end.
var errInside = errors.New("memory: Wait inside Together would wait for itself; call it on Backend.Set")

// A Backend keeps every contract in maps. It is safe for concurrent use.
type Backend struct {
	turn    chan struct{} // holds one token: whoever has it may touch state
	state   *state
	closed  chan struct{}
	changed chan struct{} // closed and replaced when rules were appended; needs the turn
}

// state is what is kept, with the way back from what the transaction under
// way did to it.
type state struct {
	accounts    table[int64, account.Row]
	identifiers table[string, int64]
	lastAccount int64
	keys        table[string, keyring.Record]
	periods     table[int64, string]
	oneTimes    table[string, onetime.Record]
	sessions    table[string, session.Row]
	epochs      table[string, int64]
	rotations   table[string, keeper.Rotation]
	log         []revocation.Entry
	head        revocation.Cursor
	undo        []func()
}

// New returns an empty Backend.
func New() *Backend {
	s := &state{head: revocation.Cursor{Epoch: 1}}
	s.accounts = newTable[int64, account.Row](s)
	s.identifiers = newTable[string, int64](s)
	s.keys = newTable[string, keyring.Record](s)
	s.periods = newTable[int64, string](s)
	s.oneTimes = newTable[string, onetime.Record](s)
	s.sessions = newTable[string, session.Row](s)
	s.epochs = newTable[string, int64](s)
	s.rotations = newTable[string, keeper.Rotation](s)
	return &Backend{turn: make(chan struct{}, 1), state: s, closed: make(chan struct{}), changed: make(chan struct{})}
}

// Set returns the contracts, each call a transaction of its own.
func (b *Backend) Set() store.Set { return contracts(b.together, b.wait) }

// Together runs f in one transaction. No other call proceeds until it returns,
// so a call on [Backend.Set] inside f waits for itself: use tx.
func (b *Backend) Together(ctx context.Context, f func(tx store.Set) error) error {
	return b.together(ctx, func(s *state) error {
		return f(contracts(
			func(_ context.Context, g func(*state) error) error { return s.nested(g) },
			func(context.Context, revocation.Cursor) error { return errInside },
		))
	})
}

// Ping tells whether the backend is open.
func (b *Backend) Ping(ctx context.Context) error {
	return b.together(ctx, func(*state) error { return nil })
}

// Close waits for the transaction under way. Whatever is called afterwards
// fails with [store.ErrUnavailable].
func (b *Backend) Close() error {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	select {
	case <-b.closed:
	default:
		close(b.closed)
	}
	return nil
}

// together runs f when it is its turn, and undoes what it did if it fails or
// panics.
func (b *Backend) together(ctx context.Context, f func(*state) error) error {
	if err := b.enter(ctx); err != nil {
		return err
	}
	defer func() { <-b.turn }()
	s := b.state
	before, done := s.head, false
	s.undo = s.undo[:0]
	defer func() {
		if !done {
			s.back(0)
		} else if s.head != before {
			close(b.changed)
			b.changed = make(chan struct{})
		}
	}()
	if err := f(s); err != nil {
		return err
	}
	done = true
	return nil
}

func (b *Backend) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return gaveUp(ctx)
	}
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return gaveUp(ctx)
	}
	select {
	case <-b.closed:
		<-b.turn
		return errClosed
	default:
		return nil
	}
}

// gaveUp says that the caller left before its turn came: nothing was done.
func gaveUp(ctx context.Context) error {
	return fmt.Errorf("%w: the caller gave up waiting: %w", store.ErrUnavailable, context.Cause(ctx))
}

// nested runs one call of a larger transaction: its failure undoes this call.
func (s *state) nested(f func(*state) error) error {
	mark := len(s.undo)
	err := f(s)
	if err != nil {
		s.back(mark)
	}
	return err
}

// back takes back everything after mark, newest first.
func (s *state) back(mark int) {
	for len(s.undo) > mark {
		last := s.undo[len(s.undo)-1]
		s.undo = s.undo[:len(s.undo)-1]
		last()
	}
}

// wait returns when the head of the log is not after, or ctx ends.
func (b *Backend) wait(ctx context.Context, after revocation.Cursor) error {
	for {
		var head revocation.Cursor
		var changed chan struct{}
		err := b.together(ctx, func(s *state) error {
			head, changed = s.head, b.changed
			return nil
		})
		if err != nil || head != after {
			return err
		}
		select {
		case <-changed:
		case <-b.closed:
			return errClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A run runs one call on the state: as a transaction or inside one.
type run func(ctx context.Context, f func(*state) error) error

func contracts(r run, wait func(context.Context, revocation.Cursor) error) store.Set {
	return store.Set{Accounts: accounts{r}, Keys: keys{r}, OneTimes: oneTimes{r}, Sessions: sessions{r}, Keepers: keepers{r}, Revocations: revocations{r, wait}}
}

// A table is a map whose changes can be taken back. Values are never changed
// in place: they are cloned on the way in and on the way out.
type table[K comparable, V any] struct {
	rows  map[K]V
	state *state
}

func newTable[K comparable, V any](s *state) table[K, V] {
	return table[K, V]{rows: map[K]V{}, state: s}
}

func (t table[K, V]) put(k K, v V) {
	old, had := t.rows[k]
	t.state.undo = append(t.state.undo, func() {
		if had {
			t.rows[k] = old
		} else {
			delete(t.rows, k)
		}
	})
	t.rows[k] = v
}

func (t table[K, V]) drop(k K) {
	if old, had := t.rows[k]; had {
		t.state.undo = append(t.state.undo, func() { t.rows[k] = old })
		delete(t.rows, k)
	}
}
