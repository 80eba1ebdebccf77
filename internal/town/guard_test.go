package town_test

import (
	"encoding/json"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A route is where people bring their tokens.
type route struct {
	path string
	when []jotkeeper.Option
}

// The routes of every service.
var routes = []route{
	{"/orders", nil},
	{"/pay", []jotkeeper.Option{jotkeeper.WhenStale(jotkeeper.StaleClosed)}},
	{"/keys", []jotkeeper.Option{jotkeeper.WhenStale(jotkeeper.StaleRemote)}},
}

// A guard is a service that verifies by itself and follows the feed.
type guard struct {
	town   *town
	name   string
	feed   jotkeeper.Feed
	auth   *jotkeeper.Auth
	street *street
	way    *http.Transport
	http   *http.Server
	place  *place
	served sync.WaitGroup

	mu     sync.Mutex
	asked  map[string]int // requests to the issuer, by path
	cursor revocation.Cursor
	faults []spell
}

// A spell is a time with a fault.
type spell struct{ from, to time.Time }

const (
	ride  = 30 * time.Second
	youth = 60 * time.Second
)

func (t *town) guard(name string, r *rand.Rand, then jotkeeper.StalePolicy) error {
	g := &guard{town: t, name: name, asked: map[string]int{}, street: newStreet(t.net, r), place: newPlace(name)}
	g.way = &http.Transport{DialContext: g.street.dial, ResponseHeaderTimeout: 5 * time.Second, IdleConnTimeout: time.Minute, DisableCompression: true}
	g.feed = jotkeeper.Feed{Token: following, Transport: g, Then: then}
	var err error
	g.auth, err = jotkeeper.New(jotkeeper.Config{
		Issuer: issuer, Audience: audience, Feed: g.feed, Client: &http.Client{Transport: g, Timeout: 5 * time.Second},
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, r := range routes {
		behind := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "welcome") })
		mux.Handle(r.path, g.judged(r, g.auth.Handler(behind, r.when...)))
	}
	g.http = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	t.net.put(name, 0, g.place)
	g.served.Go(func() { _ = g.http.Serve(g.place) })
	t.guards = append(t.guards, g)
	return nil
}

// RoundTrip counts what a service asks the issuer.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	g.asked[r.URL.Path]++
	g.mu.Unlock()
	return g.way.RoundTrip(r)
}

func (g *guard) close() error {
	g.auth.Close()
	err := g.http.Close()
	g.served.Wait()
	g.way.CloseIdleConnections()
	return err
}

// bound is how long after its end was acknowledged a token may still pass, in
// whatever state the lines are. A node whose clock is ahead makes tokens that
// look younger than they are.
func (g *guard) bound(r route) time.Duration {
	switch {
	case r.when != nil:
		return revocation.MaxStale
	case g.feed.Then == jotkeeper.StaleClosed:
		return ride
	}
	return max(ride, youth+time.Second+g.town.ahead)
}

// live is the bound while the lines are whole: one latency on an open stream;
// one that has just ended is opened again within 50 ms and six of them.
func (g *guard) live() time.Duration { return 55*time.Millisecond + 6*g.street.latency }

// calm tells whether nothing was wrong with the lines of a service in a span,
// and long enough before it.
func (g *guard) calm(from, to time.Time) bool {
	g.mu.Lock()
	faults := g.faults
	g.mu.Unlock()
	return quiet(faults, from, to) && quiet(g.town.outages(), from, to)
}

// heals is how long everything takes to be well after a fault is over: a
// question that hangs for 5 s, and pauses.
const heals = 10 * time.Second

func quiet(faults []spell, from, to time.Time) bool {
	for _, f := range faults {
		if f.from.Before(to) && f.to.Add(heals).After(from) {
			return false
		}
	}
	return true
}

// An answered is a ResponseWriter that remembers.
type answered struct {
	http.ResponseWriter
	status int
	body   strings.Builder
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Write(p []byte) (int, error) {
	if a.status >= 400 {
		a.body.Write(p)
	}
	return a.ResponseWriter.Write(p)
}

// judged holds what a service answers against the truth.
func (g *guard) judged(rt route, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, began := &answered{ResponseWriter: w, status: 200}, time.Now()
		next.ServeHTTP(a, r)
		var said struct{ Code string }
		if a.status >= 400 {
			_ = json.Unmarshal([]byte(a.body.String()), &said)
		}
		text := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if k := g.town.truth.find(text); k != nil {
			g.judge(rt, k, began, said.Code)
		} else {
			g.town.truth.breaks("%s: a token that nobody was given", g.name)
		}
	})
}

// judge holds one answer against the truth. No code is a welcome.
func (g *guard) judge(rt route, k *token, began time.Time, code string) {
	t := g.town
	t.table.count("answer: " + code)
	long, perhaps := t.truth.dead(k, began, g.bound(rt))
	calm := g.calm(began, time.Now())
	if calm {
		long, _ = t.truth.dead(k, began, g.live())
	}
	switch {
	case code == "" && long != nil:
		t.truth.breaks("%s%s let %s pass, dead since %s by %s", g.name, rt.path, k.name, span(long.done.Sub(dawn)), long.kind)
	case code == "", perhaps && code != "unavailable":
	case code == "key" && t.truth.keyLost(began):
	case code == "unavailable" && (!calm || t.truth.keyLost(began)):
	case code == "stale" && !calm && rt.when == nil:
	case code == "expired" && !began.Before(k.claims.Expires.Time()):
	default:
		t.truth.breaks("%s%s refused %s as %s", g.name, rt.path, k.name, code)
	}
	g.look()
}

// look sees that the cursor does not go back.
func (g *guard) look() {
	now := g.auth.Stats().Rules.Cursor
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Epoch == g.cursor.Epoch && now.Before(g.cursor) {
		g.town.truth.breaks("%s: the cursor went back from %s to %s", g.name, g.cursor, now)
	}
	g.cursor = now
}
