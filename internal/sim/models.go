package sim

import (
	"strconv"
	"time"
)

// A model is the rule of another design, without all that surrounds it.
type model struct {
	rule    rule
	derives bool // tokens are derived from a count in the row, so a lost write gives the same one again
	row     row
	before  row // the write before
	issued  int // tokens so far
}

// A row is what such a server keeps of a session.
type row struct {
	current, parent int
	turned          time.Time // when current replaced parent
}

// A rule answers a token that was shown with one to use from now on. It ends
// the session by saying no.
type rule func(m *model, now time.Time, shown int) (int, bool)

func modelOf(r rule, derives bool) func(Scenario) (server, error) {
	return func(Scenario) (server, error) { return &model{rule: r, derives: derives}, nil }
}

// strict ends the session when any token is shown for the second time: RFC 9700
// §4.14 with nothing added.
func strict(m *model, now time.Time, shown int) (int, bool) {
	if shown != m.row.current {
		return 0, false
	}
	return m.turn(now), true
}

// rerotation answers the parent for 30 s after the first rotation with another
// new token each time. The one given out before is dead then. So does
// SuperTokens core 12.1.
func rerotation(m *model, now time.Time, shown int) (int, bool) {
	was := m.row
	switch {
	case shown == was.current:
		return m.turn(now), true
	case shown == was.parent && now.Sub(was.turned) <= 30*time.Second:
		m.turn(now)
		m.row.parent, m.row.turned = was.parent, was.turned
		return m.row.current, true
	}
	return 0, false
}

// parentAlways answers the parent with the current token, whenever it comes,
// and anything older for 10 s after a rotation. So does Supabase Auth with its
// second version of refresh tokens.
func parentAlways(m *model, now time.Time, shown int) (int, bool) {
	switch {
	case shown == m.row.current:
		return m.turn(now), true
	case shown == m.row.parent:
		return m.row.current, true
	case shown < m.row.parent && now.Sub(m.row.turned) <= 10*time.Second:
		return m.row.current, true
	}
	return 0, false
}

// atOnce renews a token past half of its hour and takes no other one from then
// on. So do tokens that are renewed in an ordinary answer, and revoked.
func atOnce(m *model, now time.Time, shown int) (int, bool) {
	switch {
	case shown != m.row.current:
		return 0, false
	case now.Sub(m.row.turned) < 30*time.Minute:
		return shown, true
	}
	return m.turn(now), true
}

// turn makes a new token current.
func (m *model) turn(now time.Time) int {
	m.before = m.row
	m.issued++
	m.row = row{current: m.issued, parent: m.row.current, turned: now}
	return m.issued
}

func (m *model) login(now time.Time) (string, error) {
	m.issued++ // so that no token of before is a parent
	m.row = row{current: m.issued, turned: now}
	m.before = m.row
	return strconv.Itoa(m.issued), nil
}

func (m *model) refresh(now time.Time, _ int, token string) (answer, error) {
	shown, err := strconv.Atoi(token)
	if err != nil {
		return answer{}, err
	}
	was := m.row.current
	next, ok := m.rule(m, now, shown)
	if !ok {
		return answer{verdict: over}, nil
	}
	return answer{token: strconv.Itoa(next), turned: m.row.current != was}, nil
}

func (m *model) sight(time.Time, int, string, time.Duration) error { return nil }

func (m *model) rights(time.Time) error { return nil }

func (m *model) forget() error {
	m.row = m.before
	if m.derives {
		m.issued = m.row.current
	}
	return nil
}
