package session

import (
	"cmp"
	"fmt"
	"slices"
)

// An honest world: one browser with one cookie jar and tabs that refresh
// whenever they like, one row in a store, and everything that can go wrong
// between them.
type honest struct {
	row     machine
	before  machine // the row before its last write, while a fail-over may still lose that
	written bool    // before holds one

	jar, disk int8 // generation of the refresh token in the browser, and on its disk
	unsaved   age  // since jar and disk differ

	tokens  [8]age // by generation: age of the oldest access token the browser has
	reports [8]age // by generation: age at which one was presented by a browser that has died since

	flights [3]flight

	losses, stalls, failures, deaths int8 // that may still happen
}

// A flight is a request or an answer under way.
type flight struct {
	kind    flightKind
	shown   int8 // request: generation presented. answer: generation of its refresh token
	current int8 // answer: generation of its access token
	age     age
	nobody  bool // the browser that waits for it has died
}

type flightKind int8

const (
	nothing flightKind = iota
	request
	answer
	plain // an answer without a refresh token
)

// conditions bound how bad a world gets.
type conditions struct {
	table    table
	delay    age  // each request and each answer takes at most so long
	flights  int  // at once
	skew     int8 // of a second node's clock
	losses   int8 // answers
	stalls   int8 // requests that take another delay on top, one of them several
	failures int8 // fail-overs, each of which drops the last write
	deaths   int8 // of the browser, before its jar is on the disk
	fast     age  // verifiers' clocks are ahead by so much
	limit    int
}

// saved is how long a browser takes at most to write its jar to the disk.
const saved = 3

func (c conditions) explore() finding {
	used := honest{row: machine{generation: 2, rotated: beyond, held: beyond, confirm: beyond}, jar: 2, disk: 2}
	fresh := honest{row: machine{generation: 0, rotated: 0, held: 0, confirm: never}}
	for _, h := range []*honest{&used, &fresh} {
		h.unsaved = never
		for g := range h.tokens {
			h.tokens[g], h.reports[g] = never, never
		}
		h.losses, h.stalls, h.failures, h.deaths = c.losses, c.stalls, c.failures, c.deaths
	}
	return search[honest]{moves: c.moves, limit: c.limit}.run(used, fresh)
}

// visitor is told of each state that may follow.
type visitor = func(to honest, bad bool, story func() string)

func (c conditions) moves(h honest, visit visitor) {
	v := func(to honest, bad bool, story func() string) { visit(to.canonical(), bad, story) }
	c.network(h, v)
	c.browser(h, v)
	c.origin(h, v)
	c.tick(h, v)
}

// network moves what is under way.
func (c conditions) network(h honest, visit visitor) {
	for i, f := range h.flights {
		rest := h
		rest.flights[i] = flight{}
		switch {
		case f.kind == nothing || i > 0 && f == h.flights[i-1]:
		case f.kind == request:
			c.served(h, i, visit)
			c.delayed(h, i, visit)
		case f.nobody:
			visit(rest, false, func() string { return "an answer finds its browser dead" })
		default:
			visit(rest.received(f), false, func() string { return "the browser receives " + f.String() })
			if h.losses > 0 {
				rest.losses--
				visit(rest, false, func() string { return f.String() + " is lost on the way" })
			}
		}
	}
}

// delayed is what becomes of a request that was under way for too long.
func (c conditions) delayed(h honest, i int, visit visitor) {
	f, to := h.flights[i], h
	if f.age < c.delay {
		return
	}
	to.flights[i] = flight{}
	visit(to, false, func() string { return fmt.Sprintf("the request with RT%d is lost on the way", f.shown) })
	if h.stalls > 0 {
		to.flights[i] = f
		to.flights[i].age = 0
		to.stalls--
		visit(to, false, func() string { return fmt.Sprintf("the request with RT%d stalls", f.shown) })
	}
}

// served lets a node answer the request in flight i.
func (c conditions) served(h honest, i int, visit visitor) {
	f := h.flights[i]
	for _, ahead := range slices.Compact([]int8{0, c.skew}) {
		row, o := c.table.refresh(h.row, f.shown, ahead)
		to := h.write(row)
		to.flights[i] = flight{}
		if o.issues() {
			to.flights[i] = flight{kind: plain, current: row.generation, nobody: f.nobody}
		}
		if c.table.renews(o) {
			to.flights[i].kind, to.flights[i].shown = answer, row.generation
		}
		visit(to, c.table.lost(o), func() string {
			node := ""
			if ahead != 0 {
				node = fmt.Sprintf(" at a node %d s ahead", 10*ahead)
			}
			return fmt.Sprintf("RT%d arrives%s: %s (was: %v)", f.shown, node, o, h.row)
		})
	}
}

// browser sends, saves its jar, dies.
func (c conditions) browser(h honest, visit visitor) {
	if free := slices.Index(h.flights[:c.flights], flight{}); free >= 0 {
		to := h
		to.flights[free] = flight{kind: request, shown: h.jar}
		visit(to, false, func() string { return fmt.Sprintf("a tab sends RT%d", h.jar) })
	}
	if h.unsaved == never {
		return
	}
	to := h
	to.disk, to.unsaved = to.jar, never
	visit(to, false, func() string { return "the jar is written to the disk" })
	if h.deaths > 0 {
		visit(h.died(), false, func() string {
			return fmt.Sprintf("the browser dies with RT%d not on its disk, starts again with RT%d", h.jar, h.disk)
		})
	}
}

// origin hears of sightings and loses writes.
func (c conditions) origin(h honest, visit visitor) {
	g := h.row.generation
	if kept := max(h.tokens[g], h.reports[g]); kept != never {
		kept += c.fast
		for _, ahead := range slices.Compact([]int8{0, c.skew}) {
			if row, changed := c.table.sight(h.row, g, kept, ahead); changed {
				visit(h.write(row), false, func() string { return fmt.Sprintf("a verifier reports an access token of generation %d", g) })
			}
		}
	}
	if h.failures > 0 && h.written {
		to := h
		to.row, to.before, to.written, to.failures = h.before, machine{}, false, h.failures-1
		visit(to, false, func() string { return fmt.Sprintf("a fail-over loses the last write (is: %v)", h.before) })
	}
}

// tick lets ten seconds pass, if nothing has to happen first.
func (c conditions) tick(h honest, visit visitor) {
	if h.unsaved >= saved || slices.ContainsFunc(h.flights[:], func(f flight) bool { return f.kind != nothing && f.age >= c.delay }) {
		return
	}
	to := h
	to.row, to.unsaved = h.row.older(), older(h.unsaved)
	if h.written {
		to.before = h.before.older()
	}
	for i, f := range h.flights {
		if f.kind != nothing {
			to.flights[i].age++
		}
	}
	for g := range h.tokens {
		to.tokens[g] = older(h.tokens[g])
	}
	visit(to, false, func() string { return "10 s pass" })
}

func (h honest) write(row machine) honest {
	if row != h.row && h.failures > 0 {
		h.before, h.written = h.row, true
	}
	h.row = row
	return h
}

func (h honest) received(f flight) honest {
	h.tokens[f.current] = max(h.tokens[f.current], f.age)
	if f.kind == answer && f.shown != h.jar {
		h.jar = f.shown
		if h.deaths == 0 {
			h.disk = h.jar
		}
		switch {
		case h.jar == h.disk:
			h.unsaved = never
		case h.unsaved == never:
			h.unsaved = 0
		}
	}
	return h
}

func (h honest) died() honest {
	for g := range h.tokens {
		h.reports[g] = max(h.reports[g], h.tokens[g])
		h.tokens[g] = never
	}
	for i := range h.flights {
		h.flights[i].nobody = h.flights[i].kind != nothing
	}
	h.jar, h.unsaved = h.disk, never
	h.deaths--
	if h.deaths == 0 {
		h.disk = h.jar
	}
	return h
}

// canonical makes equal what makes no difference: the order of flights, tokens
// that nobody asks about, and how many generations there were before.
func (h honest) canonical() honest {
	if by := h.row.generation - newest; by > 0 {
		h = h.shifted(by)
	}
	for g := range h.tokens {
		if int8(g) < h.row.generation-1 {
			h.tokens[g], h.reports[g] = never, never
		}
	}
	slices.SortFunc(h.flights[:], func(a, b flight) int { return cmp.Compare(b.key(), a.key()) })
	return h
}

func (f flight) key() int {
	k := ((int(f.kind)*16+int(f.shown))*16+int(f.current))*16 + int(f.age)
	if f.nobody {
		k = -k
	}
	return k
}

func (h honest) shifted(by int8) honest {
	down := func(g *int8) { *g = max(0, *g-by) }
	down(&h.row.generation)
	down(&h.before.generation)
	down(&h.jar)
	down(&h.disk)
	for i := range h.flights {
		down(&h.flights[i].shown)
		down(&h.flights[i].current)
	}
	tokens, reports := h.tokens, h.reports
	for g := range h.tokens {
		h.tokens[g], h.reports[g] = never, never
		if from := g + int(by); from < len(tokens) {
			h.tokens[g], h.reports[g] = tokens[from], reports[from]
		}
	}
	return h
}

func (f flight) String() string {
	if f.kind == plain {
		return fmt.Sprintf("an answer with AT%d only", f.current)
	}
	return fmt.Sprintf("the answer with RT%d and AT%d", f.shown, f.current)
}
