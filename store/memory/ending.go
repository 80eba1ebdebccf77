package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

func (x sessions) End(ctx context.Context, e session.Ending) (ended []string, last revocation.Cursor, err error) {
	err = x.run(ctx, func(s *state) error {
		ended, last, err = s.end(e)
		return err
	})
	if err != nil {
		return nil, revocation.Cursor{}, err
	}
	return ended, last, nil
}

// end ends rows, raises the epoch and appends the rules.
func (s *state) end(e session.Ending) ([]string, revocation.Cursor, error) {
	ended := s.leaving(e)
	var rules []revocation.Rule
	for _, id := range ended {
		r := copySession(s.sessions.rows[id])
		r.State, r.EndReason, r.EndedAt = session.Ended, e.Reason, kept(e.Now)
		r.Revision++
		if e.Event != (session.Event{}) {
			event := e.Event
			event.At = kept(event.At)
			r.Events = append(r.Events, event)
		}
		s.sessions.put(id, r)
		rules = append(rules, revocation.SessionEnded(id, e.Reason, e.Until))
	}
	if e.Epoch {
		s.epochs.put(e.Account, s.epochs.rows[e.Account]+1)
	}
	last, err := s.append(e.Now, append(rules, e.Rules...))
	return ended, last, err
}

// leaving returns the IDs of the active sessions that e names, ascending.
func (s *state) leaving(e session.Ending) []string {
	named := map[string]bool{}
	for _, id := range e.IDs {
		named[id] = true
	}
	delete(named, e.Except)
	found := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for id, r := range s.sessions.rows {
			wanted := len(e.IDs) == 0 || named[id] || e.Parents && named[r.Parent]
			if r.Account != e.Account || r.State != session.Active || id == e.Except || !wanted || found[id] {
				continue
			}
			found[id], named[id], grown = true, true, true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
