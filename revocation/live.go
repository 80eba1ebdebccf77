package revocation

import (
	"math"
	"time"
)

// Live returns the rules that are in force at now or will be, in no order. A
// node whose store was put back to an older state appends again what is not in
// the log. It costs a walk over all of them, and writers wait.
func (x *Index) Live(now time.Time) []Rule {
	x.mu.Lock()
	defer x.mu.Unlock()
	at := now.UnixMicro()
	var rules []Rule
	for i := range x.rules.tables {
		x.rules.each(x.rules.tables[i].Load(), func(scope int, id []byte, m *mark) {
			if at <= m.until {
				rules = append(rules, m.rule(scopes[scope], string(id)))
			}
		})
	}
	return rules
}

// rule is what the mark was made from, as far as stores keep it.
func (m mark) rule(s Scope, id string) Rule {
	r := Rule{Scope: s, ID: id, Action: m.action, Reason: m.reason}
	if s.Relative() {
		r.Before = m.before
	}
	if m.from != math.MinInt64 {
		r.From = time.UnixMicro(m.from).UTC()
	}
	if m.until != math.MaxInt64 {
		r.Until = time.UnixMicro(m.until).UTC()
	}
	return r
}
