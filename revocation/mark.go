package revocation

import (
	"math"
	"time"
)

// A mark is what an index remembers of one rule, made to be compared: times in
// microseconds, as stores keep them, with "at once" and "for ever" as the
// smallest and the greatest.
type mark struct {
	action      Action
	reason      string
	before      Cursor // relative scopes: kills rev < before; absolute ones: everything
	issued      int64  // seconds: without rev, kills iat < issued
	from, until int64
}

// everything is above each cursor that a token can carry.
var everything = Cursor{Epoch: math.MaxUint64, Seq: math.MaxUint64}

func newMark(e Entry) mark {
	m := mark{
		action: e.Rule.Action, reason: e.Rule.Reason,
		before: everything, issued: math.MaxInt64,
		from: math.MinInt64, until: math.MaxInt64,
	}
	if e.Rule.Scope.Relative() {
		m.before = e.Rule.Before
		if m.before == (Cursor{}) {
			m.before = e.Cursor
		}
		m.issued = issuedBelow(e.At)
	}
	if !e.Rule.From.IsZero() {
		m.from = micros(e.Rule.From)
	}
	if !e.Rule.Until.IsZero() {
		m.until = micros(e.Rule.Until)
	}
	return m
}

// micros is t in microseconds, or the nearest number of them: a feed counts in
// milliseconds, and a rule until far beyond all time must not become one that is over.
func micros(t time.Time) int64 {
	const last = math.MaxInt64/1_000_000 - 1 // in seconds
	switch s := t.Unix(); {
	case s > last:
		return math.MaxInt64
	case s < -last:
		return math.MinInt64
	}
	return t.UnixMicro()
}

// issuedBelow rounds up to the second that iat counts in: a token that says
// 12:00:00 may have been signed at 12:00:00.4, before a rule of 12:00:00.5. A
// rule that cannot tell its time kills every token without rev.
func issuedBelow(at time.Time) int64 {
	if at.IsZero() {
		return math.MaxInt64
	}
	if at.Nanosecond() > 0 {
		return at.Unix() + 1
	}
	return at.Unix()
}

// matches tells whether the mark's rule kills (or rotates) the token at now, in
// microseconds.
func (m *mark) matches(now int64, q *Query) bool {
	if now < m.from || m.over(now) {
		return false
	}
	if m.before == everything {
		return true
	}
	if q.HasRev {
		return q.Rev.Before(m.before)
	}
	return q.IssuedAt.Unix() < m.issued
}

// over tells whether the rule will never be in force again.
func (m *mark) over(now int64) bool { return now > m.until }

// covers tells whether m does at least what o does, to every token, at all times.
func (m *mark) covers(o mark) bool {
	return m.action >= o.action && !m.before.Before(o.before) && m.issued >= o.issued &&
		m.from <= o.from && m.until >= o.until
}
