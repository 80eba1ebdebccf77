package jotkeeper

import (
	"context"
	"crypto/rand"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
)

const (
	sightWays   = 4       // places that a generation may stand in
	sightPlaces = 1 << 15 // generations that are remembered, 8 bytes each
	sightQueue  = 1024    // reports that wait at most
	sightEach   = 3 * time.Second
	sightSpread = 2 * time.Second  // on top, at random: services do not report in step
	sightRest   = 10 * time.Minute // after the issuer refused the credential
)

// Sights tell the issuer which generations of sessions are in use here: so it
// finds a stolen refresh token minutes sooner. They cost a request a look at a
// table, and are dropped whenever anything stands in their way.
type sights struct {
	client *feed.Client
	settle atomic.Int64 // how old a token must be, in ns; 0: nobody wants to hear
	seed   maphash.Seed
	known  [sightPlaces]atomic.Uint64 // what was noted already

	mu    sync.Mutex
	queue []feed.Sighting // with sightQueue places from the beginning
	marks []uint64        // of the queue, in known

	resume time.Time // the sender's: it is silent until then
}

func newSights(client *feed.Client) *sights {
	return &sights{
		client: client, seed: maphash.MakeSeed(),
		queue: make([]feed.Sighting, 0, sightQueue), marks: make([]uint64, 0, sightQueue),
	}
}

// note notes an accepted token, the first time that it is old enough. It waits
// for nobody and allocates nothing: what it cannot do at once is left to the next
// request.
func (s *sights) note(now time.Time, c *Claims) {
	settle := s.settle.Load()
	if settle == 0 || c.Generation == "" || c.SessionID == "" {
		return
	}
	age := now.Sub(time.Unix(int64(c.IssuedAt), 0))
	if int64(age) < settle {
		return
	}
	mark := s.mark(c)
	if s.noted(mark) || !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	if len(s.queue) < sightQueue && !s.noted(mark) {
		s.queue = append(s.queue, feed.Sighting{SessionID: c.SessionID, Generation: c.Generation, Age: age})
		s.marks = append(s.marks, mark)
		s.remember(mark)
	}
}

// mark is what a generation is known by. Two that are given the same cost one
// report, in 2^64.
func (s *sights) mark(c *Claims) uint64 {
	return maphash.String(s.seed, c.SessionID) + 3*maphash.String(s.seed, c.Generation) | 1
}

// ways returns the places in which a mark may stand.
func (s *sights) ways(mark uint64) []atomic.Uint64 {
	first := (mark >> 20) % (sightPlaces / sightWays) * sightWays
	return s.known[first : first+sightWays]
}

func (s *sights) noted(mark uint64) bool {
	places := s.ways(mark)
	for i := range places {
		if places[i].Load() == mark {
			return true
		}
	}
	return false
}

// remember puts a mark in place of an older one. s.mu is held.
func (s *sights) remember(mark uint64) {
	places := s.ways(mark)
	for i := len(places) - 1; i > 0; i-- {
		places[i].Store(places[i-1].Load())
	}
	places[0].Store(mark)
}

// forget lets generations be noted again. s.mu is held.
func (s *sights) forget(marks []uint64) {
	for _, mark := range marks {
		places := s.ways(mark)
		for i := range places {
			places[i].CompareAndSwap(mark, 0)
		}
	}
}

// run reports every few seconds, until ctx ends.
func (s *sights) run(ctx context.Context) {
	for {
		pause := time.NewTimer(sightEach + jitter(sightSpread))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case now := <-pause.C:
			s.report(ctx, now)
		}
	}
}

// report sends what is new, once. Where that fails the sessions are noted anew
// when they are next seen, with the age that they have then.
func (s *sights) report(ctx context.Context, now time.Time) {
	settle := s.client.Settle()
	if now.Before(s.resume) {
		settle = 0
	}
	s.settle.Store(int64(settle))
	seen, marks := s.take()
	if len(seen) == 0 {
		return
	}
	err := s.client.Sight(ctx, seen)
	if err == nil {
		return
	}
	if errors.Is(err, feed.ErrUnauthorized) {
		s.settle.Store(0)
		s.resume = now.Add(sightRest)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(marks)
}

// take empties the queue, and lets go of the tokens that its texts belong to.
func (s *sights) take() ([]feed.Sighting, []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, marks := slices.Clone(s.queue), slices.Clone(s.marks)
	clear(s.queue)
	s.queue, s.marks = s.queue[:0], s.marks[:0]
	return seen, marks
}

// jitter returns a random duration below d.
func jitter(d time.Duration) time.Duration {
	var b [1]byte
	rand.Read(b[:])
	return d * time.Duration(b[0]) / 256
}
