package session_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/session"
)

func TestClockFollowsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := 3 * time.Second
		clock := session.NewClock(func(context.Context) (time.Time, error) { return time.Now().Add(ahead), nil })
		if _, err := clock.Now(); !errors.Is(err, session.ErrClock) {
			t.Fatalf("before the first probe: %v, want ErrClock", err)
		}
		if err := clock.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, err := clock.Now()
		if err != nil || time.Until(now) != ahead || clock.Offset() != ahead {
			t.Errorf("now is %v ahead, offset %v, %v; want %v", time.Until(now), clock.Offset(), err, ahead)
		}
	})
}

func TestClockTakesHalfTheTripForTheWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := session.NewClock(func(context.Context) (time.Time, error) {
			<-time.After(time.Second)
			theirs := time.Now()
			<-time.After(time.Second)
			return theirs, nil
		})
		if err := clock.Probe(t.Context()); err != nil || clock.Offset() != 0 {
			t.Errorf("offset %v, %v; want 0", clock.Offset(), err)
		}
	})
}

func TestA193ANodeApartIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead, down atomic.Int64
		ahead.Store(int64(6 * time.Second))
		clock := session.NewClock(func(context.Context) (time.Time, error) {
			if down.Load() != 0 {
				return time.Time{}, errors.New("unreachable")
			}
			return time.Now().Add(time.Duration(ahead.Load())), nil
		})
		ctx, stop := context.WithCancel(t.Context())
		if err := clock.Probe(ctx); !errors.Is(err, session.ErrClock) {
			t.Fatalf("six seconds apart: %v, want ErrClock", err)
		}
		if _, err := clock.Now(); !errors.Is(err, session.ErrClock) {
			t.Fatalf("six seconds apart: %v, want ErrClock", err)
		}
		done := make(chan struct{})
		go func() { clock.Run(ctx); close(done) }()
		ahead.Store(int64(5 * time.Second))
		<-time.After(61 * time.Second)
		if _, err := clock.Now(); err != nil {
			t.Errorf("set right, after the next probe: %v", err)
		}
		down.Store(1)
		<-time.After(10 * time.Minute)
		if now, err := clock.Now(); err != nil || time.Until(now) != 5*time.Second {
			t.Errorf("a store that does not answer: %v ahead, %v; want what was known", time.Until(now), err)
		}
		stop()
		<-done
	})
}

// TestA192AClockThatIsSet tells no time until it has been compared again, and
// does not wait a minute for that.
func TestA192AClockThatIsSet(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -time.Since(time.Unix(0, 0))} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var wrong atomic.Int64
			clock := session.NewClock(func(context.Context) (time.Time, error) { return time.Now(), nil })
			clock.SetClock(func() (time.Time, time.Duration) {
				return time.Now().Add(time.Duration(wrong.Load())), time.Since(start)
			})
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if err := clock.Probe(ctx); err != nil {
				t.Fatal(err)
			}
			go clock.Run(ctx)
			wrong.Store(int64(-time.Second))
			if now, err := clock.Now(); err != nil || time.Since(now) != time.Second {
				t.Errorf("one second back: %v, %v", now, err)
			}
			wrong.Store(int64(step))
			if _, err := clock.Now(); !errors.Is(err, session.ErrClock) {
				t.Errorf("set by %v: %v, want ErrClock", step, err)
			}
			synctest.Wait()
			if _, err := clock.Now(); !errors.Is(err, session.ErrClock) {
				t.Errorf("compared, still %v apart: %v, want ErrClock", step, err)
			}
			wrong.Store(0)
			<-time.After(time.Minute)
			synctest.Wait()
			if _, err := clock.Now(); err != nil {
				t.Errorf("set right: %v", err)
			}
		})
	}
}
