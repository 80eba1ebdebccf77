package revocation

import (
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync/atomic"
)

// A table is one of the shards of an index. One writer at a time changes it,
// any number of readers look things up meanwhile without a lock.
//
// A look-up begins at the word that its hash points to and ends at the first
// word that nothing was put past. A lane holds 12 bits of a hash, so a token that
// no rule names costs one word, seldom two, and almost never a record. Lanes are
// taken and never given back; records are written once, before a slot points to
// them. A slot changes only to a record that covers the one before, so a reader
// who comes late to some lanes and early to others still sees at least what was
// there when it began. Whatever else has to change, changes by building a new
// table.
type table struct {
	tags    []uint64 // five lanes of 12 bits each, the lowest first, 0 is free; above them passed
	slots   []uint32 // of each lane 16 bits: its place in records; several lanes of one ID may share one
	records []record
	extras  atomic.Pointer[[]extra] // what records cannot hold
	used    int                     // records written, covered ones included
	live    int                     // records that a slot points to
	soonest int64                   // no rule ends before
}

const (
	lanes      = 5
	laneBits   = 12
	laneMask   = 1<<laneBits - 1
	eachLane   = 0x001_001_001_001_001
	highs      = 0x800_800_800_800_800
	belowHighs = 0x7ff_7ff_7ff_7ff_7ff
	passed     = 1 << 60 // a rule found no lane here and went on
)

// tableLimit is how many records a slot of 16 bits can tell apart.
var tableLimit = 1 << 16

// newTable returns a table with room for n rules, half of the lanes taken.
func newTable(n int) *table {
	n = min(n, tableLimit)
	words := 1 + 2*n/lanes
	t := &table{tags: make([]uint64, words), slots: make([]uint32, (lanes*words+1)/2), records: make([]record, n), soonest: math.MaxInt64}
	t.extras.Store(&noExtras)
	return t
}

var noExtras []extra

// room is how many rules a table is made for that holds n. While an index holds
// fewer than some 50,000, copying them again and again would cost more than the
// memory is worth.
func room(n int) int {
	if n < 200 {
		return n + n/2 + 4
	}
	return n + n/8 + 2
}

func (t *table) full() bool { return t.used == len(t.records) }

// home is the word at which a look-up begins. Its bits of the hash are neither
// those of the tag nor those that chose the table.
func (t *table) home(hash uint64) uint64 {
	return (hash >> 16 & math.MaxUint32) * uint64(len(t.tags)) >> 32
}

// tagged returns the tag of a hash in each lane. It is never 0.
func tagged(hash uint64) uint64 {
	return max(hash&laneMask, 1) * eachLane
}

// zeros returns the highest bit of each lane that is 0.
func zeros(word uint64) uint64 {
	return ^(((word & belowHighs) + belowHighs) | word) & highs
}

func firstLane(highs uint64) int { return bits.TrailingZeros64(highs) / laneBits }

// absent tells, from one word alone, that no rule has this hash. False means
// that one must look further.
func (t *table) absent(hash uint64) bool {
	word := atomic.LoadUint64(&t.tags[t.home(hash)])
	return zeros(word^tagged(hash)) == 0 && word < passed
}

// A search walks the lanes that may belong to a hash, in the order in which
// they were taken.
type search struct {
	table     *table
	tag, word uint64
	hits      uint64 // lanes of the word that are still to be seen
	last      bool   // nothing was put past the word
}

func (t *table) search(hash uint64) search {
	s := search{table: t, tag: tagged(hash), word: t.home(hash)}
	s.look()
	return s
}

func (s *search) look() {
	word := atomic.LoadUint64(&s.table.tags[s.word])
	s.hits, s.last = zeros(word^s.tag), word < passed
}

func (s *search) step() {
	if s.word++; s.word == uint64(len(s.table.tags)) {
		s.word = 0
	}
	s.look()
}

// next returns a lane with the tag, -1 after the last one.
func (s *search) next() int {
	for s.hits == 0 {
		if s.last {
			return -1
		}
		s.step()
	}
	lane := firstLane(s.hits)
	s.hits &= s.hits - 1
	return int(s.word)*lanes + lane
}

// place returns what a lane's slot says.
func (t *table) place(lane int) uint32 {
	return atomic.LoadUint32(&t.slots[lane/2]) >> (lane % 2 * 16) & 0xffff
}

func (t *table) point(lane int, place uint32) {
	shift := lane % 2 * 16
	atomic.StoreUint32(&t.slots[lane/2], t.slots[lane/2]&^(0xffff<<shift)|place<<shift)
}

func (t *table) record(lane int) *record { return &t.records[t.place(lane)] }

// places lists the records that slots point to, each once.
func (t *table) places() []uint32 {
	list, seen := make([]uint32, 0, t.live), make([]bool, t.used)
	for i, word := range t.tags {
		for lane := i * lanes; word&laneMask != 0; lane++ {
			if at := t.place(lane); !seen[at] {
				seen[at] = true
				list = append(list, at)
			}
			word = word &^ passed >> laneBits
		}
	}
	return list
}

// is tells whether a record is about this very ID. IDs are compared whole, so
// the answer is exact and no separator or spelling inside an ID means anything.
func (t *table) is(r *record, scope int, id string) bool {
	if r.shape() == shapeExtra {
		e := &(*t.extras.Load())[r.detail()]
		return e.scope == scope && e.id == id
	}
	want, shape, ok := packID(id)
	return ok && r.scope() == scope && r.shape() == shape && r.a == want.a && r.b == want.b
}

// read returns the rule of a record.
func (t *table) read(d *dictionary, r *record) mark {
	if r.shape() == shapeExtra {
		return (*t.extras.Load())[r.detail()].mark
	}
	return d.unpack(r)
}

// coverage is what a new rule finds of its ID: the lanes of the rules that it
// covers, and the records that these point to.
type coverage struct {
	lanes  []int
	places []uint32
}

func (c *coverage) add(t *table, lane int) {
	c.lanes = append(c.lanes, lane)
	if at := t.place(lane); !slices.Contains(c.places, at) {
		c.places = append(c.places, at)
	}
}

// worn tells whether so many lanes share records that looking gets long.
func (c *coverage) worn() bool { return len(c.lanes)-len(c.places) > 8 }

// put writes a rule into the next free record and returns what a slot says to
// point there. Nobody sees it before.
func (t *table) put(d *dictionary, scope int, id string, m *mark) uint32 {
	r, ok := d.pack(scope, id, m)
	if !ok {
		all := *t.extras.Load()
		r = record{head: uint64(scope) << 61, tail: uint64(len(all))<<shapeBits | shapeExtra}
		e := extra{id: strings.Clone(id), scope: scope, mark: *m}
		e.mark.reason = strings.Clone(m.reason)
		all = append(all, e)
		t.extras.Store(&all)
	}
	return t.keep(r, m.until)
}

func (t *table) keep(r record, until int64) uint32 {
	t.records[t.used] = r
	t.used++
	t.soonest = min(t.soonest, until)
	return uint32(t.used - 1)
}

// take takes a free lane for a record. The slot is set before the tag, so
// whoever finds the tag finds the record.
func (t *table) take(hash uint64, place uint32) {
	at := t.home(hash)
	for zeros(t.tags[at]) == 0 {
		atomic.StoreUint64(&t.tags[at], t.tags[at]|passed)
		if at++; at == uint64(len(t.tags)) {
			at = 0
		}
	}
	free := firstLane(zeros(t.tags[at]))
	t.point(int(at)*lanes+free, place)
	atomic.StoreUint64(&t.tags[at], t.tags[at]|tagged(hash)&(laneMask<<(laneBits*free)))
	t.live++
}

// replace puts a record into the place of all that it covers.
func (t *table) replace(old coverage, place uint32) {
	for _, lane := range old.lanes {
		t.point(lane, place)
	}
	t.live += 1 - len(old.places)
}
