package keyring

import (
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// never stands for a time that nobody set: later than any calendar, and still a
// date that every database can hold in nanoseconds.
var never = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// skew is how far apart the nodes' clocks may be.
const skew = time.Minute

// maxPublished keeps the set below what verifiers read (64 keys). A calendar
// that is faster than tokens expire waits.
const maxPublished = 48

// A plan is the arithmetic of the calendar. It is a pure function of its
// settings, the records and the time.
type plan struct {
	alg                         jwt.Algorithm
	rotation, maxAge, tokenLife time.Duration
	visitor                     bool
}

func newPlan(c Config) plan {
	return plan{c.Algorithm, c.Rotation, c.MaxAge, c.TokenLife, c.Visitor}
}

// algorithm returns that of a key to be made: a visitor goes by what is there.
func (p plan) algorithm(c calendar) jwt.Algorithm {
	if p.visitor && len(c.records) > 0 {
		return c.records[len(c.records)-1].Algorithm
	}
	return p.alg
}

// lease is how long a node may go by what it last read. Within it no key that
// the node has not seen can sign: keys are published for as long before.
func (p plan) lease() time.Duration { return 2 * p.maxAge }

// ahead is how long before it signs a key is inserted: the lease, and once more
// the max-age, for the time it takes to make the key and write it.
func (p plan) ahead() time.Duration { return 3 * p.maxAge }

// goneAt returns when no token of a key that was superseded at t is alive: a
// node that had not heard of it went on signing for a lease.
func (p plan) goneAt(t time.Time) time.Time { return t.Add(p.lease() + p.tokenLife + skew) }

// A calendar is the records at one time.
type calendar struct {
	records  []Record // all, by period
	inForce  []Record // those that sign or will, by period
	signing  int      // index into inForce, -1 for none
	now      time.Time
	excluded map[string]bool // damaged ones
}

// read sorts records out. Among the keys in force whose time has come the one
// of the latest period signs; earlier ones are superseded, whatever their
// record says; later ones wait.
func read(records []Record, damaged map[string]bool, now time.Time) calendar {
	c := calendar{records: slices.Clone(records), signing: -1, now: now, excluded: damaged}
	slices.SortFunc(c.records, func(a, b Record) int { return int(a.Period - b.Period) })
	for _, r := range c.records {
		if r.State != Next && r.State != Active || damaged[r.ID] {
			continue
		}
		c.inForce = append(c.inForce, r)
		if !r.SignsFrom.After(now) {
			c.signing = len(c.inForce) - 1
		}
	}
	return c
}

// signer returns the record that signs.
func (c calendar) signer() (Record, bool) {
	if c.signing < 0 {
		return Record{}, false
	}
	return c.inForce[c.signing], true
}

// waiting returns the records that will sign, by period.
func (c calendar) waiting() []Record { return c.inForce[c.signing+1:] }

// published returns the records whose keys verify at now, by period.
func (c calendar) published() []Record {
	return slices.DeleteFunc(slices.Clone(c.records), func(r Record) bool {
		return r.State == Compromised || c.excluded[r.ID] || !r.GoneAt.After(c.now)
	})
}

// changesAt returns when the clock alone next changes who signs or verifies.
func (c calendar) changesAt() time.Time {
	at := never
	for _, r := range c.published() {
		for _, t := range []time.Time{r.SignsFrom, r.GoneAt} {
			if t.After(c.now) && t.Before(at) {
				at = t
			}
		}
	}
	return at
}

// stateOf returns where r stands, the clock considered.
func (c calendar) stateOf(r Record) State {
	s, ok := c.signer()
	switch {
	case r.State == Compromised || r.State == Retired || !ok:
		return r.State
	case r.ID == s.ID:
		return Active
	case r.Period < s.Period:
		return Retired
	}
	return Next
}

// lastPeriod returns the highest period in use, 0 for none.
func (c calendar) lastPeriod() int64 {
	if len(c.records) == 0 {
		return 0
	}
	return c.records[len(c.records)-1].Period
}
