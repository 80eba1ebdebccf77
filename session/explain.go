package session

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Explain tells the life of a session in words, for people: what it is, then
// one line for each event of its ledger, in UTC. It fails with ErrNotFound.
func (s *Sessions) Explain(ctx context.Context, sid string) (string, error) {
	row, err := s.Find(ctx, sid)
	if err != nil {
		return "", err
	}
	return row.explain(), nil
}

func (r Row) explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session %s of account %s, for %s\n", r.ID, r.Account, r.Audience)
	switch {
	case r.State != Active:
		fmt.Fprintf(&b, "ended %s, because: %s\n", when(r.EndedAt), r.EndReason)
	default:
		fmt.Fprintf(&b, "active; ends %s when not used, %s at the latest\n", when(r.Idle), when(r.Absolute))
	}
	for _, e := range r.Events {
		fmt.Fprintf(&b, "  %s  %s", when(e.At), inWords(e.Kind))
		if e.Note != "" {
			fmt.Fprintf(&b, " (%s)", e.Note)
		}
		if e.RequestID != "" {
			fmt.Fprintf(&b, " [request %s]", e.RequestID)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// inWords says what an event means to the person whose session it is.
func inWords(kind string) string {
	switch kind {
	case "login":
		return "logged in"
	case string(rotate):
		return "refreshed"
	case string(replay):
		return "refreshed with the token before: the last answer had not arrived"
	case string(late):
		return "an old request arrived late and was told to come again"
	case string(heal):
		return "the store had lost a refresh, which the client remembered"
	case string(binding):
		return "refused: the refresh token came without what it is bound to"
	case string(reused):
		return "ended: a refresh token that had been replaced was used again, so somebody has a copy"
	case "ended":
		return "ended"
	case "clock":
		return "a wrong clock was corrected"
	}
	return kind
}
