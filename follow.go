package jotkeeper

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// youth is how old a token may be that StaleYoung accepts. Its session was
// alive when it was signed, so it was not ended longer ago than that.
const youth = 60 * time.Second

// A Feed lets an Auth follow its issuer's revocations by itself, so that an
// ended session is refused within milliseconds and no request asks anybody. The
// zero value follows nothing.
type Feed struct {
	Token string // the credential that the issuer gave for following; one that may sight too reports which sessions are in use here
	URL   string // where the feed is; empty: the issuer. https, or this machine

	// Dir is where the rules are kept between two runs, a directory of this Auth
	// alone: what was revoked before a restart is refused from the first request
	// on, and only what is new is read. Empty: nowhere. Trouble with it stops
	// nothing; Stats tells it.
	Dir string

	MaxStale time.Duration // after so long without word the feed is stale; 0: as the issuer announces, 2 s if it does not
	Ride     time.Duration // for so long since the last word a route goes on that does not say WhenStale, never shorter than MaxStale; 0: 30 s
	Then     StalePolicy   // what such a route does after Ride; the zero value is StaleYoung

	Transport http.RoundTripper // nil: direct connections, through no proxy
}

// A StalePolicy is what a route does while revocations cannot be heard of.
// None of them accepts what is known to be revoked. Before the first word every
// one of them is 503, except where the issuer itself is asked.
type StalePolicy uint8

// The policies.
const (
	StaleYoung        StalePolicy = iota // tokens of the last 60 seconds; the others are 401 stale: refresh once
	StaleClosed                          // 503
	StaleRemote                          // asks the issuer about each token, as Revalidate does
	InsecureStaleOpen                    // goes on: a session that ended meanwhile lives until its token expires
)

// WhenStale lets a route act as soon as the feed is stale (Feed.MaxStale),
// instead of riding on. Without a Feed it is refused with ErrConfig.
func WhenStale(p StalePolicy) Option {
	return func(rt *route) error {
		if p > InsecureStaleOpen {
			return fmt.Errorf("%w: WhenStale: there is no policy %d", ErrConfig, p)
		}
		rt.stale = &p
		return nil
	}
}

// Stats tell how an Auth fares that follows a feed; the zero value is of one that does not.
type Stats struct {
	Stale  bool          // nothing was heard for so long as Feed.MaxStale says, or ever
	Lag    time.Duration // since the last word; 0 before the first
	Rules  revocation.Stats
	Client feed.ClientStats
}

// A following is an index with the goroutine that keeps it up.
type following struct {
	cfg    Feed
	index  *revocation.Index
	client *feed.Client
	sights *sights
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// follow begins to follow, if there is something to follow.
func (a *Auth) follow() error {
	cfg := a.config.Feed
	switch {
	case cfg.Token == "" && cfg.URL == "" && cfg.Dir == "" && cfg.MaxStale == 0 && cfg.Ride == 0 && cfg.Then == 0 && cfg.Transport == nil:
		return nil // the zero value
	case a.config.Revocations != nil:
		return fmt.Errorf("%w: Feed and Revocations are both set: one of them says what is revoked", ErrConfig)
	case cfg.MaxStale < 0 || cfg.Ride < 0:
		return fmt.Errorf("%w: Feed: a negative duration; leave it 0 for the default", ErrConfig)
	case cfg.Then > InsecureStaleOpen:
		return fmt.Errorf("%w: Feed: there is no policy %d", ErrConfig, cfg.Then)
	}
	switch {
	case cfg.MaxStale != 0 && cfg.MaxStale < time.Second:
		return fmt.Errorf("%w: Feed: MaxStale %s is shorter than the pauses of a healthy feed; at least 1s", ErrConfig, cfg.MaxStale)
	case cfg.Ride != 0 && cfg.Ride < cfg.MaxStale:
		return fmt.Errorf("%w: Feed: Ride %s ends before MaxStale %s", ErrConfig, cfg.Ride, cfg.MaxStale)
	}
	f := &following{cfg: cfg, index: revocation.NewIndex(a.config.Issuer)}
	var err error
	f.client, err = feed.NewClient(feed.ClientConfig{
		Issuer: a.config.Issuer, URL: cfg.URL, Token: cfg.Token, Index: f.index, Dir: cfg.Dir, Transport: cfg.Transport,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	f.sights = newSights(f.client)
	f.work.Go(func() { _ = f.client.Follow(ctx) })
	f.work.Go(func() { f.sights.run(ctx) })
	a.following, a.config.Revocations = f, f.index
	return nil
}

// maxStale is what was configured, or else what the issuer announces.
func (f *following) maxStale() time.Duration {
	if f.cfg.MaxStale > 0 {
		return f.cfg.MaxStale
	}
	return f.client.MaxStale()
}

func (f *following) ride() time.Duration {
	if f.cfg.Ride > 0 {
		return max(f.cfg.Ride, f.maxStale())
	}
	return max(30*time.Second, f.maxStale())
}

func (f *following) close() {
	f.cancel()
	f.work.Wait()
}

// Stats returns the figures of the moment.
func (a *Auth) Stats() Stats {
	f := a.following
	if f == nil {
		return Stats{}
	}
	s := Stats{Stale: true, Rules: f.index.Stats(), Client: f.client.Stats()}
	if !s.Rules.Heard.IsZero() {
		s.Lag = max(0, time.Since(s.Rules.Heard))
		s.Stale = s.Lag > f.maxStale()
	}
	return s
}

var (
	errUnheard = errors.New("the revocation feed was never heard")
	errCutOff  = errors.New("the revocation feed has fallen silent")
)

// heard is the time of the last word; zero without one.
func (a *Auth) heard() time.Time {
	if a.following == nil {
		return time.Time{}
	}
	return a.following.index.Stats().Heard
}

// stalePolicy returns what a route does now, and false while it does as always.
// A cold verifier, which never heard a word, is closed wherever it would have to
// answer by itself (A167).
func (f *following) stalePolicy(now, heard time.Time, rt *route) (StalePolicy, error, bool) {
	if heard.IsZero() {
		if rt.stale != nil && *rt.stale == StaleRemote {
			return StaleRemote, errUnheard, true
		}
		return StaleClosed, errUnheard, true
	}
	switch lag := now.Sub(heard); {
	case lag <= f.maxStale():
		return 0, nil, false
	case rt.stale != nil:
		return *rt.stale, errCutOff, true
	default:
		return f.cfg.Then, errCutOff, lag > f.ride()
	}
}

// ride decides on a token that no rule refuses, by how old the rules are.
func (a *Auth) ride(r *http.Request, now, heard time.Time, rt *route, text string, c *Claims) (renew bool, err error) {
	if a.following == nil {
		return false, nil
	}
	policy, why, stale := a.following.stalePolicy(now, heard, rt)
	switch {
	case !stale, policy == InsecureStaleOpen:
		return false, nil
	case policy == StaleRemote:
		return a.askIssuer(r, text, c)
	case policy == StaleClosed:
		return false, &jwt.Error{Reason: jwt.Unavailable, Detail: "it cannot be told whether the session has ended", Err: why}
	case now.Sub(time.Unix(int64(c.IssuedAt), 0)) > youth:
		return false, &jwt.Error{Reason: jwt.Stale, Detail: "the token is older than the silence of the feed allows", Err: why}
	}
	return false, nil
}
