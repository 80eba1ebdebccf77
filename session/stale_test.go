package session

import "fmt"

// What an old refresh token may still buy: a row beside what truly happened to
// it. Whoever holds old tokens shows them whenever they like, also to a node
// whose clock has stepped back.
type stale struct {
	row                machine
	rotated, confirmed age // truly
}

// back is a clock that stepped back by ten minutes.
const back = -60

// keptFor is when a generation may be confirmed.
const keptFor = 9

func exploreStale(t table) finding {
	start := stale{row: machine{generation: 3, rotated: 0, held: 0, confirm: never}, rotated: 0, confirmed: never}
	return search[stale]{moves: func(s stale, visit func(stale, bool, func() string)) { s.moves(t, visit) }}.run(start)
}

func (s stale) moves(t table, visit func(stale, bool, func() string)) {
	visit(stale{s.row.older(), older(s.rotated), older(s.confirmed)}, false, func() string { return "10 s pass" })
	if row, changed := t.sight(s.row, s.row.generation, beyond, 0); changed && s.rotated >= keptFor {
		visit(stale{row, s.rotated, 0}, false, func() string { return "its generation is confirmed" })
	}
	for _, ahead := range []int8{0, back} {
		for shown := s.row.generation; shown >= 0; shown-- {
			row, o := t.refresh(s.row, shown, ahead)
			if t.lost(o) {
				continue
			}
			to := stale{row, s.rotated, s.confirmed}
			if row.generation != s.row.generation {
				to.rotated, to.confirmed = 0, never
			}
			if by := row.generation - newest; by > 0 {
				to.row.generation -= by
			}
			visit(to, s.wrong(shown, row, o), func() string {
				clock := ""
				if ahead != 0 {
					clock = " to a clock that is 600 s behind"
				}
				return fmt.Sprintf("RT%d is shown%s: %s (truly rotated %s, confirmed %s; was: %v)", shown, clock, o, ago(s.rotated), ago(s.confirmed), s.row)
			})
		}
	}
}

// wrong tells what no table may do, by the truth and not by the row.
func (s stale) wrong(shown int8, row machine, o outcome) bool {
	switch {
	case !o.issues() || shown == s.row.generation:
		return false
	case shown < s.row.generation-1: // a grandparent buys nothing, ever
		return true
	case row.generation != s.row.generation: // a parent buys what was made already, never something new
		return true
	}
	return s.rotated > 3 && s.confirmed > 2 // and nothing once its child is confirmed, past grace and drain
}
