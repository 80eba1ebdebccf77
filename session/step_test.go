package session

import (
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// noon is the now of every line below; the row is at generation 7.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return noon.Add(-d) }

// settled is a session that was last refreshed an hour ago, arrived and kept.
func settled() Row {
	return Row{
		State: Active, Generation: 7, KeyID: 1,
		RotatedAt: before(time.Hour), HeldAt: before(time.Hour), ConfirmedAt: before(50 * time.Minute),
		Idle: noon.Add(time.Hour), Absolute: noon.Add(2 * time.Hour),
	}
}

// rotatedAgo is a session refreshed d ago, its answer not known to have arrived.
func rotatedAgo(d time.Duration) Row {
	r := settled()
	r.RotatedAt, r.HeldAt, r.ConfirmedAt = before(d), before(d), time.Time{}
	return r
}

func with(r Row, change func(*Row)) Row { change(&r); return r }

func shows(generation uint32) presented {
	return presented{known: true, genuine: true, bound: true, generation: generation, key: 2, next: 3}
}

func TestTheTableLineByLine(t *testing.T) {
	const tick = time.Microsecond
	p := DefaultPolicy()
	unchanged := func(r *Row) {}
	next := func(r *Row) {
		r.Generation, r.KeyID, r.RotatedAt, r.HeldAt, r.ConfirmedAt, r.Late, r.LateNow = 8, 3, noon, noon, time.Time{}, 0, false
	}
	confirmed := func(rotated, confirmed time.Duration) Row {
		return with(rotatedAgo(rotated), func(r *Row) { r.ConfirmedAt = before(confirmed) })
	}
	straggler := p.straggler()
	for _, c := range []struct {
		name   string
		row    Row
		shown  presented
		want   outcome
		change func(*Row)
	}{
		{"unknown master key", settled(), presented{generation: 7, bound: true}, retry, unchanged},
		{"unknown master key before an ended session", with(settled(), func(r *Row) { r.State = Ended }), presented{}, retry, unchanged},
		{"bad MAC", settled(), presented{known: true, generation: 7, bound: true}, malformed, unchanged},
		{"bad MAC before an ended session", with(settled(), func(r *Row) { r.State = Ended }), presented{known: true}, malformed, unchanged},
		{"ended", with(settled(), func(r *Row) { r.State = Ended }), shows(7), ended, unchanged},
		{"ended before binding", with(settled(), func(r *Row) { r.State = Ended }), presented{known: true, genuine: true, generation: 7}, ended, unchanged},
		{"idle to the moment", with(settled(), func(r *Row) { r.Idle = noon }), shows(7), ended, unchanged},
		{"a moment before idle", with(settled(), func(r *Row) { r.Idle = noon.Add(tick) }), shows(7), rotate, next},
		{"absolute to the moment", with(settled(), func(r *Row) { r.Absolute = noon }), shows(7), ended, unchanged},
		{"without its binding", settled(), presented{known: true, genuine: true, generation: 7}, binding, unchanged},
		{"without its binding, and stolen", settled(), presented{known: true, genuine: true, generation: 3}, binding, unchanged},

		{"current, just rotated", rotatedAgo(0), shows(7), same, unchanged},
		{"current, a moment before hold is over", rotatedAgo(p.Hold - tick), shows(7), same, unchanged},
		{"current, hold over to the moment", rotatedAgo(p.Hold), shows(7), rotate, next},
		{"current, held again", with(rotatedAgo(time.Hour), func(r *Row) { r.HeldAt = before(p.Hold - tick) }), shows(7), same, unchanged},
		{"current, long ago", settled(), shows(7), rotate, next},
		{"the first refresh after login is never held", Row{State: Active, RotatedAt: noon, HeldAt: noon}, shows(0), rotate,
			func(r *Row) { r.Generation, r.KeyID = 1, 3 }},
		{"rotating without a late replay forgets the late ones", with(settled(), func(r *Row) { r.Late = 2 }), shows(7), rotate, next},
		{"rotating after a late replay counts it", with(settled(), func(r *Row) { r.Late, r.LateNow = 1, true }), shows(7), rotate,
			func(r *Row) { next(r); r.Late = 2 }},

		{"parent within grace", rotatedAgo(p.Grace), shows(6), replay, unchanged},
		{"parent past grace, the answer not known to have arrived", rotatedAgo(p.Grace + tick), shows(6), replay,
			func(r *Row) { r.HeldAt = noon }},
		{"parent that was under way", rotatedAgo(straggler), shows(6), replay, func(r *Row) { r.HeldAt = noon }},
		{"parent that was not", rotatedAgo(straggler + tick), shows(6), replay,
			func(r *Row) { r.HeldAt, r.LateNow = noon, true }},
		{"parent late again in one generation", with(rotatedAgo(time.Hour), func(r *Row) { r.Late, r.LateNow = 1, true }), shows(6), replay,
			func(r *Row) { r.HeldAt = noon }},
		{"parent a moment after it was replayed late", with(rotatedAgo(time.Hour), func(r *Row) { r.HeldAt, r.LateNow = before(moment), true }), shows(6), replay,
			func(r *Row) { r.HeldAt = noon }},
		{"parent within that moment", with(rotatedAgo(time.Hour), func(r *Row) { r.HeldAt, r.LateNow = before(moment-tick), true }), shows(6), replay, unchanged},
		{"parent late in the third generation in a row", with(rotatedAgo(time.Hour), func(r *Row) { r.Late = 2 }), shows(6), reused, unchanged},
		{"parent in the third, but not late", with(rotatedAgo(straggler), func(r *Row) { r.Late = 2 }), shows(6), replay,
			func(r *Row) { r.HeldAt = noon }},
		{"parent while its child drains", confirmed(time.Hour, p.Drain), shows(6), replay,
			func(r *Row) { r.HeldAt, r.LateNow = noon, true }},
		{"parent, its child drained", confirmed(time.Hour, p.Drain+tick), shows(6), reused, unchanged},
		{"parent of a settled session", settled(), shows(6), reused, unchanged},

		{"grandparent, overtaken on the way", rotatedAgo(p.Hold), shows(5), late, unchanged},
		{"grandparent", rotatedAgo(p.Hold + tick), shows(5), reused, unchanged},
		{"the oldest of all", settled(), shows(0), reused, unchanged},

		{"child that the store forgot", settled(), shows(8), heal, func(r *Row) { next(r); r.KeyID = 2 }},
		{"far ahead of the store", settled(), shows(40), heal, func(r *Row) { next(r); r.Generation, r.KeyID = 40, 2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, o := step(c.row, c.shown, noon, p)
			if o != c.want {
				t.Fatalf("got %s, want %s", o, c.want)
			}
			if want := with(c.row, c.change); machineExact(got) != machineExact(want) {
				t.Errorf("row became\n%+v, want\n%+v", machineExact(got), machineExact(want))
			}
		})
	}
}

// exact is what step may change.
type exact struct {
	generation                 uint32
	key                        uint32
	rotated, held, confirmedAt time.Time
	late                       int
	lateNow                    bool
	state                      State
	idle, absolute             time.Time
}

func machineExact(r Row) exact {
	return exact{r.Generation, uint32(r.KeyID), r.RotatedAt, r.HeldAt, r.ConfirmedAt, r.Late, r.LateNow, r.State, r.Idle, r.Absolute}
}

// TestA089GraceDoesNotSlide shows a parent again and again: its window ends
// when it was to end.
func TestA089GraceDoesNotSlide(t *testing.T) {
	p := DefaultPolicy()
	row := rotatedAgo(0)
	for at := time.Duration(0); at <= p.Settle; at += 10 * time.Second {
		var o outcome
		if row, o = step(row, shows(6), noon.Add(at), p); o != replay {
			t.Fatalf("after %v: %s, want replay: nothing says that the answer arrived", at, o)
		}
	}
	if !row.RotatedAt.Equal(noon) {
		t.Errorf("replays moved rotated_at by %v", row.RotatedAt.Sub(noon))
	}
	row, changed := sighted(row, 7, p.Settle, noon.Add(p.Settle), p)
	if !changed {
		t.Fatal("a token used settle after its iat confirms nothing")
	}
	if _, o := step(row, shows(6), noon.Add(p.Settle+p.Drain+time.Second), p); o != reused {
		t.Errorf("got %s after drain, want reused", o)
	}
}

// TestA192ClocksThatStepBack has stored times in the future: they are written
// down as now, once, and open nothing that was shut.
func TestA192ClocksThatStepBack(t *testing.T) {
	p := DefaultPolicy()
	for _, back := range []time.Duration{6 * time.Second, time.Hour, 10 * 365 * 24 * time.Hour} {
		ahead := with(settled(), func(r *Row) {
			r.RotatedAt, r.HeldAt, r.ConfirmedAt = noon.Add(back), noon.Add(back), noon.Add(back)
		})
		if _, o := step(ahead, shows(6), noon, p); o != reused {
			t.Errorf("%v back: a dead parent gives %s, want reused", back, o)
		}
		row, o := step(ahead, shows(7), noon, p)
		if o != same || row.ahead(noon) || !row.HeldAt.Equal(noon) {
			t.Errorf("%v back: %s, held at %v, want same from noon on", back, o, row.HeldAt)
		}
		if _, o := step(row, shows(7), noon.Add(p.Hold), p); o != rotate {
			t.Errorf("%v back: %s when hold is over, want rotate", back, o)
		}
		if again, _ := step(row, shows(7), noon.Add(time.Second), p); machineExact(again) != machineExact(row) {
			t.Errorf("%v back: rewritten twice", back)
		}
		unconfirmed := with(ahead, func(r *Row) { r.ConfirmedAt = time.Time{} })
		if row, o := step(unconfirmed, shows(6), noon, p); o != replay || row.LateNow {
			t.Errorf("%v back: %s, late %v; a lost answer must be repeated, and is nobody's fault", back, o, row.LateNow)
		}
	}
	near := with(settled(), func(r *Row) { r.HeldAt = noon.Add(tolerance) })
	if row, _ := step(near, shows(7), noon, p); !row.HeldAt.Equal(near.HeldAt) {
		t.Error("five seconds are within the tolerance, and were rewritten")
	}
}

func TestASightingCounts(t *testing.T) {
	p := DefaultPolicy()
	fresh := rotatedAgo(time.Hour)
	for _, c := range []struct {
		name       string
		row        Row
		generation uint32
		kept       time.Duration
		want       bool
	}{
		{"of the current generation, kept", fresh, 7, p.Settle, true},
		{"not kept long enough", fresh, 7, p.Settle - 1, false},
		{"of the generation before", fresh, 6, time.Hour, false},
		{"of one that is not there", fresh, 8, time.Hour, false},
		{"of a confirmed one", settled(), 7, time.Hour, false},
		{"of an ended session", with(fresh, func(r *Row) { r.State = Ended }), 7, time.Hour, false},
	} {
		got, changed := sighted(c.row, c.generation, c.kept, noon, p)
		if changed != c.want || changed && !got.ConfirmedAt.Equal(noon) {
			t.Errorf("%s: changed %v at %v, want %v", c.name, changed, got.ConfirmedAt, c.want)
		}
	}
}

func TestWhySessionsAreOver(t *testing.T) {
	for _, c := range []struct {
		row  Row
		want jwt.Reason
	}{
		{settled(), ""},
		{with(settled(), func(r *Row) { r.State, r.EndReason = Ended, "logout" }), jwt.Revoked},
		{with(settled(), func(r *Row) { r.State, r.EndReason = Ended, "reused" }), jwt.Reused},
		{with(settled(), func(r *Row) { r.Idle = noon }), jwt.Idle},
		{with(settled(), func(r *Row) { r.Idle, r.Absolute = noon, noon }), jwt.Absolute},
		{with(settled(), func(r *Row) { r.Idle, r.Absolute = time.Time{}, time.Time{} }), ""},
		{Row{}, jwt.Revoked},
	} {
		if got, over := c.row.over(noon); got != c.want || over != (c.want != "") {
			t.Errorf("%s until %v, %v: got %q, %v; want %q", c.row.State, c.row.Idle, c.row.Absolute, got, over, c.want)
		}
	}
}
