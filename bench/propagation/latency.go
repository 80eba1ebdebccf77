package main

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// latencies are of one round, in milliseconds, ascending.
type latencies []float64

var errNever = errors.New("a verifier has not refused within a minute")

func since(began int64, at []int64) (latencies, error) {
	all := make(latencies, len(at))
	for i, t := range at {
		if t == 0 {
			return nil, errNever
		}
		all[i] = float64(t-began) / 1e6
	}
	slices.Sort(all)
	return all, nil
}

// share is what a part of the latencies stayed below.
func (l latencies) share(part float64) float64 { return l[min(len(l)-1, int(part*float64(len(l))))] }

// revoke appends rules and returns, for each verifier, how long it took until it
// refused all of them.
func (s *stage) revoke(n int) (latencies, error) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = newID()
	}
	if err := s.watch(ids, patience); err != nil {
		return nil, err
	}
	r, err := s.origin.ask(order{Do: "append", IDs: ids})
	if err != nil {
		return nil, err
	}
	seen, err := s.seen()
	if err != nil {
		return nil, err
	}
	return since(r.Began, seen.At)
}

// A single is a round of revocations, one at a time.
type single struct {
	every latencies // of every verifier and revocation
	last  latencies // of the slowest verifier of each revocation
}

// one revokes again and again, at moments that are not in step with anything.
func (s *stage) one(times int) (round single, err error) {
	for range times {
		time.Sleep(time.Duration(rand.Int64N(int64(10 * time.Millisecond))))
		l, err := s.revoke(1)
		if err != nil {
			return round, err
		}
		round.every, round.last = append(round.every, l...), append(round.last, l[len(l)-1])
	}
	slices.Sort(round.every)
	slices.Sort(round.last)
	return round, nil
}
