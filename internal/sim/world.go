package sim

import (
	"container/heap"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// A Result is what became of one story.
type Result struct {
	Days      float64        // that were played
	Refreshes int            // the owner's requests that reached the server
	Lines     map[string]int // all answers, by line of our refresh table
	Logouts   int            // of an owner, by the server, with no thief about

	Found    bool          // the theft ended the session
	After    time.Duration // from the thief's first use to that
	Survived int           // the owner's refreshes in between that followed a use by the thief
	Lucky    int           // times in between that somebody came as close as a second tab
}

// Play plays one story. Equal arguments give equal results. An error says that
// a server did something that no design does; there is no result then.
func Play(s Scenario, d Design, seed uint64) (Result, error) {
	server, err := d.build(s)
	if err != nil {
		return Result{}, err
	}
	w := &world{Scenario: s, server: server, random: rand.New(rand.NewPCG(seed, hash(s.Name)))}
	w.result.Lines = map[string]int{}
	w.owner = &owner{world: w, tabs: make([]tab, s.Tabs)}
	w.owner.begin()
	if s.Thief != nobody {
		w.thief = &thief{world: w}
		w.after(w.between(30*time.Minute, time.Hour), w.thief.steal)
	}
	w.run()
	w.result.Days = float64(w.now) / float64(day)
	return w.result, w.err
}

const day = 24 * time.Hour

// dawn is when every story begins, on the clock that is right.
var dawn = time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)

func hash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// A world is one story under way.
type world struct {
	Scenario
	server server
	random *rand.Rand
	owner  *owner
	thief  *thief // nil: nobody steals

	now     time.Duration // since dawn
	queue   queue
	planned int
	over    bool
	err     error
	result  Result
}

func (w *world) run() {
	for len(w.queue) > 0 && !w.over && w.err == nil {
		next := heap.Pop(&w.queue).(event)
		if next.at > w.Length {
			w.now = w.Length
			return
		}
		w.now = next.at
		next.do()
	}
}

func (w *world) after(wait time.Duration, do func()) {
	w.planned++
	heap.Push(&w.queue, event{w.now + wait, w.planned, do})
}

func (w *world) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.random.Float64()*float64(to-from))
}

func (w *world) chance(p float64) bool { return p > 0 && w.random.Float64() < p }

// path is how long a request or an answer takes: now and then seconds.
func (w *world) path() time.Duration {
	if w.chance(w.Slow) {
		return w.between(300*time.Millisecond, w.Slowest)
	}
	return w.between(20*time.Millisecond, 300*time.Millisecond)
}

// pause is when a client comes again: a person soon reads on, or does something
// else for a while.
func (w *world) pause() time.Duration {
	switch {
	case !w.Reads:
		return w.halfLife()
	case w.chance(0.2):
		return w.between(time.Minute, 20*time.Minute)
	}
	return w.between(time.Second, time.Minute)
}

// beside is how many requests a page makes beside its first.
func (w *world) beside() int {
	if !w.Reads {
		return 0
	}
	return w.random.IntN(6)
}

// halfLife is when a client refreshes: half of its access token's life is over.
func (w *world) halfLife() time.Duration {
	half := accessTTL / 2
	return w.between(half-time.Duration(w.Jitter*float64(half)), half+time.Duration(w.Jitter*float64(half)))
}

// node picks one of the servers, with what its clock says.
func (w *world) node() (int, time.Time) {
	n := w.random.IntN(w.nodes())
	at := dawn.Add(w.now)
	if w.Apart > 0 {
		at = at.Add(w.Apart/2 - time.Duration(n)*w.Apart)
	}
	return n, at
}

// refresh brings a token to a server.
func (w *world) refresh(token string) answer {
	n, at := w.node()
	a, err := w.server.refresh(at, n, token)
	w.note(err)
	if a.line != "" {
		w.result.Lines[a.line]++
	}
	if a.turned && w.chance(w.FailOver) {
		w.after(w.between(0, 20*time.Second), func() { w.note(w.server.forget()) })
	}
	return a
}

// present shows an access token to a verifier that reports what it sees: soon,
// then again when the token has been in use for long enough.
func (w *world) present(seen string, still func() bool) {
	if !w.Sightings || !w.chance(0.95) {
		return
	}
	for _, wait := range []time.Duration{0, settle} {
		kept := wait + w.between(100*time.Millisecond, 10*time.Second)
		w.after(kept, func() {
			if still() {
				n, at := w.node()
				w.note(w.server.sight(at, n, seen, kept))
			}
		})
	}
}

func (w *world) note(err error) {
	if w.err == nil {
		w.err = err
	}
}

// An event is something that will happen. Events of the same moment happen in
// the order in which they were planned.
type event struct {
	at    time.Duration
	order int
	do    func()
}

type queue []event

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }

func (q queue) Less(i, j int) bool {
	if q[i].at != q[j].at {
		return q[i].at < q[j].at
	}
	return q[i].order < q[j].order
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
