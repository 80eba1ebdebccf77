package sqldb

import (
	"context"
	"maps"
	"slices"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

const (
	endingAll   = `SELECT id, events FROM session WHERE account = ? AND state = 'active'`
	endingOne   = endingAll + ` AND id = ?`
	endingChild = endingAll + ` AND parent = ?`
	endingRow   = `UPDATE session SET state = 'ended', end_reason = ?, ended_at = ?, events = ?, revision = revision + 1 WHERE id = ?`
)

func (s sessions) End(ctx context.Context, e session.Ending) (ended []string, last revocation.Cursor, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, h *Handle) error {
		ended, last, err = endAll(ctx, h, e)
		return err
	})
	if err != nil {
		return nil, revocation.Cursor{}, err
	}
	return ended, last, nil
}

// endAll ends rows and raises the epoch before it appends to the log: the
// counter row of the log is taken last.
func endAll(ctx context.Context, h *Handle, e session.Ending) ([]string, revocation.Cursor, error) {
	ledgers, err := leaving(ctx, h, e)
	if err != nil {
		return nil, revocation.Cursor{}, err
	}
	if e.Epoch {
		if _, err := h.Exec(ctx, epochRaise, e.Account); err != nil {
			return nil, revocation.Cursor{}, err
		}
	}
	ended := slices.Sorted(maps.Keys(ledgers))
	rules := make([]revocation.Rule, 0, len(ended)+len(e.Rules))
	for _, id := range ended {
		if err := endRow(ctx, h, id, ledgers[id], e); err != nil {
			return nil, revocation.Cursor{}, err
		}
		rules = append(rules, revocation.SessionEnded(id, e.Reason, e.Until))
	}
	last, err := appendRules(ctx, h, e.Now, append(rules, e.Rules...))
	return ended, last, err
}

// leaving returns the active sessions that e names, with their ledgers.
func leaving(ctx context.Context, h *Handle, e session.Ending) (map[string][]session.Event, error) {
	found := map[string][]session.Event{}
	if len(e.IDs) == 0 {
		err := collect(ctx, h, found, endingAll, e.Account)
		delete(found, e.Except)
		return found, err
	}
	named, seen := slices.Clone(e.IDs), map[string]bool{}
	for len(named) > 0 {
		id := named[0]
		named = named[1:]
		if seen[id] || id == e.Except {
			continue
		}
		seen[id] = true
		if err := collect(ctx, h, found, endingOne, e.Account, id); err != nil {
			return nil, err
		}
		if !e.Parents {
			continue
		}
		children := map[string][]session.Event{}
		if err := collect(ctx, h, children, endingChild, e.Account, id); err != nil {
			return nil, err
		}
		named = slices.AppendSeq(named, maps.Keys(children))
	}
	return found, nil
}

func collect(ctx context.Context, h *Handle, into map[string][]session.Event, query string, args ...any) error {
	return h.rows(ctx, query, args, func(scan func(...any) error) error {
		var id string
		var events []session.Event
		err := scan(&id, parsed{&events})
		into[id] = events
		return err
	})
}

func endRow(ctx context.Context, h *Handle, id string, events []session.Event, e session.Ending) error {
	if e.Event != (session.Event{}) {
		events = append(events, e.Event)
	}
	text, err := ledger(events)
	if err != nil {
		return err
	}
	_, err = h.Exec(ctx, endingRow, e.Reason, micros(e.Now), text, id)
	return err
}
