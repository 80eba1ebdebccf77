package account_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cheap costs make a hash a matter of microseconds.
var (
	cheap = account.Params{Memory: 8, Time: 1, Threads: 1}
	noon  = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
)

const phrase = "moss-kettle-orbit-42"

// A ledger is a store that counts what it is asked, and can be made to stop or
// to fail before a call.
type ledger struct {
	account.Store
	looks, fails, forgives, swaps atomic.Int64
	before                        func(call string) error
}

func (l *ledger) call(name string, n *atomic.Int64) error {
	n.Add(1)
	if l.before != nil {
		return l.before(name)
	}
	return nil
}

func (l *ledger) FindIdentifier(ctx context.Context, canonical string) (account.Row, error) {
	if err := l.call("FindIdentifier", &l.looks); err != nil {
		return account.Row{}, err
	}
	return l.Store.FindIdentifier(ctx, canonical)
}

func (l *ledger) Fail(ctx context.Context, id int64, now time.Time) (int, error) {
	if err := l.call("Fail", &l.fails); err != nil {
		return 0, err
	}
	return l.Store.Fail(ctx, id, now)
}

func (l *ledger) Forgive(ctx context.Context, id int64, count int) error {
	if err := l.call("Forgive", &l.forgives); err != nil {
		return err
	}
	return l.Store.Forgive(ctx, id, count)
}

func (l *ledger) Swap(ctx context.Context, from, to account.Row) error {
	if err := l.call("Swap", &l.swaps); err != nil {
		return err
	}
	return l.Store.Swap(ctx, from, to)
}

// A town is a store with accounts in it.
type town struct {
	*account.Accounts
	t     *testing.T
	store *ledger
}

func newTown(t *testing.T, change ...func(*account.Config)) *town {
	t.Helper()
	backend := memory.New()
	l := &ledger{Store: backend.Set().Accounts}
	cfg := account.Config{Store: l, Hash: cheap, InsecureHash: true, Workers: 2}
	for _, c := range change {
		c(&cfg)
	}
	a, err := account.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	})
	return &town{a, t, l}
}

// signUp makes an account and returns it.
func (o *town) signUp(identifier, password string) account.Row {
	o.t.Helper()
	r, err := o.Prepare(o.t.Context(), noon, identifier, password)
	if err != nil {
		o.t.Fatalf("signing up %q: %v", identifier, err)
	}
	if r, err = o.Insert(o.t.Context(), r); err != nil {
		o.t.Fatalf("signing up %q: %v", identifier, err)
	}
	return r
}

func (o *town) logIn(identifier, password string) (account.Row, error) {
	return o.Authenticate(o.t.Context(), noon, identifier, password)
}

func (o *town) row(id int64) account.Row {
	o.t.Helper()
	r, err := o.Find(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

// edit changes a row behind the room's back.
func (o *town) edit(id int64, change func(*account.Row)) {
	o.t.Helper()
	from := o.row(id)
	to := from
	change(&to)
	if err := o.store.Store.Swap(o.t.Context(), from, to); err != nil {
		o.t.Fatal(err)
	}
}
