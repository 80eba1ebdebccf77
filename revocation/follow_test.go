package revocation_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A feed is a source that a test can break.
type feed struct {
	mu      sync.Mutex
	epoch   uint64
	kept    []revocation.Entry
	head    uint64
	trouble error         // answered by Read and Head
	deaf    bool          // Wait returns only with its context
	eager   bool          // Wait returns at once
	wake    chan struct{} // closed by append
	reads   int
	waits   int
	largest int // longest page answered
}

func newFeed(rules ...revocation.Rule) *feed {
	f := &feed{epoch: 1, wake: make(chan struct{})}
	f.append(rules...)
	return f
}

func (f *feed) append(rules ...revocation.Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rules {
		f.head++
		f.kept = append(f.kept, revocation.Entry{Cursor: at(f.epoch, f.head), At: noon, Rule: r})
	}
	close(f.wake)
	f.wake = make(chan struct{})
}

func (f *feed) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *feed) Head(context.Context) (revocation.Cursor, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return at(f.epoch, f.head), f.trouble
}

func (f *feed) Read(_ context.Context, after revocation.Cursor, limit int) ([]revocation.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.trouble != nil {
		return nil, f.trouble
	}
	foreign := after.Epoch != f.epoch || after.Seq > f.head
	if after != (revocation.Cursor{}) && foreign {
		return nil, revocation.ErrSnapshotRequired
	}
	var page []revocation.Entry
	for _, e := range f.kept {
		if after.Before(e.Cursor) && len(page) < limit {
			page = append(page, e)
		}
	}
	f.largest = max(f.largest, len(page))
	return page, nil
}

func (f *feed) Wait(ctx context.Context, _ revocation.Cursor) error {
	f.mu.Lock()
	f.waits++
	wake, deaf, eager := f.wake, f.deaf, f.eager
	f.mu.Unlock()
	if eager {
		return nil
	}
	if deaf {
		wake = nil
	}
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// following runs Follow beside the test, in a bubble whose clock only moves when everybody waits.
func following(t *testing.T, f *feed, test func(t *testing.T, x *revocation.Index)) {
	synctest.Test(t, func(t *testing.T) {
		f.wake = make(chan struct{}) // a channel of the bubble
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		x, done := revocation.NewIndex(issuer), make(chan error, 1)
		go func() { done <- revocation.Follow(ctx, f, x) }()
		synctest.Wait()
		test(t, x)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Follow ended with %v, want context.Canceled", err)
		}
	})
}

// pass lets time go by in the bubble, until everybody waits again.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func session(sid string) revocation.Rule { return revocation.SessionEnded(sid, "logout", time.Time{}) }

func revoked(x *revocation.Index, sid string) bool {
	return x.Check(time.Now(), &revocation.Query{Issuer: issuer, SessionID: sid}).Action == revocation.Revoke
}

func TestFollowerHearsOfALogout(t *testing.T) {
	f := newFeed(session("old"))
	following(t, f, func(t *testing.T, x *revocation.Index) {
		if !revoked(x, "old") || x.Stale(time.Now()) || x.Cursor() != at(1, 1) {
			t.Fatalf("at the start: %+v", x.Stats())
		}
		pass(10 * time.Minute) // a quiet evening, in the bubble's time
		if x.Stale(time.Now()) {
			t.Error("silence made it stale")
		}
		before := time.Now()
		f.append(session("phone"))
		synctest.Wait()
		if !revoked(x, "phone") || x.Cursor() != at(1, 2) || time.Since(before) != 0 {
			t.Errorf("after %v: %+v", time.Since(before), x.Stats())
		}
	})
}

func TestFollowerNeedsNoHint(t *testing.T) {
	f := newFeed()
	f.deaf = true
	following(t, f, func(t *testing.T, x *revocation.Index) {
		f.append(session("phone"))
		pass(time.Second)
		if !revoked(x, "phone") {
			t.Error("a second later the rule is not there")
		}
	})
}

func TestFollowerReadsInPages(t *testing.T) {
	var rules []revocation.Rule
	for range 2500 {
		rules = append(rules, session("phone"))
	}
	f := newFeed(rules...)
	following(t, f, func(t *testing.T, x *revocation.Index) {
		if x.Cursor() != at(1, 2500) || f.largest != 1000 || f.reads != 3 {
			t.Errorf("at %v in %d reads, the largest of %d; want three pages", x.Cursor(), f.reads, f.largest)
		}
		f.append(rules...)
		synctest.Wait()
		if x.Cursor() != at(1, 5000) {
			t.Errorf("a burst leaves it at %v", x.Cursor())
		}
	})
}

func TestFollowerSurvivesItsSource(t *testing.T) {
	f := newFeed(session("phone"))
	following(t, f, func(t *testing.T, x *revocation.Index) {
		f.set(func() { f.trouble = errors.New("disk on fire") })
		pass(revocation.MaxStale + 600*time.Millisecond)
		if !x.Stale(time.Now()) || !revoked(x, "phone") {
			t.Errorf("cut off it must be stale and keep its rules: %+v", x.Stats())
		}
		pass(time.Hour)
		if n := x.Stats().Failures; n < 3600 || n > 3620 {
			t.Errorf("%d attempts in an hour, want about one a second", n)
		}
		f.append(session("laptop"))
		f.set(func() { f.trouble = nil })
		pass(time.Second)
		if x.Stale(time.Now()) || !revoked(x, "laptop") || x.Stats().Snapshots != 1 {
			t.Errorf("a second after the source is back: %+v", x.Stats())
		}
	})
}

func TestFollowerStartsStaleWithoutASource(t *testing.T) {
	f := newFeed(session("phone"))
	f.trouble = errors.New("not up yet")
	following(t, f, func(t *testing.T, x *revocation.Index) {
		pass(time.Minute)
		if !x.Stale(time.Now()) {
			t.Error("it calls itself fresh and has never heard a word")
		}
		f.set(func() { f.trouble = nil })
		pass(time.Second)
		if x.Stale(time.Now()) || !revoked(x, "phone") {
			t.Errorf("it does not recover by itself: %+v", x.Stats())
		}
	})
}

// A restored backup, or a fail-over that lost the last writes, must not give
// an ended session back.
func TestFollowerMergesAndNeverForgets(t *testing.T) {
	for name, restore := range map[string]func(f *feed){
		"a new epoch":                      func(f *feed) { f.epoch, f.kept, f.head = 2, nil, 0 },
		"a head behind, in the same epoch": func(f *feed) { f.kept, f.head = f.kept[:1], 1 },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeed(session("old"), session("phone"))
			following(t, f, func(t *testing.T, x *revocation.Index) {
				f.set(func() { restore(f) })
				pass(time.Second)
				if !revoked(x, "old") || !revoked(x, "phone") {
					t.Error("the restore gave a session back")
				}
				f.append(session("laptop"))
				pass(time.Second)
				if !revoked(x, "laptop") || x.Stale(time.Now()) || x.Cursor() != at(f.epoch, f.head) {
					t.Errorf("it does not follow on: %+v", x.Stats())
				}
				if s := x.Stats(); s.Snapshots != 2 || s.Rules != 3 {
					t.Errorf("got %+v, want a second reading of everything", s)
				}
			})
		})
	}
}

func TestFollowerStopsAtWhatItDoesNotUnderstand(t *testing.T) {
	f := newFeed(session("phone"))
	following(t, f, func(t *testing.T, x *revocation.Index) {
		f.append(ended("planet", "earth"), session("laptop"))
		pass(revocation.MaxStale + time.Second)
		if !x.Stale(time.Now()) || x.Cursor() != at(1, 1) {
			t.Errorf("it skips what it does not know: %+v", x.Stats())
		}
		if !revoked(x, "laptop") {
			t.Error("a rule it does know is not in force")
		}
	})
}

func TestFollowerDoesNotTrustDisorder(t *testing.T) {
	f := newFeed(session("a"), session("b"), session("c"))
	slices.Reverse(f.kept)
	following(t, f, func(t *testing.T, x *revocation.Index) {
		pass(time.Minute)
		if !x.Stale(time.Now()) || f.reads > 100 {
			t.Errorf("%d reads of a source that answers backwards: %+v", f.reads, x.Stats())
		}
	})
}

func TestFollowerBreathesWhenWaitIsEager(t *testing.T) {
	f := newFeed()
	f.eager = true
	following(t, f, func(t *testing.T, _ *revocation.Index) {
		pass(time.Second)
		if f.waits > 201 {
			t.Errorf("%d rounds in a second", f.waits)
		}
	})
}

func TestFollowerSweeps(t *testing.T) {
	f := newFeed()
	following(t, f, func(t *testing.T, x *revocation.Index) {
		f.append(revocation.SessionEnded("phone", "logout", time.Now().Add(90*time.Second)))
		pass(89 * time.Second)
		if x.Rules() != 1 {
			t.Errorf("swept too early: %+v", x.Stats())
		}
		pass(time.Minute)
		if x.Rules() != 0 {
			t.Errorf("not swept: %+v", x.Stats())
		}
	})
}

// The same over a log that a program would use, swept as well.
func TestFollowerOfALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New()
		log, x := backend.Set().Revocations, revocation.NewIndex(issuer)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- revocation.Follow(ctx, log, x) }()
		synctest.Wait()
		until := time.Now().Add(time.Minute)
		everywhere := revocation.SubjectEnded("42", "password", until)
		c, err := log.Append(ctx, time.Now(), revocation.SessionEnded("phone", "logout", until), everywhere)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !revoked(x, "phone") || x.Cursor() != c {
			t.Errorf("after %v: %+v", c, x.Stats())
		}
		for rev, want := range map[revocation.Cursor]revocation.Action{{Epoch: c.Epoch, Seq: c.Seq - 1}: revocation.Revoke, c: revocation.None} {
			q := revocation.Query{Issuer: issuer, Subject: "42", Rev: rev, HasRev: true}
			if v := x.Check(time.Now(), &q); v.Action != want {
				t.Errorf("a token of %v: %+v", rev, v)
			}
		}
		pass(3 * time.Minute)
		if n, err := log.Compact(ctx, time.Now()); err != nil || n != 2 || x.Rules() != 0 {
			t.Errorf("compacted %d, %v; %d rules kept", n, err, x.Rules())
		}
		if _, err := log.Append(ctx, time.Now(), revocation.SessionEnded("laptop", "logout", time.Now().Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !revoked(x, "laptop") || x.Stale(time.Now()) || x.Stats().Snapshots != 1 {
			t.Errorf("after compacting: %+v", x.Stats())
		}
		cancel()
		<-done
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A clock that ran ahead and swept too much is put right: what was forgotten
// comes back from the source.
func TestFollowerRecoversFromAClockAhead(t *testing.T) {
	f := newFeed()
	following(t, f, func(t *testing.T, x *revocation.Index) {
		f.append(revocation.SessionEnded("phone", "logout", time.Now().Add(time.Hour)))
		synctest.Wait()
		if n := x.Sweep(time.Now().Add(24 * time.Hour)); n != 1 || revoked(x, "phone") {
			t.Fatalf("swept %d", n)
		}
		pass(time.Second)
		if !revoked(x, "phone") || x.Stats().Snapshots != 2 {
			t.Errorf("the rule stays lost: %+v", x.Stats())
		}
	})
}

func TestStaleIsMeasuredFromTheLastWord(t *testing.T) {
	x := revocation.NewIndex(issuer)
	if !x.Stale(noon) {
		t.Error("never heard, and fresh")
	}
	x.Heard(noon)
	if x.Stale(noon.Add(revocation.MaxStale)) || !x.Stale(noon.Add(revocation.MaxStale+1)) {
		t.Error("MaxStale is not the bound")
	}
}

// Whoever follows for an index by other means says how far it has read.
func TestReachedMovesTheCursorEitherWay(t *testing.T) {
	x := indexOf(t, entry(1, session("phone")))
	for _, c := range []revocation.Cursor{at(1, 7), at(1, 3), at(2, 0)} {
		if x.Reached(c); x.Cursor() != c || x.Rules() != 1 {
			t.Errorf("at %v, want %v", x.Cursor(), c)
		}
	}
}
