package session

import (
	"context"
	"crypto/hmac"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Sighting is a verifier's report that it was shown an access token.
type Sighting struct {
	SessionID  string
	Generation string        // the gen claim, as it stands in the token
	Kept       time.Duration // from the token's iat until it was shown, by the verifier's clock
}

// Sight takes the reports of verifiers of some audiences, and returns how many
// sessions they confirm. A token in use for Settle shows that the refresh token
// beside it was kept; the one before it is then dead.
//
// Reports are a help, not a duty: a theft is found without them, only later. One
// with a wrong tag, of another generation, too early, or of a session whose
// audience is none of these counts for nothing. It costs a read for each
// generation that is named with its tag, and a write for each that is confirmed.
// Trouble with the store is ErrRetry; what was confirmed before it stays so.
func (s *Sessions) Sight(ctx context.Context, now time.Time, audiences []string, seen ...Sighting) (int, error) {
	asked, confirmed := map[generation]bool{}, 0
	for _, one := range seen {
		g, genuine := s.tagged(one)
		if !genuine || asked[g] || one.Kept < s.cfg.Policy.Settle {
			continue
		}
		asked[g] = true
		ok, err := s.sight(ctx, stored(now), audiences, g, one.Kept)
		if err != nil {
			return confirmed, err
		}
		if ok {
			confirmed++
		}
	}
	return confirmed, nil
}

// A generation is one of a session.
type generation struct {
	sid    string
	number uint32
}

// tagged reads a gen claim, and tells whether it was made for the session under
// one of the master keys. What was not costs no query.
func (s *Sessions) tagged(one Sighting) (generation, bool) {
	digits, tag, _ := strings.Cut(one.Generation, ".")
	number, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return generation{}, false
	}
	g := generation{one.SessionID, uint32(number)}
	for _, id := range s.cfg.Master.IDs() {
		master, _ := s.cfg.Master.Find(id)
		if hmac.Equal([]byte(tag), []byte(seenTag(master, g.sid, g.number))) {
			return g, true
		}
	}
	return g, false
}

func (s *Sessions) sight(ctx context.Context, now time.Time, audiences []string, g generation, kept time.Duration) (bool, error) {
	row, _, err := s.store.Find(ctx, g.sid)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, unavailable(retry, err)
	case !slices.Contains(audiences, row.Audience): // somebody else's verifier
		return false, nil
	}
	next, confirmed := sighted(row, g.number, kept, now, s.cfg.Policy)
	if !confirmed {
		return false, nil
	}
	switch err := s.store.Swap(ctx, row, next); {
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound): // overtaken by a refresh, which knows better
		return false, nil
	case err != nil:
		return false, unavailable(retry, err)
	}
	s.tally.sight()
	return true, nil
}

// Settle is how long a token must have been in use before a report of it counts.
func (s *Sessions) Settle() time.Duration { return s.cfg.Policy.Settle }
