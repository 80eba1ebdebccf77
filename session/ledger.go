package session

import (
	"fmt"
	"slices"
	"time"
)

const (
	maxEvents = 32          // of one session; the login stays, the oldest after it go
	maxNote   = 120         // bytes of a note
	quiet     = time.Minute // between two events that anybody with an old token can cause
)

// record adds to the ledger what step did, and tells whether there is anything
// to write: every write has its event, and what has none is not written.
func record(before, after Row, o outcome, now time.Time, requestID string) (Row, bool) {
	written := len(after.Events)
	fresh := slices.Clone(after.Events)
	add := func(kind, format string, args ...any) {
		fresh = appendEvent(fresh, Event{At: now, Kind: kind, Note: fmt.Sprintf(format, args...), RequestID: requestID})
		written = -1
	}
	if before.ahead(now) && !after.ahead(now) {
		add("clock", "a stored time was in the future")
	}
	switch {
	case o == rotate:
		add(string(o), "generation %d", after.Generation)
	case o == heal:
		add(string(o), "the store was at generation %d, the client at %d", before.Generation, after.Generation)
	case o == replay && !after.HeldAt.Equal(before.HeldAt):
		add(string(o), "generation %d again, %v after it was made", after.Generation, now.Sub(before.RotatedAt).Round(time.Second))
	case (o == late || o == binding) && !recent(before.Events, string(o), now):
		add(string(o), "at generation %d", after.Generation)
	}
	after.Events = fresh
	return after, written < 0
}

// appendEvent keeps the ledger bounded. A run of rotations is one line, the
// newest of them.
func appendEvent(events []Event, e Event) []Event {
	last := len(events) - 1
	if last > 0 && e.Kind == string(rotate) && events[last].Kind == e.Kind {
		events[last] = e
		return events
	}
	if len(events) >= maxEvents {
		events = slices.Delete(events, 1, 2+len(events)-maxEvents)
	}
	return append(events, e)
}

func recent(events []Event, kind string, now time.Time) bool {
	return slices.ContainsFunc(events, func(e Event) bool { return e.Kind == kind && now.Sub(e.At) < quiet })
}

func noteOf(text string) string {
	if len(text) > maxNote {
		return text[:maxNote] + "…"
	}
	return text
}
