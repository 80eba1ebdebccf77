package revocation

import (
	"hash/maphash"
	"sync/atomic"
)

// scopes lists every scope in the order in which a check asks: the narrowest
// first, so that of two equal verdicts the one that tells most is reported.
var scopes = [...]Scope{ScopeToken, ScopeSession, ScopeSubject, ScopeTenant, ScopeKey, ScopeIssuer}

const slotOfIssuer = len(scopes) - 1

// slot returns the place of a scope in scopes, -1 for an unknown one.
func slot(s Scope) int {
	for i := range scopes {
		if scopes[i] == s {
			return i
		}
	}
	return -1
}

// shardBits of a hash choose the table. Whatever needs a new table (growing,
// sweeping) thus copies a 256th of the rules at a time.
const shardBits = 8

// shards hold the rules of all scopes. Readers load a pointer; writers hold the
// lock of the index.
type shards struct {
	seeds  [len(scopes)]maphash.Seed // of this process: nobody outside can aim at one table, nor one scope at another
	live   [len(scopes)]atomic.Int64 // rules of a scope: most verifiers have no tid rule, ever
	words  atomic.Pointer[dictionary]
	tables [1 << shardBits]atomic.Pointer[table]

	issuer  string
	ownHash uint64
	own     atomic.Pointer[[]mark] // rules about the issuer itself
}

func (s *shards) init(issuer string) {
	for i := range s.seeds {
		s.seeds[i] = maphash.MakeSeed()
	}
	s.words.Store(&dictionary{})
	for i := range s.tables {
		s.tables[i].Store(newTable(0))
	}
	s.issuer, s.ownHash = issuer, s.hash(slotOfIssuer, issuer)
	s.own.Store(&[]mark{})
}

func (s *shards) hash(scope int, id string) uint64 { return maphash.String(s.seeds[scope], id) }

func (s *shards) at(hash uint64) *atomic.Pointer[table] { return &s.tables[hash>>(64-shardBits)] }

// strongest returns v, or what a rule for the ID says that is stronger.
func (s *shards) strongest(v Verdict, hash uint64, scope int, id string, now int64, q *Query) Verdict {
	t := s.at(hash).Load()
	for found := t.search(hash); ; {
		lane := found.next()
		if lane < 0 {
			return v
		}
		r := t.record(lane)
		if !t.is(r, scope, id) {
			continue
		}
		if m := t.read(s.words.Load(), r); m.action > v.Action && m.matches(now, q) {
			v = Verdict{Action: m.action, Scope: scopes[scope], Reason: m.reason}
		}
	}
}

// add merges a rule. What another covers is left out; what neither covers the
// other stays beside it: a rotate of today does not hide a revoke of yesterday
// that reaches less far. It is ErrFull if there is no room, and then as it was.
func (s *shards) add(scope int, id string, m mark) error {
	hash := s.hash(scope, id)
	p := s.at(hash)
	t := p.Load()
	old, known := s.compare(t, hash, scope, id, &m)
	if known {
		return nil
	}
	words := s.words.Load()
	if more := words.learn(&m); more != words {
		words = more
		s.words.Store(words)
	}
	if t.full() || old.worn() {
		if t.live == tableLimit {
			return ErrFull
		}
		t = s.rebuilt(t, room(t.live+1), everyMark)
		p.Store(t)
		old, _ = s.compare(t, hash, scope, id, &m)
	}
	at := t.put(words, scope, id, &m)
	if len(old.lanes) > 0 {
		t.replace(old, at)
	} else {
		t.take(hash, at)
	}
	s.live[scope].Add(1 - int64(len(old.places)))
	s.renew(scope)
	return nil
}

// renew lays out the rules about the issuer itself, which every token asks for.
func (s *shards) renew(scope int) {
	if scope != slotOfIssuer {
		return
	}
	var marks []mark
	t := s.at(s.ownHash).Load()
	for found := t.search(s.ownHash); ; {
		lane := found.next()
		if lane < 0 {
			break
		}
		if r := t.record(lane); t.is(r, scope, s.issuer) {
			marks = append(marks, t.read(s.words.Load(), r))
		}
	}
	s.own.Store(&marks)
}

// compare returns what m covers, or that a rule covers m.
func (s *shards) compare(t *table, hash uint64, scope int, id string, m *mark) (covered coverage, known bool) {
	for found := t.search(hash); ; {
		lane := found.next()
		if lane < 0 {
			return covered, false
		}
		r := t.record(lane)
		if !t.is(r, scope, id) {
			continue
		}
		old := t.read(s.words.Load(), r)
		if old.covers(*m) {
			return coverage{}, true
		}
		if m.covers(old) {
			covered.add(t, lane)
		}
	}
}

func everyMark(*mark) bool { return true }

// rebuilt returns a table with room for n rules, with those that keep chooses.
// Readers of the old one are not disturbed.
func (s *shards) rebuilt(t *table, n int, keep func(*mark) bool) *table {
	next, words := newTable(n), s.words.Load()
	var id []byte
	for _, at := range t.places() {
		r := &t.records[at]
		m := t.read(words, r)
		if !keep(&m) {
			continue
		}
		scope := r.scope()
		if r.shape() == shapeExtra {
			e := &(*t.extras.Load())[r.detail()]
			next.take(s.hash(scope, e.id), next.put(words, scope, e.id, &m))
			continue
		}
		id = r.appendID(id[:0])
		next.take(maphash.Bytes(s.seeds[scope], id), next.keep(*r, m.until))
	}
	return next
}

// sweep forgets the rules of one shard that are over and returns how many.
func (s *shards) sweep(shard int, now int64) int {
	t := s.tables[shard].Load()
	if now <= t.soonest {
		return 0
	}
	var gone [len(scopes)]int64
	stay := 0
	s.each(t, func(scope int, _ []byte, m *mark) {
		if m.over(now) {
			gone[scope]--
		} else {
			stay++
		}
	})
	s.tables[shard].Store(s.rebuilt(t, room(stay), func(m *mark) bool { return !m.over(now) }))
	all := 0
	for scope, n := range gone {
		s.live[scope].Add(n)
		all -= int(n)
	}
	s.renew(slotOfIssuer)
	return all
}

// each calls see with every rule of a table. The ID is good until the next call.
func (s *shards) each(t *table, see func(scope int, id []byte, m *mark)) {
	words := s.words.Load()
	var id []byte
	for _, at := range t.places() {
		r := &t.records[at]
		if r.shape() == shapeExtra {
			id = append(id[:0], (*t.extras.Load())[r.detail()].id...)
		} else {
			id = r.appendID(id[:0])
		}
		m := t.read(words, r)
		see(r.scope(), id, &m)
	}
}

// reserve makes room for n rules more, so that reading many copies none.
func (s *shards) reserve(n int) {
	share := n>>shardBits + n>>(shardBits+5)
	if share == 0 {
		return
	}
	for i := range s.tables {
		t := s.tables[i].Load()
		s.tables[i].Store(s.rebuilt(t, room(t.live)+share, everyMark))
	}
}
