package session

import (
	"fmt"
	"time"
)

// The explorer's time goes in units of ten seconds, and nothing in it is older
// than beyond: all windows of the table are shut by then, so older makes no
// difference. Together with generations that are counted from the current one,
// this leaves finitely many states, however long the story lasts.
const (
	unit   = 10 * time.Second
	beyond = 13
	never  = -128
	newest = 4 // the current generation is kept at or below this number
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// ages are how long ago things happened, in units. never: not at all.
type age = int8

func older(a age) age {
	if a == never || a >= beyond {
		return a
	}
	return a + 1
}

// A machine is the part of a Row that the table looks at.
type machine struct {
	generation             int8
	rotated, held, confirm age
	late                   int8
	lateNow                bool
}

func (m machine) row() Row {
	return Row{
		State: Active, Generation: uint32(m.generation), Late: int(m.late), LateNow: m.lateNow,
		RotatedAt: timeOf(m.rotated), HeldAt: timeOf(m.held), ConfirmedAt: timeOf(m.confirm),
	}
}

func machineOf(r Row) machine {
	return machine{
		generation: int8(r.Generation), late: int8(min(r.Late, 9)), lateNow: r.LateNow,
		rotated: ageOf(r.RotatedAt), held: ageOf(r.HeldAt), confirm: ageOf(r.ConfirmedAt),
	}
}

func (m machine) older() machine {
	m.rotated, m.held, m.confirm = older(m.rotated), older(m.held), older(m.confirm)
	return m
}

func timeOf(a age) time.Time {
	if a == never {
		return time.Time{}
	}
	return epoch.Add(-time.Duration(a) * unit)
}

// ageOf rounds up: a window that was shut by a moment stays shut.
func ageOf(t time.Time) age {
	if t.IsZero() {
		return never
	}
	d := epoch.Sub(t)
	a := d / unit
	if d > 0 && d%unit != 0 {
		a++
	}
	return age(min(a, beyond))
}

// A table is a refresh table: the real one, or one that is known to be wrong.
type table struct {
	policy  Policy
	step    func(Row, presented, time.Time, Policy) (Row, outcome)
	sighted func(Row, uint32, time.Duration, time.Time, Policy) (Row, bool)
	renews  func(outcome) bool // the answer sets the cookie
	lost    func(outcome) bool // the client forgets its session
}

func realTable() table {
	return table{DefaultPolicy(), step, sighted, outcome.renews, outcome.terminal}
}

// refresh presents a generation at a node whose clock is ahead by some units.
func (t table) refresh(m machine, shown int8, ahead int8) (machine, outcome) {
	p := presented{known: true, genuine: true, generation: uint32(shown), bound: true}
	row, o := t.step(m.row(), p, epoch.Add(time.Duration(ahead)*unit), t.policy)
	return machineOf(row), o
}

// sight reports that an access token of a generation was presented.
func (t table) sight(m machine, generation int8, kept age, ahead int8) (machine, bool) {
	row, changed := t.sighted(m.row(), uint32(generation), time.Duration(kept)*unit, epoch.Add(time.Duration(ahead)*unit), t.policy)
	return machineOf(row), changed
}

func (m machine) String() string {
	text := fmt.Sprintf("generation %d, rotated %s", m.generation, ago(m.rotated))
	if m.held != m.rotated {
		text += ", held " + ago(m.held)
	}
	if m.confirm != never {
		text += ", confirmed " + ago(m.confirm)
	}
	if m.late > 0 || m.lateNow {
		text += fmt.Sprintf(", late %d", m.late)
		if m.lateNow {
			text += " and now"
		}
	}
	return text
}

func ago(a age) string {
	switch {
	case a == never:
		return "never"
	case a >= beyond:
		return "long ago"
	case a < 0:
		return fmt.Sprintf("%d s in the future", -10*int(a))
	}
	return fmt.Sprintf("%d s ago", 10*int(a))
}
