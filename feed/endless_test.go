package feed_test

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An event that never ends is no event. Each of its lines is short, and there
// are always more: it would fill the memory of every follower.
func TestAnEventThatNeverEndsIsLeft(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		var taken atomic.Int64 // bytes of one stream, the most
		line := []byte("data: " + strings.Repeat("x", 1<<10) + "\n")
		stop := s.serve(script{document: goodDocument, snapshot: []byte(goodSnapshot), words: func(w io.Writer, _ string) {
			for n := int64(0); n < 8<<20; n += int64(len(line)) {
				if _, err := w.Write(line); err != nil {
					return
				}
				taken.Store(max(taken.Load(), n))
			}
		}})
		defer stop()
		v := s.verifier()
		pass(time.Second)
		if n := taken.Load(); n > 2<<20 || !strings.Contains(v.client.Stats().Trouble, "longer than") {
			t.Errorf("%d bytes of one event were taken: %+v", n, v.client.Stats())
		}
		v.stop()
	})
}
