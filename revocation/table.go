package revocation

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// scopes lists every scope in the order in which a check asks: the narrowest
// first, so that of two equal verdicts the one that tells most is reported.
var scopes = [...]Scope{ScopeToken, ScopeSession, ScopeSubject, ScopeTenant, ScopeKey, ScopeIssuer}

// slot returns the place of a scope in scopes, -1 for an unknown one.
func slot(s Scope) int {
	for i := range scopes {
		if scopes[i] == s {
			return i
		}
	}
	return -1
}

// A table maps the IDs of one scope to their marks. One writer at a time
// changes it, any number of readers look things up meanwhile without a lock: a
// node is complete before it is linked, its next never changes, its marks are
// replaced as a whole. IDs are compared whole, so the answer is exact and no
// separator inside an ID means anything.
type table struct {
	seed    maphash.Seed // of this process: nobody outside can aim at one bucket
	buckets []atomic.Pointer[node]
	ids     int
}

type node struct {
	id    string
	marks atomic.Pointer[[]mark]
	next  *node
}

func newTable(size int) *table {
	n := 16
	for n < size {
		n *= 2
	}
	return &table{seed: maphash.MakeSeed(), buckets: make([]atomic.Pointer[node], n)}
}

func (t *table) bucket(id string) *atomic.Pointer[node] {
	return &t.buckets[maphash.String(t.seed, id)&uint64(len(t.buckets)-1)]
}

// find returns the marks of an ID, nil if it has none.
func (t *table) find(id string) []mark {
	for n := t.bucket(id).Load(); n != nil; n = n.next {
		if n.id == id {
			return *n.marks.Load()
		}
	}
	return nil
}

// put replaces the marks of an ID. The caller does not touch them again.
func (t *table) put(id string, marks []mark) {
	b := t.bucket(id)
	for n := b.Load(); n != nil; n = n.next {
		if n.id == id {
			n.marks.Store(&marks)
			return
		}
	}
	n := &node{id: strings.Clone(id), next: b.Load()}
	n.marks.Store(&marks)
	b.Store(n)
	t.ids++
}

func (t *table) full() bool { return t.ids >= len(t.buckets) }

// rebuilt returns a new table for twice the IDs, of the marks that keep chooses.
func (t *table) rebuilt(keep func([]mark) []mark) *table {
	u := newTable(2 * t.ids)
	for i := range t.buckets {
		for n := t.buckets[i].Load(); n != nil; n = n.next {
			if marks := keep(*n.marks.Load()); len(marks) > 0 {
				u.put(n.id, marks)
			}
		}
	}
	return u
}
