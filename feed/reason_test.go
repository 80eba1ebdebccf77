package feed_test

import (
	"strings"
	"testing"
	"testing/synctest"
)

// A reason is for people. One that was typed in another encoding must not stop
// the feed: nobody would hear of anything any more.
func TestAReasonOfAnotherEncodingStopsNothing(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		odd := ended("phone")
		odd.Reason = "K\xfcndigung"
		log := newBook(odd)
		s.origin(log)
		v := s.verifier()
		log.append(odd, ended("laptop"))
		synctest.Wait()
		if !v.refuses("phone") || !v.refuses("laptop") || v.stale() {
			t.Errorf("the feed stands at %v: %+v", v.Cursor(), v.client.Stats())
		}
		if got := s.get("/revocation/v1/snapshot"); !strings.Contains(got.text, "\"r\":\"K\uFFFDndigung\"") {
			t.Errorf("the snapshot: %d %s", got.StatusCode, got.text)
		}
	})
}
