package authserver

import (
	"context"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
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

// feedSoon hands over a request that is answered like any other, or not at all.
func (s *server) feedSoon(c *call) error {
	if s.cfg.Feed == nil {
		return refuse(problem.NotFound)
	}
	s.cfg.Feed.ServeHTTP(c.w, c.r)
	return nil
}

// clockTolerance is how far a verifier's clock may be from ours.
const clockTolerance = 5 * time.Second

// Sightings gives sessions what verifiers saw of them: feed.HandlerConfig.Sight,
// and the Settle that goes with it.
func Sightings(sessions *session.Sessions, clock Clock) (func(context.Context, []string, []feed.Sighting) error, time.Duration) {
	sight := func(ctx context.Context, audiences []string, seen []feed.Sighting) error {
		now, err := clock.Now()
		if err == nil {
			_, err = sessions.Sight(ctx, now, audiences, reported(seen)...)
		}
		return err
	}
	return sight, sessions.Settle() + clockTolerance
}

// Verdicts answers questions by identifiers from the log: feed.HandlerConfig.Verdict.
func Verdicts(a *acts.Acts, clock Clock) func(context.Context, *revocation.Query) (revocation.Verdict, error) {
	return func(ctx context.Context, q *revocation.Query) (revocation.Verdict, error) {
		now, err := clock.Now()
		if err != nil {
			return revocation.Verdict{}, err
		}
		return a.Ask(ctx, now, q)
	}
}

func reported(seen []feed.Sighting) []session.Sighting {
	list := make([]session.Sighting, len(seen))
	for i, one := range seen {
		list[i] = session.Sighting{SessionID: one.SessionID, Generation: one.Generation, Kept: one.Age}
	}
	return list
}
