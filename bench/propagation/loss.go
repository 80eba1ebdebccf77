package main

import (
	"bufio"
	"errors"
	"sync"
	"time"
)

// A toll is what kills have cost.
type toll struct {
	acknowledged int
	missing      int // at each verifier
}

// A crowd is writers, with what the log has acknowledged to them.
type crowd struct {
	writers []*child
	reading sync.WaitGroup

	mu  sync.Mutex
	ids []string
}

const (
	betweenKills = 300 * time.Millisecond
	writerPause  = 5 * time.Millisecond
)

// kill kills the origin again and again while others append. After each start
// every verifier must refuse every session whose end was acknowledged until then,
// and after the last the whole of them once more.
func (p plan) kill(s *stage) (t toll, err error) {
	c := &crowd{}
	defer func() { err = errors.Join(err, c.disperse()) }()
	if err := c.gather(p); err != nil {
		return t, err
	}
	held := 0
	for i := range p.kills {
		progress("kill %d of %d, %d rules so far", i+1, p.kills, held)
		time.Sleep(betweenKills)
		if err := errors.Join(s.origin.kill(), s.rise()); err != nil {
			return t, err
		}
		all := c.acknowledged()
		missing, err := s.missing(all[held:])
		if err != nil {
			return t, err
		}
		held, t.missing = len(all), t.missing+missing
	}
	if err := c.disperse(); err != nil {
		return t, err
	}
	all := c.acknowledged()
	missing, err := s.missing(all)
	return toll{len(all), t.missing + missing}, err
}

// missing counts the sessions that a verifier does not refuse within a minute, at
// all of them together.
func (s *stage) missing(ids []string) (int, error) {
	if err := s.watch(ids, patience); err != nil {
		return 0, err
	}
	seen, err := s.seen()
	return seen.N, err
}

// gather starts the writers.
func (c *crowd) gather(p plan) error {
	for range p.writers {
		w, err := spawn("writer", "-dir", p.dir, "-pause", writerPause.String())
		if err != nil {
			return err
		}
		c.writers = append(c.writers, w)
		c.reading.Go(func() { c.listen(w) })
	}
	return nil
}

// listen notes what one writer says.
func (c *crowd) listen(w *child) {
	for lines := bufio.NewScanner(w.said); lines.Scan(); {
		c.mu.Lock()
		c.ids = append(c.ids, lines.Text())
		c.mu.Unlock()
	}
}

func (c *crowd) acknowledged() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ids[:len(c.ids):len(c.ids)]
}

// disperse kills the writers in the middle of what they do.
func (c *crowd) disperse() (err error) {
	for _, w := range c.writers {
		err = errors.Join(err, w.cmd.Process.Kill())
	}
	c.reading.Wait()
	for _, w := range c.writers {
		err = errors.Join(err, w.gone())
	}
	c.writers = nil
	return err
}
