package feed

import (
	"fmt"
	"sync"
	"time"
)

// A rate bounds what each credential may cost: so much a second, and so much at
// once after a pause.
type rate struct {
	second, burst float64

	mu   sync.Mutex
	left map[string]level // by the name of the grant
}

// A level is what was left at a time.
type level struct {
	left float64
	at   time.Time
}

// maxNames bounds how many credentials a rate remembers. Names come from grants,
// so there are as many as somebody has made.
const maxNames = 1000

// errSlow asks to come again after a while.
type errSlow time.Duration

func (e errSlow) Error() string {
	return fmt.Sprintf("feed: too much at once, again in %v", time.Duration(e))
}

// take takes n, or tells when there will be as much.
func (r *rate) take(name string, n int, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, known := r.left[name]
	if !known {
		if r.left == nil || len(r.left) >= maxNames {
			r.left = map[string]level{}
		}
		l = level{r.burst, now}
	}
	l.left = min(r.burst, l.left+r.second*max(0, now.Sub(l.at).Seconds()))
	l.at = now
	missing := float64(n) - l.left
	if missing <= 0 {
		l.left -= float64(n)
	}
	r.left[name] = l
	if missing > 0 {
		return errSlow(missing / r.second * float64(time.Second))
	}
	return nil
}
