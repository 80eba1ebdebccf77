package feed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// HandlerConfig says which rules are served, and to whom. Issuer, Source and
// Allow are required.
type HandlerConfig struct {
	Issuer string            // whose tokens the rules are about; its path is the prefix of every route
	Source revocation.Source // of the rules

	// Allow tells what a bearer credential is good for. One that it does not know
	// is ErrUnauthorized; any other error means that it cannot be told now. It is
	// asked when a request begins, and again when a stream has lasted ten minutes.
	Allow func(ctx context.Context, credential string) (Grant, error)

	// Append adds rules to the log and returns the cursor of the last one, once
	// they are durable. A rule without Until is kept for as long as a token can
	// live that it matches. It fails with revocation.ErrBadRule; any other error
	// means that the log cannot be written now. nil: nothing is appended here.
	Append func(ctx context.Context, by Grant, rules ...revocation.Rule) (revocation.Cursor, error)
	// Sight takes what verifiers saw of sessions of some audiences, those of the
	// credential that it came with. An error means that it could not be taken now.
	// nil: nothing is taken.
	Sight  func(ctx context.Context, audiences []string, seen []Sighting) error
	Settle time.Duration // how old a token must be whose sighting is of use; required with Sight, in whole seconds

	// Verdict tells what the rules say of a token, from the log itself. An error
	// means that it cannot be told now. nil: nobody is told by identifiers.
	Verdict func(ctx context.Context, q *revocation.Query) (revocation.Verdict, error)

	Check        string        // path of the route below the issuer that tells a token its verdict; empty: there is none
	Beat         time.Duration // longest silence of a stream; 0: 500 ms
	MaxStale     time.Duration // after so long without word a follower is stale that was told nothing else, 1 s to 1 h; 0: 2 s
	Tail         int           // latest rules kept to resume from; 0: 10,000
	Retention    time.Duration // and for how long; 0: one hour
	MaxFollowers int           // streams and long polls at a time, and absent followers that are remembered; 0: 1,000
}

// A Handler is the origin of a feed: discovery, the stream, the long poll, the
// snapshot, sightings and verdicts of docs/spec/revocation-feed.md. Followers are
// answered 503 while Run does not run.
// It is safe for concurrent use. NewHandler makes one.
type Handler struct {
	cfg       HandlerConfig
	hub       *hub
	mux       *http.ServeMux
	photo     photographer
	roster    *roster
	followers atomic.Int64
	pushes    atomic.Int64

	sighting, asking, appending rate
}

// NewHandler makes a Handler. It fails with ErrConfig, and reads nothing.
func NewHandler(cfg HandlerConfig) (*Handler, error) {
	issuer, err := cfg.check()
	if err != nil {
		return nil, err
	}
	cfg.complete()
	if err := cfg.checkPace(); err != nil {
		return nil, err
	}
	h := &Handler{cfg: cfg, mux: http.NewServeMux(), hub: &hub{
		src: cfg.Source, beat: cfg.Beat, tail: cfg.Tail, retention: cfg.Retention,
		boot: rand.Text(), began: time.Now(), wake: make(chan struct{}),
	}}
	h.roster = newRoster(cfg.MaxFollowers, cfg.Retention, h.hub.stopwatch)
	h.sighting, h.asking = rate{second: sightRate, burst: sightBurst}, rate{second: questionRate, burst: questionBurst}
	h.appending = rate{second: appendRate, burst: appendBurst}
	h.photo.handler = h
	h.photo.ctx, h.photo.cancel = context.WithCancel(context.Background())
	h.routes(strings.TrimSuffix(issuer.Path, "/"))
	return h, nil
}

// check looks at what was given, and reads the issuer.
func (c *HandlerConfig) check() (*url.URL, error) {
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "":
		return nil, fmt.Errorf("%w: Issuer %q is not a URL such as https://id.example.com", ErrConfig, c.Issuer)
	case strings.ContainsAny(u.Path, "{} %"):
		return nil, fmt.Errorf("%w: Issuer %q has a path that routes cannot stand below; use letters, digits and slashes", ErrConfig, c.Issuer)
	case c.Source == nil:
		return nil, fmt.Errorf("%w: Source is missing: the log whose rules are served", ErrConfig)
	case c.Allow == nil:
		return nil, fmt.Errorf("%w: Allow is missing: the feed names people, so somebody must say who may read it", ErrConfig)
	case c.Beat < 0 || c.Tail < 0 || c.Retention < 0 || c.MaxFollowers < 0:
		return nil, fmt.Errorf("%w: a negative limit; leave it 0 for the default", ErrConfig)
	case (c.Sight != nil) != (c.Settle >= time.Second):
		return nil, fmt.Errorf("%w: Sight and Settle go together: a sighting is of use once a token was kept for so long, a second at least", ErrConfig)
	}
	return u, nil
}

// checkPace compares what is complete by now.
func (c *HandlerConfig) checkPace() error {
	switch {
	case c.MaxStale < minStale || c.MaxStale > maxStale:
		return fmt.Errorf("%w: MaxStale %s is not between %s and %s", ErrConfig, c.MaxStale, minStale, maxStale)
	case c.Beat > c.MaxStale/2:
		return fmt.Errorf("%w: Beat %s would leave followers stale; at most %s", ErrConfig, c.Beat, c.MaxStale/2)
	}
	return nil
}

func (c *HandlerConfig) complete() {
	if c.MaxStale == 0 {
		c.MaxStale = revocation.MaxStale
	}
	if c.Beat == 0 {
		c.Beat = 500 * time.Millisecond
	}
	if c.Tail == 0 {
		c.Tail = 10_000
	}
	if c.Retention == 0 {
		c.Retention = time.Hour
	}
	if c.MaxFollowers == 0 {
		c.MaxFollowers = 1000
	}
}

func (h *Handler) routes(base string) {
	h.mux.HandleFunc("GET "+base+discovery, h.discover)
	base += prefix
	h.mux.HandleFunc("GET "+base+"/stream", h.held(h.stream))
	h.mux.HandleFunc("GET "+base+"/events", h.held(h.poll))
	h.mux.HandleFunc("GET "+base+"/snapshot", h.guarded(h.snapshot, FollowScope))
	h.mux.HandleFunc("GET "+base+"/followers", h.guarded(h.company, FollowScope, AppendScope))
	h.mux.HandleFunc("POST "+base+"/acks", h.acks)
	if h.cfg.Append != nil {
		h.mux.HandleFunc("POST "+base+"/rules", h.guarded(h.rules, AppendScope))
	}
	if h.cfg.Sight != nil {
		h.mux.HandleFunc("POST "+base+"/sightings", h.guarded(h.sightings, SightScope))
	}
	if h.cfg.Verdict != nil {
		h.mux.HandleFunc("POST "+base+"/check", h.guarded(h.check, CheckScope))
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, problem.Problem{Code: problem.NotFound})
	})
}

// guarded lets in who has a credential of any of some scopes.
func (h *Handler) guarded(serve func(http.ResponseWriter, *http.Request, Grant), scopes ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		grant, err := h.admit(r, scopes...)
		if err != nil {
			refuse(w, r, err)
			return
		}
		serve(w, r, grant)
	}
}

// held is for what is held open: a HEAD would hold a place, and hear nothing.
func (h *Handler) held(serve func(http.ResponseWriter, *http.Request, Grant)) http.HandlerFunc {
	follow := h.guarded(serve, FollowScope)
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.Header().Set("Allow", http.MethodGet)
			problem.Write(w, r, problem.Problem{Code: problem.MethodNotAllowed})
			return
		}
		follow(w, r)
	}
}

// Run reads the source, once for all followers, until ctx ends; it returns ctx's
// error. Then every stream ends and every later request is answered 503. It is
// called once.
func (h *Handler) Run(ctx context.Context) error {
	h.hub.run(ctx)
	h.photo.close()
	return ctx.Err()
}

// ServeHTTP serves the routes, below the path of the issuer.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Followers returns how many streams and long polls are held at the moment.
func (h *Handler) Followers() int { return int(h.followers.Load()) }

// Ready is ErrUnavailable while followers are sent away: Run has not read its
// source to the end yet, has lost it, or does not run.
func (h *Handler) Ready() error {
	if _, ok := h.hub.position(); !ok {
		return ErrUnavailable
	}
	return nil
}

// discover tells where everything is. It names nobody, so everybody may read it.
func (h *Handler) discover(w http.ResponseWriter, _ *http.Request) {
	doc := document{
		Version: version, Issuer: h.cfg.Issuer, Formats: []string{streamType, framesType, "application/json"},
		Stream: ".." + prefix + "/stream", Events: ".." + prefix + "/events", Snapshot: ".." + prefix + "/snapshot", Acks: ".." + prefix + "/acks",
		Followers: ".." + prefix + "/followers",
		Beat:      h.cfg.Beat.Milliseconds(), MaxStale: h.cfg.MaxStale.Milliseconds(), Retention: int64(h.cfg.Retention / time.Second),
	}
	if h.cfg.Append != nil {
		doc.Rules = ".." + prefix + "/rules"
	}
	if h.cfg.Check != "" {
		doc.Check = ".." + h.cfg.Check
	}
	if h.cfg.Sight != nil {
		doc.Sightings, doc.Settle = ".."+prefix+"/sightings", int64(h.cfg.Settle/time.Second)
	}
	if head, ok := h.hub.position(); ok {
		doc.Epoch = head.Epoch
	}
	text, err := json.Marshal(doc)
	if err != nil {
		text = []byte("{}") // cannot be: it is made of strings and numbers
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(text)
}

var errBusy = errors.New("feed: too many followers")

// enter counts a follower in; leave counts it out.
func (h *Handler) enter() error {
	if h.followers.Add(1) > int64(h.cfg.MaxFollowers) {
		h.leave()
		return errBusy
	}
	return nil
}

func (h *Handler) leave() { h.followers.Add(-1) }

// malformed is what is wrong with a request, for whoever sent it.
type malformed string

func (m malformed) Error() string { return "feed: " + string(m) }

// refuse answers with a problem. What nobody has foreseen is "cannot know now".
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Problem{Code: problem.Code(jwt.Unavailable)}
	var scope errScope
	var wrong malformed
	var slow errSlow
	switch {
	case errors.As(err, &wrong):
		p = problem.Problem{Code: problem.Code(jwt.MalformedRequest), Detail: string(wrong)}
	case errors.Is(err, errMedia):
		p = problem.Problem{Code: problem.UnsupportedMedia, Hint: "Send application/json."}
	case errors.Is(err, errLarge):
		p = problem.Problem{Code: problem.TooLarge}
	case errors.Is(err, errUnknown):
		p = problem.Problem{Code: problem.NotFound, Detail: "No stream of this follower is open here.", Hint: "Open a stream with the parameter follower first."}
	case errors.As(err, &slow):
		p = problem.Problem{Code: problem.Busy, Detail: "This credential has asked for more than it may at once.", RetryAfter: time.Duration(slow)}
	case errors.As(err, &scope):
		p = problem.Problem{
			Code: problem.Code(jwt.BadScope), Scope: string(scope), Detail: "The credential is good for other routes of the revocation feed, not for this one.",
			Hint: "Send one that was made for " + string(scope) + " (jotkeeper feed token --for " + string(scope) + ").",
		}
	case errors.Is(err, errMissing):
		p = problem.Problem{Code: problem.Code(jwt.Missing), Detail: "The feed is read with a credential."}
	case errors.Is(err, ErrUnauthorized):
		p = problem.Problem{Code: problem.FeedCredential}
	case errors.Is(err, revocation.ErrSnapshotRequired):
		p = problem.Problem{Code: problem.SnapshotRequired}
	case errors.Is(err, revocation.ErrBadCursor):
		p = problem.Problem{Code: problem.Code(jwt.MalformedRequest), Detail: "The parameter after is missing or not a cursor such as 1:42."}
	case errors.Is(err, errBadParameter):
		p = problem.Problem{Code: problem.Code(jwt.MalformedRequest), Detail: "A parameter is out of its bounds: wait is 0 to 25 seconds, limit 1 to 1000, nonce and follower at most 64 letters and digits."}
	case errors.Is(err, errBusy):
		p = problem.Problem{Code: problem.Busy}
	}
	problem.Write(w, r, p)
}
