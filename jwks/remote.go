package jwks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A RemoteConfig says whose key set is kept. One of URL and Issuer is required.
type RemoteConfig struct {
	URL    string // of the key set: https, or http on this machine
	Issuer string // whose discovery document names the key set

	// Client makes the requests; nil means one with Go's default transport. Its
	// redirect policy and its cookies are not used.
	Client *http.Client

	MaxAge    time.Duration // how long a set is fresh when its server does not say; 0 means 5 minutes
	Cooldown  time.Duration // between two fetches for unknown key IDs; 0 means 30 seconds
	HardLimit time.Duration // after which a set that cannot be fetched again is not used; 0 means 24 hours
	Timeout   time.Duration // for one fetch, from the dial to the last byte; 0 means 5 seconds
}

// A Remote keeps the key set of an issuer. It fetches when it is made and
// before the set's max-age is over, in the background, and when a verifier
// meets a key ID that the set lacks, then at most once per cool-down.
//
// What it fetched replaces what it had. A key that stays keeps its pointer; one
// that left is withdrawn. What is no key set (an error page, an empty list, too
// much, too slow) replaces nothing: the last good set stays in use until the
// hard limit, after which nothing is accepted.
//
// A Remote may be used by many goroutines. Close it.
type Remote struct {
	cfg     RemoteConfig
	fetcher fetcher
	current atomic.Pointer[fetched] // nil until the first good fetch

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup
	ready  chan struct{} // closed by the first good fetch

	mu     sync.Mutex
	flight *flight   // the fetch under way
	asked  time.Time // when a fetch for an unknown key ID last began
	stats  Stats
}

// A flight is one fetch that any number of goroutines wait for.
type flight struct {
	done chan struct{}
	err  error // set before done is closed
}

// NewRemote returns a Remote that is fetching its first set. It returns
// ErrConfig, with everything that is wrong, and asks no network itself.
func NewRemote(cfg RemoteConfig) (*Remote, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.MaxAge = cmp.Or(cfg.MaxAge, 5*time.Minute)
	cfg.Cooldown = cmp.Or(cfg.Cooldown, 30*time.Second)
	cfg.HardLimit = cmp.Or(cfg.HardLimit, 24*time.Hour)
	cfg.Timeout = cmp.Or(cfg.Timeout, 5*time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	r := &Remote{
		cfg:     cfg,
		fetcher: newFetcher(cfg),
		ctx:     ctx,
		cancel:  cancel,
		ready:   make(chan struct{}),
	}
	r.work.Go(r.run)
	return r, nil
}

func (c *RemoteConfig) check() error {
	var problems []error
	if (c.URL == "") == (c.Issuer == "") {
		problems = append(problems, errors.New("name the key set's URL, or the Issuer whose discovery document does, and not both"))
	}
	for _, u := range []string{c.URL, c.Issuer} {
		if u == "" {
			continue
		}
		if _, err := safeURL(u); err != nil {
			problems = append(problems, err)
		}
	}
	for _, d := range []time.Duration{c.MaxAge, c.Cooldown, c.HardLimit, c.Timeout} {
		if d < 0 {
			problems = append(problems, fmt.Errorf("a duration of %s; leave it 0 for the default", d))
		}
	}
	if problems == nil {
		return nil
	}
	return errors.Join(append([]error{ErrConfig}, problems...)...)
}

// Snapshot returns the keys in force at now; or an error with reason
// unavailable before the first good fetch and past the hard limit.
func (r *Remote) Snapshot(now time.Time) (*jwt.Snapshot, error) {
	f := r.current.Load()
	switch {
	case f == nil:
		return nil, errCold
	case now.Sub(f.at) > r.cfg.HardLimit:
		return nil, errOld
	}
	return f.set.snapshot, nil
}

// Missing fetches the set again, for a key ID that it lacks. It returns nil when
// the set has that key now; reason key when the issuer does not publish it; and
// reason unavailable when that cannot be known: the fetch failed, ctx ended, or
// the set was fetched for an unknown key ID less than a cool-down ago.
func (r *Remote) Missing(ctx context.Context, now time.Time, kid string) error {
	for {
		f, joined, err := r.board(now, kid)
		if f == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return &jwt.Error{Reason: jwt.Unavailable, Detail: "the wait for the issuer's key set was given up", Err: ctx.Err()}
		case <-f.done:
		}
		switch {
		case r.has(kid):
			return nil
		case f.err != nil:
			return &jwt.Error{Reason: jwt.Unavailable, Detail: "the issuer's key set cannot be fetched", Err: f.err}
		case !joined:
			return errUnknown
		}
		// The fetch may have begun before the key was published: ask for it.
	}
}

// board returns the fetch that will tell of kid: the one under way, or a new one
// if a cool-down has passed since the last. Without a fetch the error is final.
func (r *Remote) board(now time.Time, kid string) (f *flight, joined bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.has(kid):
		return nil, false, nil
	case r.flight != nil:
		return r.flight, true, nil
	case !r.asked.IsZero() && now.Sub(r.asked) < r.cfg.Cooldown:
		return nil, false, errCooling
	}
	r.asked = now
	return r.begin(), false, nil
}

func (r *Remote) has(kid string) bool {
	f := r.current.Load()
	return f != nil && f.set.snapshot.Key(kid) != nil
}

// Ready waits until there is a set. It returns what ended ctx, with the reason
// of the last failed fetch.
func (r *Remote) Ready(ctx context.Context) error {
	select {
	case <-r.ready:
		return nil
	case <-r.ctx.Done():
		return errClosed
	case <-ctx.Done():
		return errors.Join(ctx.Err(), r.Stats().Err)
	}
}

// Close ends all fetching and waits for it. The set stays in use until its hard
// limit.
func (r *Remote) Close() error {
	r.mu.Lock()
	r.cancel()
	r.mu.Unlock()
	r.work.Wait()
	r.fetcher.close()
	return nil
}

// Stats tells what a Remote did so far.
type Stats struct {
	Fetches   int64     // begun
	Failures  int64     // of them
	Keys      int       // in the set
	FetchedAt time.Time // when the set was last known to be current
	Err       error     // of the last fetch
	Skipped   []error   // what was left out of the set
}

// Stats returns the counts so far.
func (r *Remote) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	if f := r.current.Load(); f != nil {
		s.Keys, s.FetchedAt, s.Skipped = len(f.set.Keys()), f.at, f.skipped
	}
	return s
}

// run fetches in the background until Close.
func (r *Remote) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for failures := 0; ; {
		select {
		case <-r.ctx.Done():
			return
		case <-timer.C:
		}
		r.mu.Lock()
		f := r.flight
		if f == nil {
			f = r.begin()
		}
		r.mu.Unlock()
		<-f.done
		if f.err != nil {
			failures++
		} else {
			failures = 0
		}
		timer.Reset(r.pause(failures))
	}
}

// pause returns the time until the next fetch in the background. A fresh set is
// fetched again after three quarters of its max-age: never later than the issuer
// counts on. A failed fetch is repeated after 1 s, 2 s, 4 s … up to the cool-down;
// each second while there is no set at all, and so nobody can be served.
func (r *Remote) pause(failures int) time.Duration {
	switch {
	case failures > 0 && r.current.Load() == nil:
		return min(time.Second, r.cfg.Cooldown)
	case failures > 0:
		return min(time.Second<<min(failures-1, 16), r.cfg.Cooldown)
	}
	fresh := r.current.Load().maxAge
	if fresh < time.Second { // its server would not have it kept: be gentle
		return r.cfg.Cooldown
	}
	return max(time.Second, min(fresh, r.cfg.HardLimit)*3/4)
}

// begin starts a fetch. The caller holds mu and has seen that none is under way.
// It does not depend on who asked: his leaving must not fail the others.
func (r *Remote) begin() *flight {
	f := &flight{done: make(chan struct{})}
	if r.ctx.Err() != nil {
		f.err = errClosed
		close(f.done)
		return f
	}
	r.flight = f
	r.stats.Fetches++
	r.work.Go(func() {
		first := r.current.Load() == nil
		err := r.refresh()
		r.mu.Lock()
		r.flight, f.err, r.stats.Err = nil, err, err
		if err != nil {
			r.stats.Failures++
		}
		r.mu.Unlock()
		close(f.done)
		if first && err == nil {
			close(r.ready)
		}
	})
	return f
}

// refresh fetches once and, when the answer is good, replaces the set.
func (r *Remote) refresh() error {
	ctx, cancel := context.WithTimeout(r.ctx, r.cfg.Timeout)
	defer cancel()
	old := r.current.Load()
	next, err := r.fetcher.fetch(ctx, old)
	if err != nil {
		return err
	}
	r.current.Store(next)
	if old != nil {
		old.withdraw(next)
	}
	return nil
}
