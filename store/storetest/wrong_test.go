package storetest_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/onetime"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
	"github.com/jotkeeper/jotkeeper/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A suite that has never failed proves nothing: here are stores that are wrong
// in ways people get them wrong, and the promise that each of them breaks.
func TestWrongStoresAreCaught(t *testing.T) {
	for name, wrong := range map[string]struct {
		promise, says string
		spoil         func(*store.Set)
	}{
		"a sequence taken before the commit": {"revocation/commit-order", "lost",
			func(s *store.Set) { s.Revocations = &autoIncrement{Log: s.Revocations, read: make(chan struct{})} }},
		"an epoch compared before the insert": {"session/end-beside-login", "survived",
			func(s *store.Set) { s.Sessions = &carelessLogin{Store: s.Sessions} }},
		"a revision compared before the swap": {"session/A085-swap-race", "won the race",
			func(s *store.Set) { s.Sessions = &carelessSwap{Store: s.Sessions} }},
		"a cap counted before the insert": {"session/A107-cap-race", "are live",
			func(s *store.Set) { s.Sessions = &carelessCap{Store: s.Sessions} }},
		"failures read, then written": {"account/fail", "64 attempts",
			func(s *store.Set) { s.Accounts = &carelessCount{Store: s.Accounts} }},
		"an epoch compared before it is opened": {"revocation/epoch-race", "opened the epoch",
			func(s *store.Set) { s.Revocations = &carelessEpoch{Log: s.Revocations} }},
		"an epoch that forgets": {"revocation/epoch", "the head of the new epoch",
			func(s *store.Set) { s.Revocations = forgetfulEpoch{s.Revocations} }},
		"a log looked at before the renewal": {"keeper/logout-beside-renewal", "survived the logout",
			func(s *store.Set) {
				w := &carelessRenewal{Store: s.Keepers, Log: s.Revocations, passed: make(chan struct{}, 1024), ended: map[string]chan struct{}{}}
				s.Keepers, s.Revocations = w, hastyLogout{s.Revocations, w}
			}},
		"a successor for each who asks": {"keeper/A085-rotate-race", "a second successor",
			func(s *store.Set) { s.Keepers = generousRenewal{s.Keepers} }},
		"a renewal on record that outlives a logout": {"keeper/revoked", "asking again",
			func(s *store.Set) { s.Keepers = forgivingRenewal{s.Keepers} }},
		"a one-time token found, then deleted": {"onetime/A111-take", "won the race",
			func(s *store.Set) { s.OneTimes = &carelessTake{Store: s.OneTimes} }},
		"rules that are not told": {"session/end", "the cursor of the last rule",
			func(s *store.Set) { s.Sessions = quietEnd{s.Sessions} }},
	} {
		t.Run(name, func(t *testing.T) {
			b := memory.New()
			defer b.Close()
			set := b.Set()
			if err := storetest.Broken(wrong.promise, b, set); err != nil {
				t.Fatalf("the right store is refused: %v", err)
			}
			b2 := memory.New()
			defer b2.Close()
			set = b2.Set()
			wrong.spoil(&set)
			err := storetest.Broken(wrong.promise, b2, set)
			if err == nil || !strings.Contains(err.Error(), wrong.says) {
				t.Fatalf("%s is not noticed by %s; it found: %v", name, wrong.promise, err)
			}
		})
	}
}

func TestBackendWithoutTransactionsIsCaught(t *testing.T) {
	for _, promise := range []string{"together/error", "together/panic", "together/sequence"} {
		b := separate{memory.New()}
		if err := storetest.Broken(promise, b, b.Set()); err == nil {
			t.Errorf("%s did not notice that nothing is undone", promise)
		}
		b.Close()
	}
}

// separate runs every call of Together on its own.
type separate struct{ *memory.Backend }

func (s separate) Together(_ context.Context, f func(store.Set) error) error { return f(s.Set()) }

func TestEveryPromiseIsASentence(t *testing.T) {
	all := storetest.Promises()
	for name, sentence := range all {
		if !strings.HasSuffix(sentence, ".") || len(sentence) < 20 {
			t.Errorf("%s promises %q", name, sentence)
		}
	}
	if len(all) < 50 {
		t.Errorf("there are %d promises with names of their own", len(all))
	}
}

// autoIncrement hands out numbers as an auto-increment column does: when asked,
// while rows become visible when they are committed. The first one commits
// after somebody has read the second.
type autoIncrement struct {
	revocation.Log
	mu      sync.Mutex
	next    uint64
	visible []revocation.Entry
	read    chan struct{} // closed when the second was read
}

func (a *autoIncrement) Append(_ context.Context, now time.Time, rules ...revocation.Rule) (revocation.Cursor, error) {
	e := revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: a.take()}, At: now, Rule: rules[0]}
	if e.Cursor.Seq == 1 {
		<-a.read
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.visible = append(a.visible, e)
	slices.SortFunc(a.visible, func(x, y revocation.Entry) int { return x.Cursor.Compare(y.Cursor) })
	return e.Cursor, nil
}

func (a *autoIncrement) take() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next++
	return a.next
}

func (a *autoIncrement) Head(context.Context) (revocation.Cursor, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return revocation.Cursor{Epoch: 1, Seq: a.next}, nil
}

func (a *autoIncrement) Read(_ context.Context, after revocation.Cursor, limit int) (list []revocation.Entry, _ error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.visible {
		if after.Before(e.Cursor) && len(list) < limit {
			list = append(list, e)
		}
		if len(list) > 0 && e.Cursor.Seq == 2 {
			select {
			case <-a.read:
			default:
				close(a.read)
			}
		}
	}
	return list, nil
}

// carelessTake finds, and deletes later, when 64 callers have found.
type carelessTake struct {
	onetime.Store
	found sync.WaitGroup
	once  sync.Once
}

func (t *carelessTake) Take(ctx context.Context, hash string) (onetime.Record, error) {
	t.once.Do(func() { t.found.Add(64) })
	r, err := t.Find(ctx, hash)
	t.found.Done()
	t.found.Wait()
	_, _ = t.Store.Take(ctx, hash)
	return r, err
}

// carelessLogin compares the epoch, and inserts later. Of the first login and
// the end of all, each waits until the other is past its first step.
type carelessLogin struct {
	session.Store
	mu     sync.Mutex
	passed map[string]chan struct{} // by account: a login has compared
	ended  map[string]chan struct{} // by account: the end is done
}

func (l *carelessLogin) of(account string) (passed, ended chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.passed == nil {
		l.passed, l.ended = map[string]chan struct{}{}, map[string]chan struct{}{}
	}
	if l.passed[account] == nil {
		l.passed[account], l.ended[account] = make(chan struct{}, 64), make(chan struct{})
	}
	return l.passed[account], l.ended[account]
}

func (l *carelessLogin) Insert(ctx context.Context, r session.Row, epoch int64, c session.Cap) (revocation.Cursor, error) {
	passed, ended := l.of(r.Account)
	if now, err := l.Epoch(ctx, r.Account); err != nil || now != epoch {
		return revocation.Cursor{}, session.ErrConflict
	}
	passed <- struct{}{}
	<-ended
	now, err := l.Epoch(ctx, r.Account)
	if err != nil {
		return revocation.Cursor{}, err
	}
	return l.Store.Insert(ctx, r, now, c)
}

func (l *carelessLogin) End(ctx context.Context, e session.Ending) ([]string, revocation.Cursor, error) {
	passed, ended := l.of(e.Account)
	<-passed
	defer close(ended)
	return l.Store.End(ctx, e)
}

// carelessSwap compares the revision, and writes later: the first two meet in
// between.
type carelessSwap struct {
	session.Store
	mu   sync.Mutex
	meet chan struct{}
}

func (w *carelessSwap) Swap(ctx context.Context, from, to session.Row) error {
	now, _, err := w.Find(ctx, from.ID)
	if err != nil || now.Revision != from.Revision {
		return session.ErrConflict
	}
	w.mu.Lock()
	if w.meet == nil {
		w.meet = make(chan struct{})
		w.mu.Unlock()
		<-w.meet
	} else {
		select {
		case <-w.meet:
		default:
			close(w.meet)
		}
		w.mu.Unlock()
	}
	for {
		now, _, err := w.Find(ctx, from.ID)
		if err != nil {
			return err
		}
		if err = w.Store.Swap(ctx, now, to); err == nil {
			return nil
		}
	}
}

// carelessCap lets everybody in and makes room afterwards, not at all if there
// was room to begin with.
type carelessCap struct{ session.Store }

func (w *carelessCap) Insert(ctx context.Context, r session.Row, epoch int64, c session.Cap) (revocation.Cursor, error) {
	return w.Store.Insert(ctx, r, epoch, session.Cap{Limit: c.Limit + 1, Until: c.Until})
}

// carelessCount answers with a count that it read before.
type carelessCount struct {
	account.Store
}

func (w *carelessCount) Fail(ctx context.Context, id int64, now time.Time) (int, error) {
	r, err := w.Find(ctx, id)
	if err != nil {
		return 0, err
	}
	_, err = w.Store.Fail(ctx, id, now)
	return max(r.Failures, 1), err
}

// carelessRenewal looks at the log, and records later: the logout of its round
// comes in between.
type carelessRenewal struct {
	keeper.Store
	revocation.Log
	passed chan struct{} // somebody has looked
	mu     sync.Mutex
	ended  map[string]chan struct{} // by subject: the logout is done
}

func (w *carelessRenewal) over(subject string) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended[subject] == nil {
		w.ended[subject] = make(chan struct{})
	}
	return w.ended[subject]
}

func (w *carelessRenewal) Rotate(ctx context.Context, r keeper.Rotation, q revocation.Query) (keeper.Rotation, error) {
	if state, err := w.State(ctx, r.At, revocation.ScopeSubject, q.Subject); err != nil || state[q.Subject] == revocation.Revoke {
		return keeper.Rotation{}, keeper.ErrRevoked
	}
	if strings.HasPrefix(q.Subject, "ada ") {
		w.passed <- struct{}{}
		<-w.over(q.Subject)
	}
	return w.Store.Rotate(ctx, r, revocation.Query{})
}

// hastyLogout waits until a renewal has looked.
type hastyLogout struct {
	revocation.Log
	renewals *carelessRenewal
}

func (w hastyLogout) Append(ctx context.Context, now time.Time, rules ...revocation.Rule) (revocation.Cursor, error) {
	if strings.HasPrefix(rules[0].ID, "ada ") {
		<-w.renewals.passed
		defer close(w.renewals.over(rules[0].ID))
	}
	return w.Log.Append(ctx, now, rules...)
}

// generousRenewal gives everybody a successor of their own.
type generousRenewal struct{ keeper.Store }

func (w generousRenewal) Rotate(ctx context.Context, r keeper.Rotation, q revocation.Query) (keeper.Rotation, error) {
	won, err := w.Store.Rotate(ctx, r, q)
	r.Rev = won.Rev
	return r, err
}

// forgivingRenewal asks the log about new renewals only.
type forgivingRenewal struct{ keeper.Store }

func (w forgivingRenewal) Rotate(ctx context.Context, r keeper.Rotation, q revocation.Query) (keeper.Rotation, error) {
	if won, err := w.Rotated(ctx, r.ID); err == nil {
		return won, nil
	}
	return w.Store.Rotate(ctx, r, q)
}

// quietEnd ends without the rules of its caller.
type quietEnd struct{ session.Store }

func (w quietEnd) End(ctx context.Context, e session.Ending) ([]string, revocation.Cursor, error) {
	e.Rules = nil
	return w.Store.End(ctx, e)
}

// carelessEpoch compares, and opens later: the first two meet in between.
type carelessEpoch struct {
	revocation.Log
	mu    sync.Mutex
	asked int
	meet  chan struct{}
}

func (w *carelessEpoch) NewEpoch(ctx context.Context, epoch uint64) (revocation.Cursor, bool, error) {
	w.mu.Lock()
	if w.meet == nil {
		w.meet = make(chan struct{})
	}
	if w.asked++; w.asked == 2 {
		close(w.meet)
	}
	w.mu.Unlock()
	<-w.meet
	head, _, err := w.Log.NewEpoch(ctx, epoch)
	return head, true, err
}

// forgetfulEpoch begins a new epoch with an empty log.
type forgetfulEpoch struct{ revocation.Log }

func (w forgetfulEpoch) NewEpoch(ctx context.Context, epoch uint64) (revocation.Cursor, bool, error) {
	if _, err := w.Compact(ctx, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		return revocation.Cursor{}, false, err
	}
	return w.Log.NewEpoch(ctx, epoch)
}
