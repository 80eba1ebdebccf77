package feed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/courier"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// ClientConfig says whose rules are followed, and from where. Issuer, Token and
// Index are required.
type ClientConfig struct {
	Issuer string            // whose rules; the index is of the same
	URL    string            // where the feed is; empty: the issuer. https, or this machine
	Token  string            // a credential for FollowScope; for SightScope too, to report what was seen
	Index  *revocation.Index // that is kept up

	// Dir is where the rules are kept between two runs, a directory that belongs
	// to this client alone; empty: nowhere, and they are read from the origin at
	// each start. Trouble with it stops nothing; Stats tells it.
	Dir string

	// Told, if there is one, hears of rules once they are in force in the index, in
	// their order: those of a snapshot, which were in force before, then those that
	// come. Follow calls it and waits for it; the slice is good until it returns.
	Told func(rules []revocation.Entry, snapshot bool)

	// Transport makes the requests; nil: one that connects directly, through no
	// proxy, whatever the environment says. Redirects are never followed.
	Transport http.RoundTripper
}

// ClientStats tell how a client fares.
type ClientStats struct {
	Connected bool   // a stream is open and has spoken
	Streams   uint64 // opened so far
	Snapshots uint64 // merged so far
	Failures  uint64 // attempts that came to nothing, and streams that broke off
	Sightings uint64 // that the origin took
	Trouble   string // the latest failure; empty while connected. It holds no secret
	Disk      revocation.DiskStats
}

// A Client keeps an index up with a feed. It is safe for concurrent use.
// NewClient makes one, Follow does its work.
type Client struct {
	cfg  ClientConfig
	base *url.URL
	http http.Client
	own  *http.Transport // nil: the caller's
	id   string          // of this follower, until the process ends
	disk *revocation.Disk

	maxStale                     atomic.Int64 // ms, as announced; 0: not yet
	connected                    atomic.Bool
	streams, snapshots, failures atomic.Uint64
	mu                           sync.Mutex
	trouble                      string

	desk      atomic.Pointer[desk] // nil: the origin takes no sightings
	sightings atomic.Uint64
	over      atomic.Bool // Follow has ended
}

// NewClient makes a Client. It fails with ErrConfig; it starts nothing and
// touches no network. What Dir holds is in the index when it returns.
func NewClient(cfg ClientConfig) (*Client, error) {
	if cfg.Index == nil {
		return nil, fmt.Errorf("%w: Index is missing: what the rules are kept in", ErrConfig)
	}
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	c.disk = revocation.OpenDisk(cfg.Dir, cfg.Index)
	return c, nil
}

func newClient(cfg ClientConfig) (*Client, error) {
	if cfg.URL == "" {
		cfg.URL = cfg.Issuer
	}
	switch {
	case cfg.Issuer == "":
		return nil, fmt.Errorf("%w: Issuer is missing: the iss of the tokens that the rules are about", ErrConfig)
	case strings.Trim(cfg.Token, " \t\r\n") == "":
		return nil, fmt.Errorf("%w: Token is missing: the credential that the origin gave for its feed", ErrConfig)
	case strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, fmt.Errorf("%w: Token holds a space or a character that no credential has", ErrConfig)
	}
	base, err := safeURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: URL: %w", ErrConfig, err)
	}
	c := &Client{cfg: cfg, base: base, id: rand.Text()}
	c.http = *courier.Staying(&http.Client{Transport: cfg.Transport}) // a redirect would carry the credential elsewhere
	if cfg.Transport == nil {
		c.own = direct()
		c.http.Transport = c.own
	}
	return c, nil
}

// direct is a transport without a proxy: the credential and the news are
// between this process and the origin. It speaks HTTP/1.1, where a question that
// was given up takes its connection with it: over HTTP/2 the next question would
// go down the same dead one, for as long as the kernel believes in it.
func direct() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: answerTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    answerTimeout,
		ResponseHeaderTimeout:  answerTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout:        time.Minute,
		Protocols:              protocols,
		DisableCompression:     true, // asked for where it is wanted, and nowhere else
	}
}

func safeURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("not a URL; write https://host")
	case u.Host == "" || u.Opaque != "":
		return nil, errors.New(strconv.Quote(raw) + " names no host; write https://host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL holds a user, a query or a fragment; leave it out")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New(strconv.Quote(raw) + " is not https; plain http is for this machine only")
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Stats returns the figures of the moment. What the index knows is in its own.
func (c *Client) Stats() ClientStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ClientStats{
		Connected: c.connected.Load(), Streams: c.streams.Load(), Snapshots: c.snapshots.Load(),
		Failures: c.failures.Load(), Trouble: c.trouble, Sightings: c.sightings.Load(), Disk: c.disk.Stats(),
	}
}

// MaxStale returns after how long without word the origin wants its followers to
// be stale: 1 s to 1 h, and revocation.MaxStale while the origin has not said.
func (c *Client) MaxStale() time.Duration {
	ms := c.maxStale.Load()
	if ms <= 0 {
		return revocation.MaxStale
	}
	return min(max(time.Duration(ms), minStale/time.Millisecond), maxStale/time.Millisecond) * time.Millisecond
}

func (c *Client) note(trouble string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = trouble
}

// Follow keeps the index up until ctx ends, and returns ctx's error. It is
// called once.
//
// Trouble never ends it and never takes a rule out of the index: it tries again,
// at least once a second, while the index grows stale. It resumes from the
// index's cursor; where the origin cannot go on from there, it merges a
// snapshot first. With a Dir it saves now and then what has changed, and before
// it returns.
func (c *Client) Follow(ctx context.Context) error {
	defer c.keep()()
	f := &follower{c: c, index: c.cfg.Index, cold: c.cfg.Index.Cursor() == revocation.Cursor{}, patience: remeasure}
	pause := time.Duration(0)
	for ctx.Err() == nil {
		began := time.Now()
		err := f.attempt(ctx)
		c.connected.Store(false)
		if ctx.Err() != nil {
			break
		}
		if !errors.Is(err, errOver) {
			c.failures.Add(1)
			c.note(plainly(err))
		}
		if errors.Is(err, errSilent) {
			c.http.CloseIdleConnections() // a transport that speaks HTTP/2 would ask the dead one again
		}
		if time.Since(began) >= maxWait {
			pause = 0
		}
		pause = min(max(2*pause, backoff), maxWait)
		if errors.Is(err, errDisagree) {
			pause = upgrade
		}
		sleep(ctx, pause-spread(pause/2)) // followers of one origin do not come back in step
	}
	c.over.Store(true)
	c.rest()
	return ctx.Err()
}

// keep saves beside the following. stop, called after it, saves what came last.
func (c *Client) keep() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { c.disk.Keep(ctx) })
	return func() { cancel(); work.Wait() }
}

// upgrade is how long a client leaves an origin alone that speaks of what it
// does not understand: everything would be read again each time.
const upgrade = 10 * time.Second

// plainly returns an error's text without the address that was asked, whose
// query is nobody's business.
func plainly(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Op + ": " + u.Err.Error()
	}
	return err.Error()
}
