package session

import (
	"context"
	"crypto/hmac"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Sight takes a report that an access token of a session was presented to a
// verifier of its audience: its gen claim, and how long after its iat that was.
// A token in use for Settle shows that the refresh token beside it was kept; the
// one before it is then dead. Sight tells whether the report confirmed anything.
//
// Reports are a help, not a duty: a theft is found without them, only later.
// One with a wrong tag, of another generation or too early counts for nothing.
func (s *Sessions) Sight(ctx context.Context, now time.Time, sid, gen string, kept time.Duration) (bool, error) {
	number, tag, _ := strings.Cut(gen, ".")
	generation, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return false, nil
	}
	row, _, err := s.store.Find(ctx, sid)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, unavailable(retry, err)
	}
	master, known := s.cfg.Master.Find(row.KeyID)
	if !known || !hmac.Equal([]byte(tag), []byte(seenTag(master, sid, uint32(generation)))) {
		return false, nil
	}
	next, confirmed := sighted(row, uint32(generation), kept, stored(now), s.cfg.Policy)
	if !confirmed {
		return false, nil
	}
	switch err := s.store.Swap(ctx, row, next); {
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound): // overtaken by a refresh, which knows better
		return false, nil
	case err != nil:
		return false, unavailable(retry, err)
	}
	return true, nil
}
