package revocation

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// MaxStale is how long an [Index] may go without word from its source before
// it calls itself stale.
const MaxStale = 2 * time.Second

// An Index holds the live rules of one issuer and answers from memory. It is
// exact: it never refuses a token that no rule matches. Readers take no lock
// and allocate nothing. All methods are safe for concurrent use. NewIndex makes one.
type Index struct {
	issuer string
	rules  shards
	cursor atomic.Pointer[Cursor]
	heard  atomic.Pointer[time.Time]
	counts counts
	edits  atomic.Uint64 // what a saved index would have to be saved again for

	mu    sync.Mutex // held by who changes the rules
	swept time.Time  // the latest time that Sweep was told
	holey bool       // a wrong clock swept too much, and it was not read again yet

	sweeping, saving sync.Mutex // held by one Sweep, one Save at a time
}

type counts struct {
	revoked, rotated, snapshots, failures atomic.Uint64
}

// Stats tell how an index fares.
type Stats struct {
	Rules     int       // kept
	Cursor    Cursor    // how far it has followed
	Heard     time.Time // when it last had word from its source; zero: never
	Revoked   uint64    // verdicts so far
	Rotated   uint64
	Snapshots uint64 // times that everything was read again
	Failures  uint64 // of the source
}

// NewIndex returns an index without rules, for the tokens of one issuer. An
// index without an issuer takes no rule and stays stale.
func NewIndex(issuer string) *Index {
	x := &Index{issuer: issuer}
	x.rules.init(issuer)
	x.cursor.Store(&Cursor{})
	return x
}

// Check returns the strongest action that a rule in force at now has for a
// token, with the narrowest scope that calls for it. The zero Verdict is for
// tokens that no rule matches and for those of other issuers.
func (x *Index) Check(now time.Time, q *Query) Verdict {
	v := x.Look(now, q)
	x.count(v.Action)
	return v
}

// Look is Check for other questions than whether a token is good: it does not
// count in Stats.
func (x *Index) Look(now time.Time, q *Query) Verdict {
	var v Verdict
	if q.Issuer != x.issuer {
		return v
	}
	ids := [slotOfIssuer]string{q.ID, q.SessionID, q.Subject, q.Tenant, q.KeyID}
	for i := range ids {
		if x.rules.live[i].Load() == 0 || ids[i] == "" {
			continue
		}
		if hash := x.rules.hash(i, ids[i]); !x.rules.at(hash).Load().absent(hash) {
			v = x.rules.strongest(v, hash, i, ids[i], now.UnixMicro(), q)
		}
	}
	for _, m := range *x.rules.own.Load() {
		if m.action > v.Action && m.matches(now.UnixMicro(), q) {
			v = Verdict{Action: m.action, Scope: ScopeIssuer, Reason: m.reason}
		}
	}
	return v
}

func (x *Index) count(a Action) {
	switch a {
	case Revoke:
		x.counts.revoked.Add(1)
	case Rotate:
		x.counts.rotated.Add(1)
	}
}

// Apply merges rules into the index. It never weakens what is there, so order
// and repetition do not matter.
//
// The cursor moves over entries that follow on it without a gap, so that an
// origin may apply what it has just appended without hiding what others
// appended in between. ErrBadRule if there are entries that make no sense here:
// the others are merged, the cursor stops before the first of them. So it does
// at ErrFull, after about 16 million rules.
func (x *Index) Apply(entries ...Entry) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.edits.Add(uint64(len(entries)))
	var errs []error
	at := x.Cursor()
	for _, e := range entries {
		if err := x.add(e); err != nil {
			errs = append(errs, fmt.Errorf("entry %s: %w", e.Cursor, err))
			continue
		}
		if len(errs) == 0 && follows(at, e.Cursor) {
			at = e.Cursor
		}
	}
	if at != x.Cursor() {
		x.place(at)
	}
	return errors.Join(errs...)
}

// follows tells whether nothing can stand between c and next.
func follows(c, next Cursor) bool {
	return next.Seq == c.Seq+1 && (next.Epoch == c.Epoch || c == Cursor{})
}

func (x *Index) add(e Entry) error {
	if x.issuer == "" {
		return fmt.Errorf("%w: the index has no issuer", ErrBadRule)
	}
	if err := e.Rule.Validate(); err != nil {
		return err
	}
	return x.rules.add(slot(e.Rule.Scope), e.Rule.ID, newMark(e))
}

// Sweep forgets the rules that are no longer in force at now and returns how
// many. It costs a walk over all of them, a 256th at a time: Check never waits
// for it, Apply at most for one such part.
func (x *Index) Sweep(now time.Time) int {
	x.sweeping.Lock()
	defer x.sweeping.Unlock()
	x.mu.Lock()
	if now.After(x.swept) {
		x.swept = now.Round(0) // the wall clock: it is compared with what Until says
	}
	x.mu.Unlock()
	gone := 0
	for i := range x.rules.tables {
		x.mu.Lock()
		gone += x.rules.sweep(i, now.UnixMicro())
		x.mu.Unlock()
	}
	return gone
}

// Cursor returns how far the index has followed its source: every rule up to
// there is in it.
func (x *Index) Cursor() Cursor { return *x.cursor.Load() }

func (x *Index) place(c Cursor) {
	if old := x.cursor.Swap(&c); *old != c {
		x.edits.Add(1)
	}
}

// Rules returns how many rules are kept. A rule that another covers is not.
func (x *Index) Rules() int {
	n := 0
	for i := range x.rules.live {
		n += int(x.rules.live[i].Load())
	}
	return n
}

// RulesOf returns how many rules of a scope are kept.
func (x *Index) RulesOf(s Scope) int {
	if i := slot(s); i >= 0 {
		return int(x.rules.live[i].Load())
	}
	return 0
}

// Heard notes that at now the index held everything that its source had. Follow calls it.
func (x *Index) Heard(now time.Time) { x.heard.Store(&now) }

// Stale tells whether the index has not heard from its source for MaxStale, or
// never. It measures a span, so now is this machine's own clock, as time.Now
// gives it, whatever the rest of the program corrects its clock to.
func (x *Index) Stale(now time.Time) bool {
	heard := x.heard.Load()
	return heard == nil || now.Sub(*heard) > MaxStale
}

// Stats returns the figures of the moment.
func (x *Index) Stats() Stats {
	s := Stats{
		Rules: x.Rules(), Cursor: x.Cursor(),
		Revoked: x.counts.revoked.Load(), Rotated: x.counts.rotated.Load(),
		Snapshots: x.counts.snapshots.Load(), Failures: x.counts.failures.Load(),
	}
	if heard := x.heard.Load(); heard != nil {
		s.Heard = *heard
	}
	return s
}
