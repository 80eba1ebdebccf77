package keyring

import (
	"context"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// An Info is one line of the calendar, without the key.
type Info struct {
	ID        string        `json:"kid"`
	Algorithm jwt.Algorithm `json:"alg"`
	State     State         `json:"state"`
	CreatedAt time.Time     `json:"created_at"`
	SignsFrom time.Time     `json:"signs_from"`
	SignsTo   time.Time     `json:"signs_to"`          // planned, for a key that signs or will
	GoneAt    time.Time     `json:"gone_at,omitzero"`  // zero while it signs or will
	Problem   string        `json:"problem,omitempty"` // why it is neither used nor published
}

// List returns the keys as the store has them, oldest first, each in its state
// at now.
func (r *Ring) List(ctx context.Context, now time.Time) ([]Info, error) {
	c, err := r.read(ctx, now)
	if err != nil {
		return nil, err
	}
	var list []Info
	for _, rec := range c.records {
		i := Info{ID: rec.ID, Algorithm: rec.Algorithm, State: c.stateOf(rec),
			CreatedAt: rec.CreatedAt, SignsFrom: rec.SignsFrom, SignsTo: rec.SignsTo}
		if rec.GoneAt.Before(never) {
			i.GoneAt = rec.GoneAt
		}
		if c.excluded[rec.ID] {
			i.Problem = errDamaged.Error()
		}
		list = append(list, i)
	}
	return list, nil
}

// Calendar says what happens to the key when, for people.
func (i Info) Calendar() string {
	day := func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") }
	switch i.State {
	case Next:
		return fmt.Sprintf("published since %s, signs from %s", day(i.CreatedAt), day(i.SignsFrom))
	case Active:
		return fmt.Sprintf("signs since %s, hands over on %s", day(i.SignsFrom), day(i.SignsTo))
	case Retired:
		if i.GoneAt.IsZero() {
			return fmt.Sprintf("signed until %s", day(i.SignsTo))
		}
		return fmt.Sprintf("signed until %s, verifies until %s", day(i.SignsTo), day(i.GoneAt))
	}
	return fmt.Sprintf("refused since %s", day(i.SignsTo))
}
