package feed_test

import (
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
)

// An origin that speaks seldom, and says so, is as good as one that speaks often.
func TestARareBeatIsNoSilence(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log, func(c *feed.HandlerConfig) { c.Beat, c.MaxStale = 10*time.Second, 30*time.Second })
		v := s.verifier()
		for range 50 {
			pass(7 * time.Second)
			if lag := time.Since(v.Index.Stats().Heard); lag > 11*time.Second {
				t.Fatalf("nothing was heard for %s", lag)
			}
			if got := s.get("/revocation/v1/events?after=1:0"); got.StatusCode != 200 {
				t.Fatalf("the origin knows its log, and answers %d", got.StatusCode)
			}
		}
		if got := v.client.Stats(); got.Streams != 1 || got.Failures != 0 {
			t.Errorf("%+v, want one stream and no failure", got)
		}
	})
}
