package authserver

import (
	"github.com/jotkeeper/jotkeeper/internal/problem"
)

// follower is for those who follow the revocation feed. The feed asks for a
// credential of its own, which opens nothing else.
func (u unguarded) follower(h func(*call) error) route {
	u.r.guard, u.r.serve = "follower", h
	return u.r
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
