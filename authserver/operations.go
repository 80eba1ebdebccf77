package authserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/api"
)

// health is Keratin AuthN's route, and tells the truth.
func (s *server) health(c *call) error {
	h := api.Health{HTTP: true, Database: s.cfg.Acts.Ping(c.r.Context()) == nil}
	if !h.Database {
		return c.answer(http.StatusServiceUnavailable, h)
	}
	return c.answer(http.StatusOK, h)
}

// alive tells that the process answers. Restarting it would help nothing that
// only ready complains about.
func (s *server) alive(c *call) error { return c.answer(http.StatusOK, api.Ready{Status: "ok"}) }

// A check is one thing that must be right before requests are sent here.
type check struct {
	name string
	run  func(context.Context) error
}

var errStale = errors.New("stale")

func (s *server) checks() []check {
	all := []check{
		{"store", s.cfg.Acts.Ping},
		{"clock", func(context.Context) error { _, err := s.cfg.Clock.Now(); return err }},
		{"keys", s.keysReady},
		{"revocations", s.rulesReady},
	}
	if s.cfg.Feed != nil {
		all = append(all, check{"feed", func(context.Context) error { return s.cfg.Feed.Ready() }})
	}
	return all
}

func (s *server) keysReady(context.Context) error {
	if s.cfg.Keys.Stats().Signing == "" {
		return errStale
	}
	return nil
}

func (s *server) rulesReady(context.Context) error {
	if s.cfg.Index.Stale(time.Now()) {
		return errStale
	}
	return nil
}

// ready tells whether this node can do its work. ?verbose names what fails,
// not why: that is in the log.
func (s *server) ready(c *call) error {
	answer := api.Ready{Status: "ready"}
	status := http.StatusOK
	results := map[string]string{}
	for _, k := range s.checks() {
		results[k.name] = "ok"
		if err := k.run(c.r.Context()); err != nil {
			results[k.name], answer.Status, status = "failing", "unready", http.StatusServiceUnavailable
			s.cfg.Log.Warn("not ready", "check", k.name, "cause", encoded(err.Error()), "request_id", c.id)
		}
	}
	if c.r.URL.Query().Has("verbose") {
		answer.Checks = results
	}
	return c.answer(status, answer)
}

func (s *server) version(c *call) error {
	return c.answer(http.StatusOK, api.Version{Version: s.cfg.Version})
}

// scrape answers Prometheus.
func (s *server) scrape(c *call, _ admin) error {
	s.metrics.Handler().ServeHTTP(c.w, c.r)
	return nil
}

// gauges are the figures of the rooms, read at each scrape.
func (s *server) gauges() {
	s.metrics.Gauge("key_age_seconds", "Age of the signing key.", func() float64 {
		since := s.cfg.Keys.Stats().SigningSince
		if since.IsZero() {
			return 0
		}
		return max(0, time.Since(since).Seconds())
	})
	s.metrics.Gauge("published_keys", "Keys in the key set.", func() float64 { return float64(s.cfg.Keys.Stats().Published) })
	s.metrics.Rules(s.cfg.Index)
	s.metrics.Gauge("sightings_confirmed", "Refresh tokens that services' sightings have shown to be kept, since the start.", func() float64 {
		return float64(s.cfg.Sessions.Stats().Sighted)
	})
	if s.cfg.Feed != nil {
		s.metrics.Gauge("feed_followers", "Streams and long polls of the revocation feed.", func() float64 { return float64(s.cfg.Feed.Followers()) })
	}
	s.metrics.Gauge("passwords_inside", "Passwords hashing or waiting to be.", func() float64 { return float64(s.cfg.Accounts.Stats().Inside) })
}
