package main

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// A silence is one death of the origin.
type silence struct {
	stale latencies // from the kill until each verifier said so, in parts of MaxStale
	fresh latencies // from the next start until none said so, in milliseconds
}

// silence kills the origin, at some moment between two of its beats, and lets it
// come back.
func (s *stage) silence() (round silence, err error) {
	time.Sleep(time.Duration(rand.Int64N(int64(time.Second))))
	if err := s.tell(order{Do: "stale"}); err != nil {
		return round, err
	}
	killed := clock()
	if err := s.origin.kill(); err != nil {
		return round, err
	}
	said, err := s.hear()
	if err != nil {
		return round, err
	}
	if slices.Contains(said.At, 0) {
		return round, errors.New("a verifier never said that it is stale")
	}
	if round.stale, err = since(killed, said.At); err != nil {
		return round, err
	}
	for i := range round.stale {
		round.stale[i] /= float64(revocation.MaxStale.Milliseconds())
	}
	back := clock()
	if err := s.rise(); err != nil {
		return round, err
	}
	if said, err = s.ask(order{Do: "fresh"}); err != nil {
		return round, err
	}
	round.fresh, err = since(back, said.At)
	return round, err
}
