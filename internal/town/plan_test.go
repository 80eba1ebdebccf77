package town_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A plan is everything that a seed decides: who does what when, and what goes
// wrong. What comes of it is the system's.
type plan struct {
	setting
	ahead   time.Duration // how far the clock of one node is, and that of the other behind
	devices [][][]visit   // of each person
	orders  []event       // of administrators
	lines   [][]event     // of each service: what happens to its line
	nodes   [][]event     // of each node: how it ends
}

// A setting is the size of a town.
type setting struct {
	seed                    uint64
	length                  time.Duration
	people, devices, guards int
	calm                    bool // nothing goes wrong
}

// A visit is a few minutes of one person with one device.
type visit struct {
	at    time.Duration
	asks  []ask
	act   string // at its end
	fresh bool   // the program was started again
	seed  uint64 // of what goes wrong on the way to the auth server
}

// An ask is a request to a service; several at once when it is wide.
type ask struct {
	after       time.Duration // since the visit began
	guard, path int
	wide        int
}

// An event is what happens to somebody.
type event struct {
	at    time.Duration
	kind  string
	who   int
	lasts time.Duration
}

// stream returns the random numbers of one actor: what another one draws does
// not change them.
func (s setting) stream(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

func (s setting) plan() *plan {
	p := &plan{setting: s}
	r := s.stream("clocks")
	if !s.calm {
		p.ahead = []time.Duration{0, 5 * time.Second}[r.IntN(2)]
	}
	for i := range s.people {
		person := make([][]visit, s.devices)
		for j := range person {
			person[j] = s.visits(s.stream(fmt.Sprintf("device %d.%d", i, j)), j == 0)
		}
		p.devices = append(p.devices, person)
	}
	for i := range s.guards {
		p.lines = append(p.lines, s.events(fmt.Sprintf("line %d", i), 12*time.Minute, func(r *rand.Rand) event {
			return event{kind: pick(r, "cut", "silence", "buffering"), who: i, lasts: spread(r, time.Second, 3*time.Minute)}
		}))
	}
	for i := range nodes {
		p.nodes = append(p.nodes, s.events(fmt.Sprintf("node %d", i), 15*time.Minute, func(r *rand.Rand) event {
			return event{kind: pick(r, "drain", "kill", "doom"), who: i, lasts: spread(r, time.Second, 30*time.Second)}
		}))
	}
	p.orders = s.orders()
	return p
}

const nodes = 2

// visits are apart by more than half of an access token's life, and short: when
// a token is renewed does not depend on the client's dice.
func (s setting) visits(r *rand.Rand, first bool) (list []visit) {
	for at := between(r, 5*time.Second, 12*time.Minute); at < s.length; {
		v := visit{at: at, seed: r.Uint64(), fresh: r.IntN(8) == 0}
		after := time.Duration(0)
		for range 1 + r.IntN(8) {
			v.asks = append(v.asks, ask{after, r.IntN(s.guards), r.IntN(len(routes)), 1 + 2*r.IntN(2)})
			after += between(r, time.Second, 40*time.Second)
		}
		switch n := r.IntN(20); {
		case n < 2:
			v.act = "log out"
		case n < 4:
			v.act = "end others"
		case n == 4 && first:
			v.act = "new password"
		}
		list = append(list, v)
		at += after + 11*time.Minute + spread(r, time.Second, time.Hour)
	}
	return list
}

func (s setting) events(name string, mean time.Duration, one func(*rand.Rand) event) (list []event) {
	if s.calm {
		return nil
	}
	r := s.stream(name)
	for at := time.Duration(0); ; {
		at += 30*time.Second + time.Duration(r.ExpFloat64()*float64(mean))
		if at >= s.length {
			return list
		}
		e := one(r)
		e.at = at
		list = append(list, e)
		at += e.lasts
	}
}

// orders are what administrators do: one thing every few minutes.
func (s setting) orders() []event {
	r := s.stream("orders")
	var list []event
	for at := 2 * time.Minute; at < s.length; at += between(r, time.Minute, 8*time.Minute) {
		e := event{at: at, who: r.IntN(s.people)}
		if e.kind = pick(r, "lock", "end all", "rights", "rights", "rotate keys", "lose key"); s.calm {
			e.kind = "rights"
		}
		list = append(list, e)
	}
	return list
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

// spread draws a duration so that short ones are as likely as long ones on a
// logarithmic scale.
func spread(r *rand.Rand, from, to time.Duration) time.Duration {
	d := from
	for d < to && r.IntN(10) < 7 {
		d *= 2
	}
	return min(to, time.Duration(float64(d)*(1+r.Float64())))
}

// history tells the plan, one line for each act and fault.
func (p *plan) history() string {
	type line struct {
		at   time.Duration
		text string
	}
	var lines []line
	add := func(at time.Duration, format string, args ...any) {
		lines = append(lines, line{at, fmt.Sprintf(format, args...)})
	}
	for i, person := range p.devices {
		for j, visits := range person {
			for _, v := range visits {
				add(v.at, "%s comes, asks %d times%s%s", deviceName(i, j), len(v.asks), when(v.fresh, ", with a program started anew", ""), when(v.act != "", ", at the end: "+v.act, ""))
			}
		}
	}
	for _, e := range p.orders {
		add(e.at, "administrator: %s, person %d", e.kind, e.who)
	}
	for _, e := range slices.Concat(p.lines...) {
		add(e.at, "line of service %d: %s for %s", e.who, e.kind, e.lasts.Round(time.Millisecond))
	}
	for _, e := range slices.Concat(p.nodes...) {
		add(e.at, "node %d: %s, back after %s", e.who, e.kind, e.lasts.Round(time.Millisecond))
	}
	slices.SortStableFunc(lines, func(a, b line) int { return int(a.at - b.at) })
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d people with %d devices, %d services, %s; clocks %s apart\n", p.seed, p.people, p.setting.devices, p.guards, p.length, 2*p.ahead)
	for _, l := range lines {
		fmt.Fprintf(&b, "%s %s\n", span(l.at), l.text)
	}
	return b.String()
}

func deviceName(person, device int) string {
	return fmt.Sprintf("person %d, device %d", person, device)
}
