package main

import "time"

// A strain is a round of sustained load.
type strain struct {
	after latencies // of the one rule after it
	rate  float64   // rules a second that were appended
	rest  effort    // before
	busy  effort    // during it
}

// An effort is CPU time, in seconds a second.
type effort struct{ origin, verifier float64 }

// sustain appends at a rate, then one rule more, which is looked for from shortly
// before on: what looks would otherwise be counted as the verifiers' work.
func (s *stage) sustain(rate int, span time.Duration) (round strain, err error) {
	if round.rest, err = s.effort(time.Second); err != nil {
		return round, err
	}
	ids, early := []string{newID()}, 200*time.Millisecond
	if err := s.origin.tell(order{Do: "sustain", N: rate, Limit: span, IDs: ids}); err != nil {
		return round, err
	}
	if round.busy, err = s.effort(span - early); err != nil {
		return round, err
	}
	if err := s.watch(ids, patience); err != nil {
		return round, err
	}
	r, err := s.origin.hear()
	if err != nil {
		return round, err
	}
	seen, err := s.seen()
	if err != nil {
		return round, err
	}
	round.rate = float64(r.N) / r.Took.Seconds()
	round.after, err = since(r.Began, seen.At)
	return round, err
}

// effort measures for a while what the origin and each verifier use.
func (s *stage) effort(span time.Duration) (e effort, err error) {
	began := time.Now()
	origin, verifiers, err := s.used()
	if err != nil {
		return e, err
	}
	time.Sleep(span)
	originNow, verifiersNow, err := s.used()
	took := time.Since(began).Seconds()
	return effort{(originNow - origin).Seconds() / took, (verifiersNow - verifiers).Seconds() / took / float64(s.n)}, err
}

func (s *stage) used() (origin, verifiers time.Duration, err error) {
	if origin, err = cpu(s.origin.cmd.Process.Pid); err != nil {
		return 0, 0, err
	}
	for _, c := range s.rooms {
		room, err := cpu(c.cmd.Process.Pid)
		if err != nil {
			return 0, 0, err
		}
		verifiers += room
	}
	return origin, verifiers, nil
}
