package main

import (
	"errors"
	"net"
	"time"
)

// A stage is the origin with all its verifiers.
type stage struct {
	dir, addr string
	origin    *child
	rooms     []*child
	n         int // verifiers
}

func (p plan) open() (*stage, error) {
	s := &stage{dir: p.dir}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.addr = l.Addr().String() // the origin's in all its lives
	if err := errors.Join(l.Close(), s.rise()); err != nil {
		return nil, err
	}
	for range p.processes {
		c, err := spawn("verifiers")
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.rooms = append(s.rooms, c)
	}
	return s, nil
}

// rise starts the origin, on the log that is there.
func (s *stage) rise() (err error) {
	s.origin, err = spawn("origin", "-dir", s.dir, "-addr", s.addr)
	return err
}

func (s *stage) close() error {
	err := s.origin.close()
	for _, c := range s.rooms {
		err = errors.Join(err, c.close())
	}
	return err
}

// grow lets n verifiers follow, spread evenly.
func (s *stage) grow(n int) error {
	for i, c := range s.rooms {
		share := (n + len(s.rooms) - 1 - i) / len(s.rooms)
		if _, err := c.ask(order{Do: "grow", N: share, Addr: s.addr}); err != nil {
			return err
		}
	}
	s.n = n
	return nil
}

// tell gives all rooms the same order, so that they work on it at once; hear
// collects what they say.
func (s *stage) tell(o order) error {
	for _, c := range s.rooms {
		if err := c.tell(o); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) hear() (all report, err error) {
	for _, c := range s.rooms {
		r, err := c.hear()
		if err != nil {
			return all, err
		}
		all.At, all.N = append(all.At, r.At...), all.N+r.N
	}
	return all, nil
}

func (s *stage) ask(o order) (report, error) {
	if err := s.tell(o); err != nil {
		return report{}, err
	}
	return s.hear()
}

// watch makes every verifier's room look for the sessions. seen returns when each
// verifier refused all of them.
func (s *stage) watch(ids []string, limit time.Duration) error {
	_, err := s.ask(order{Do: "watch", IDs: ids, Limit: limit})
	return err
}

func (s *stage) seen() (report, error) { return s.ask(order{Do: "seen"}) }

// profile begins to write CPU profiles of everybody, if somebody wants them.
func (s *stage) profile(dir string) error {
	if dir == "" {
		return nil
	}
	_, err := s.origin.ask(order{Do: "profile", File: dir})
	_, err2 := s.ask(order{Do: "profile", File: dir})
	return errors.Join(err, err2)
}

func (s *stage) profiled(dir string) error {
	if dir == "" {
		return nil
	}
	_, err := s.origin.ask(order{Do: "profiled"})
	_, err2 := s.ask(order{Do: "profiled"})
	return errors.Join(err, err2)
}
