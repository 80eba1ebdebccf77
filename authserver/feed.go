package authserver

import (
	"github.com/jotkeeper/jotkeeper/internal/problem"
)

// follower is for those who have a credential of the revocation feed. The feed
// itself asks for it, and it opens nothing else. What changes something is
// refused to other sites' pages before that, as everywhere.
func (u unguarded) follower(e effect, h func(*call) error) route {
	return guarded(u, "follower", e, func(c *call) (visitor, error) {
		if e == reads {
			return visitor{}, nil
		}
		return u.s.visit(c)
	}, func(c *call, _ visitor) error { return h(c) })
}

// held is follower for what is held open.
func (u unguarded) held(h func(*call) error) route {
	u.r.held = true
	return u.follower(reads, h)
}

// feed hands a request to the feed. A stream is held open, so the patience
// with which other requests wait for the rooms does not count.
func (s *server) feed(c *call) error {
	if s.cfg.Feed == nil {
		return refuse(problem.NotFound)
	}
	s.cfg.Feed.ServeHTTP(c.w, c.r.WithContext(problem.WithRequestID(c.whole, c.id)))
	return nil
}
