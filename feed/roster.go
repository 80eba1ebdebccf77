package feed

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// A roster remembers who follows and how far each says it is. It holds nobody
// up: a follower that says nothing is one that has not confirmed.
type roster struct {
	most      int           // absent followers that are remembered
	retention time.Duration // and for how long
	now       func() time.Duration

	mu       sync.Mutex
	members  map[badge]*member
	streams  map[[sha256.Size]byte]int // open with each credential
	nameless int                       // streams so far whose follower gave no name
	wake     chan struct{}             // closed at the next change
}

// A badge is what a follower is known by: its own name, under the credential
// that it came with. Nobody confirms for those of another credential.
type badge struct {
	credential [sha256.Size]byte // hashed: it stays in memory for long
	follower   string
}

func badgeOf(credential, follower string) badge {
	return badge{sha256.Sum256([]byte(credential)), follower}
}

// A member is one follower, connected or seen not long ago.
type member struct {
	name    string // of its credential
	streams int    // open at the moment; none: absent
	acked   revocation.Cursor
	seen    time.Duration // on the stopwatch
}

func newRoster(most int, retention time.Duration, now func() time.Duration) *roster {
	return &roster{
		most: most, retention: retention, now: now, wake: make(chan struct{}),
		members: map[badge]*member{}, streams: map[[sha256.Size]byte]int{},
	}
}

// set changes something, and wakes those who wait.
func (r *roster) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	close(r.wake)
	r.wake = make(chan struct{})
}

// join notes that a stream was opened, from a cursor that its follower has
// reached. leave ends it. A follower without a name of its own is connected, can
// confirm nothing, and is forgotten when it leaves.
func (r *roster) join(b badge, name string, at revocation.Cursor) (leave func()) {
	nameless := b.follower == ""
	r.set(func() {
		if nameless {
			r.nameless++
			b.follower, at = "?"+strconv.Itoa(r.nameless), revocation.Cursor{}
		}
		if r.members[b] == nil {
			r.members[b] = &member{name: name}
		}
		m := r.members[b]
		m.streams, m.acked, m.seen = m.streams+1, at, r.now()
		r.streams[b.credential]++
	})
	return func() { r.set(func() { r.left(b, nameless) }) }
}

func (r *roster) left(b badge, nameless bool) {
	if r.streams[b.credential]--; r.streams[b.credential] == 0 {
		delete(r.streams, b.credential)
	}
	m := r.members[b]
	m.streams, m.seen = m.streams-1, r.now()
	if nameless {
		delete(r.members, b)
	}
	r.tidy()
}

// vouches tells whether a stream is open that was admitted with a credential.
func (r *roster) vouches(b badge) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams[b.credential] > 0
}

// acked notes how far a connected follower is, and tells whether it is known.
func (r *roster) acked(b badge, at revocation.Cursor) (known bool) {
	r.set(func() {
		m := r.members[b]
		if known = m != nil && m.streams > 0; !known {
			return
		}
		if m.seen = r.now(); m.acked.Before(at) {
			m.acked = at
		}
	})
	return known
}

// tidy forgets who has been absent for too long, and the longest absent when
// there are too many. The lock is held.
func (r *roster) tidy() {
	now, absent := r.now(), 0
	oldest, which := now, badge{}
	for b, m := range r.members {
		switch {
		case m.streams > 0:
		case now-m.seen > r.retention:
			delete(r.members, b)
		default:
			absent++
			if m.seen <= oldest {
				oldest, which = m.seen, b
			}
		}
	}
	if absent > r.most {
		delete(r.members, which)
	}
}

// A count is how things stand with one cursor.
type count struct {
	connected, acked, absent int
	more                     <-chan struct{} // closed at the next change
}

// count tells how many have confirmed a cursor.
func (r *roster) count(at revocation.Cursor) count {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tidy()
	c := count{more: r.wake}
	for _, m := range r.members {
		switch {
		case m.streams == 0:
			c.absent++
			continue
		case !m.acked.Before(at):
			c.acked++
		}
		c.connected++
	}
	return c
}

// list returns everybody, those who are furthest behind first.
func (r *roster) list() []member {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tidy()
	list := make([]member, 0, len(r.members))
	for _, m := range r.members {
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.acked.Epoch, b.acked.Epoch), cmp.Compare(a.acked.Seq, b.acked.Seq), cmp.Compare(a.seen, b.seen), cmp.Compare(a.name, b.name))
	})
	return list
}
