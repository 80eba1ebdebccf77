package session

import (
	"time"

	"github.com/jotkeeper/jotkeeper/secret"
)

// RefreshToken writes a refresh token, as the vectors of the specification do.
func RefreshToken(master secret.Key, id secret.KeyID, sid string, generation uint32) (string, error) {
	return refreshToken(master, id, sid, generation)
}

// SeenTag returns the tag of a gen claim.
func SeenTag(master secret.Key, sid string, generation uint32) string {
	return seenTag(master, sid, generation)
}

// Examine is what is done with a refresh token before any query.
func (s *Sessions) Examine(raw string) error {
	_, _, err := s.examine(raw)
	return err
}

// SetClock makes c read a clock that a test can set.
func (c *Clock) SetClock(read func() (wall time.Time, running time.Duration)) {
	c.read = func() reading { wall, running := read(); return reading{wall, running} }
}

// Text writes back what was read, MAC and all, whether that holds or not.
func (r Refresh) Text() string {
	text := tokenPrefix + base62Encode(append(r.payload[:], r.mac[:]...), bodyDigits)
	return text + checksum(text)
}

// Table is the refresh table, for a genuine token of a generation.
func Table(row Row, generation uint32, now time.Time, policy Policy) (Row, string) {
	key := row.KeyID
	row, o := step(row, presented{known: true, genuine: true, bound: true, generation: generation, key: key, next: key}, now, policy)
	if o == reused {
		row.State, row.EndReason = Ended, string(reused)
	}
	return row, string(o)
}
