package keyring

import (
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A step is one change of the calendar: an insertion, a swap, or a sweep. Each
// is one atomic operation of the store, and the calendar is sound before and
// after each (docs/design/keyring.md).
type step struct {
	insert *template
	swap   *[2]Record // from, to
	reseal bool       // to's private key is to be sealed again
	sweep  bool
}

// A template is a key that is to be made.
type template struct {
	alg       jwt.Algorithm
	state     State
	period    int64
	signsFrom time.Time
}

// due returns what should be done next, nil when all is well. sealedNow tells
// whether a record is sealed under the master key that seals now.
func (p plan) due(c calendar, sealedNow func(Record) bool) *step {
	if p.visitor {
		return p.somebodySigns(c)
	}
	for _, rule := range []func(calendar) *step{
		p.somebodySigns, p.signerIsActive, p.supersededRetire, p.nextIsKnown, p.nextIsSoon, p.retiredStay,
	} {
		if s := rule(c); s != nil {
			return s
		}
	}
	for _, r := range c.records {
		if !sealedNow(r) && r.State != Compromised && !c.excluded[r.ID] {
			return &step{swap: &[2]Record{r, r}, reseal: true}
		}
	}
	for _, r := range c.records {
		if r.GoneAt.Before(c.now.Add(-sweepAfter)) {
			return &step{sweep: true}
		}
	}
	return nil
}

// somebodySigns: without a signer, the key that was published longest starts at
// once; without that, a new one. Both happen at the first start and after a
// compromise only, when waiting would help nobody.
func (p plan) somebodySigns(c calendar) *step {
	if _, ok := c.signer(); ok {
		return nil
	}
	if next := c.waiting(); len(next) > 0 {
		to := next[0]
		to.State, to.SignsFrom, to.SignsTo = Active, c.now, c.now.Add(p.rotation)
		return &step{swap: &[2]Record{next[0], to}}
	}
	return &step{insert: &template{p.algorithm(c), Active, c.lastPeriod() + 1, c.now}}
}

// signerIsActive: the key whose time has come says so in the store.
func (p plan) signerIsActive(c calendar) *step {
	from, _ := c.signer()
	if from.State == Active {
		return nil
	}
	to := from
	to.State = Active
	return &step{swap: &[2]Record{from, to}}
}

// supersededRetire: what came before the signer is told when it may go.
func (p plan) supersededRetire(c calendar) *step {
	signer, _ := c.signer()
	for _, from := range c.records {
		if from.Period >= signer.Period || from.State == Retired || from.State == Compromised {
			continue
		}
		return &step{swap: &[2]Record{from, p.retire(from, signer.SignsFrom)}}
	}
	return nil
}

func (p plan) retire(r Record, at time.Time) Record {
	r.State, r.SignsTo, r.GoneAt = Retired, at, p.goneAt(at)
	return r
}

// nextIsKnown: there is always a key published that does not sign yet.
func (p plan) nextIsKnown(c calendar) *step {
	for _, r := range c.waiting() {
		if r.Algorithm == p.alg {
			return nil
		}
	}
	if len(c.published()) >= maxPublished {
		return nil
	}
	signer, _ := c.signer()
	return p.add(c, p.alg, signer.SignsTo)
}

// add makes a key that signs at a time; whoever makes it sees to it that it is
// not before all can know it.
func (p plan) add(c calendar, alg jwt.Algorithm, at time.Time) *step {
	return &step{insert: &template{alg, Next, c.lastPeriod() + 1, at}}
}

// nextIsSoon: a rotation that was made shorter holds for the present key too. A
// longer one holds from the next key on.
func (p plan) nextIsSoon(c calendar) *step {
	next := c.waiting()
	if len(next) == 0 {
		return nil
	}
	signer, _ := c.signer()
	return p.bring(next[0], later(c.now, signer.SignsFrom.Add(p.rotation)))
}

// bring lets a waiting key sign earlier, though never before all can know it.
// It returns nil when the key is that early already.
func (p plan) bring(from Record, at time.Time) *step {
	at = later(at, from.CreatedAt.Add(p.ahead()))
	if !from.SignsFrom.After(at) {
		return nil
	}
	to := from
	to.SignsFrom, to.SignsTo = at, at.Add(p.rotation)
	return &step{swap: &[2]Record{from, to}}
}

// retiredStay: nodes may be configured for longer tokens than the one that
// retired a key. The time only grows.
func (p plan) retiredStay(c calendar) *step {
	for _, from := range c.records {
		if gone := p.goneAt(from.SignsTo); from.State == Retired && from.GoneAt.Before(gone) {
			to := from
			to.GoneAt = gone
			return &step{swap: &[2]Record{from, to}}
		}
	}
	return nil
}

// sweepAfter is longer than any store rounds a time: what is due to be swept is
// swept by the first sweep.
const sweepAfter = time.Second

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
