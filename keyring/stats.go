package keyring

import "time"

// Stats tells how a ring is. Ages are the reader's to compute.
type Stats struct {
	Signing      string    // the kid that signs, "" for none
	SigningSince time.Time // when its time began
	Next         string    // the kid that signs after it, "" for none
	NextFrom     time.Time // when its time begins
	Published    int       // keys in the set
	ReadAt       time.Time // when the store was last read
	Reads        int64     // of the store
	Failures     int64     // of them
	Err          error     // of the last one
}

type counts struct {
	reads, failures int64
	err             error
}

func (c *counts) count(err error) {
	c.reads, c.err = c.reads+1, err
	if err != nil {
		c.failures++
	}
}

// Stats returns how the ring is, as of its last Tick or Reload.
func (r *Ring) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.current.Load()
	s := Stats{Published: len(v.set.Keys()), ReadAt: v.heard, Reads: r.stats.reads, Failures: r.stats.failures, Err: r.stats.err}
	c := read(v.records, r.damaged(), v.heard)
	if rec, ok := c.signer(); ok {
		s.Signing, s.SigningSince = rec.ID, rec.SignsFrom
	}
	if next := c.waiting(); len(next) > 0 {
		s.Next, s.NextFrom = next[0].ID, next[0].SignsFrom
	}
	return s
}
