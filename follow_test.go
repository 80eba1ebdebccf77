package jotkeeper_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A cable joins a verifier to an issuer inside one process. Cut it, and both
// what is held open and what is asked later fails.
type cable struct {
	mu      sync.Mutex
	issuer  http.Handler // nil: cut
	cut     context.CancelFunc
	broken  context.Context
	handled sync.WaitGroup
	asked   map[string]int
}

func (c *cable) plug(h http.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issuer = h
	c.broken, c.cut = context.WithCancel(context.Background())
}

func (c *cable) pull() {
	c.mu.Lock()
	c.issuer = nil
	c.cut()
	c.mu.Unlock()
	c.handled.Wait()
}

func (c *cable) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	h, broken := c.issuer, c.broken
	c.asked[r.URL.Path]++
	c.mu.Unlock()
	if h == nil {
		return nil, errors.New("connection refused")
	}
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(broken, cancel)
	body, into := io.Pipe()
	context.AfterFunc(ctx, func() { into.CloseWithError(errors.New("connection reset")) })
	w := &answering{header: http.Header{}, into: into, begun: make(chan struct{})}
	c.handled.Go(func() {
		h.ServeHTTP(w, r.Clone(ctx))
		w.WriteHeader(200)
		into.Close()
		stop()
		cancel()
	})
	<-w.begun
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Header: w.Header(), Body: body, Request: r}, nil
}

// answering is a ResponseWriter that hands on what is written at once.
type answering struct {
	header http.Header
	into   *io.PipeWriter
	once   sync.Once
	status int
	begun  chan struct{}
}

func (w *answering) Header() http.Header    { return w.header }
func (w *answering) Flush()                 {}
func (w *answering) WriteHeader(status int) { w.once.Do(func() { w.status = status; close(w.begun) }) }
func (w *answering) Write(p []byte) (int, error) {
	w.WriteHeader(200)
	return w.into.Write(p)
}

// An estate is an issuer with its log, and a verifier that follows it.
type estate struct {
	*house
	t       *testing.T
	cable   *cable
	log     revocation.Log
	backend *memory.Backend
	issuer  http.Handler
	revoked bool // what the issuer says when it is asked about a token

	mu      sync.Mutex
	seen    []feed.Sighting // that the issuer was told of
	batches []int           // how many came together
	trouble error           // with which it answers

	sessions func(ctx context.Context, audiences []string, seen []feed.Sighting) error // whom it tells; nil: nobody
}

func allow(_ context.Context, credential string) (feed.Grant, error) {
	switch credential {
	case "follow-me":
		return feed.Grant{Name: "orders", Scopes: []string{feed.FollowScope}}, nil
	case "sight-too":
		return feed.Grant{Name: "orders", Scopes: []string{feed.FollowScope, feed.SightScope}, Audiences: []string{audience}}, nil
	}
	return feed.Grant{}, feed.ErrUnauthorized
}

// following runs a test with an estate in a bubble whose clock only moves when everybody waits.
func following(t *testing.T, test func(t *testing.T, e *estate), change ...func(*jotkeeper.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New()
		e := &estate{t: t, log: backend.Set().Revocations, backend: backend, cable: &cable{asked: map[string]int{}}}
		origin, err := feed.NewHandler(feed.HandlerConfig{
			Issuer: issuer, Source: e.log, Allow: allow, Sight: e.sight, Settle: 95 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var run sync.WaitGroup
		run.Go(func() { _ = origin.Run(ctx) })
		e.issuer = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !strings.HasSuffix(r.URL.Path, "/check"):
				origin.ServeHTTP(w, r)
			case e.revoked:
				w.WriteHeader(401)
				io.WriteString(w, `{"code":"revoked"}`)
			default:
				io.WriteString(w, `{"active":true}`)
			}
		})
		e.restart(change...)
		test(t, e)
		e.auth.Close()
		cancel()
		run.Wait()
		e.cable.handled.Wait()
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	})
}

// restart makes a verifier with nothing in its memory, for tokens of the same key.
func (e *estate) restart(change ...func(*jotkeeper.Config)) {
	e.t.Helper()
	before := e.house
	e.house = newHouse(e.t, append([]func(*jotkeeper.Config){func(c *jotkeeper.Config) {
		c.Feed = jotkeeper.Feed{Token: "follow-me", Transport: e.cable}
		c.Client = &http.Client{Transport: e.cable}
		if before != nil {
			c.Keys = jwt.NewSnapshot(before.key.Public())
		}
	}}, change...)...)
	if before != nil {
		e.key = before.key
	}
}

func (e *estate) end(sid string) {
	e.t.Helper()
	if _, err := e.log.Append(e.t.Context(), time.Now(), revocation.SessionEnded(sid, "logout", time.Now().Add(time.Hour))); err != nil {
		e.t.Fatal(err)
	}
	synctest.Wait()
}

func (e *estate) expect(name, token string, status int, reason string, opts ...jotkeeper.Option) {
	e.t.Helper()
	want(e.t, name, e.ask(get("Authorization", "Bearer "+token), opts...), status, reason)
}

func issuedAgo(d time.Duration) func(*jwt.Access) {
	return func(c *jwt.Access) { c.IssuedAt = jwt.TimeOf(time.Now().Add(-d)) }
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestALogoutIsHeardOfByItself(t *testing.T) {
	following(t, func(t *testing.T, e *estate) {
		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		phone, laptop := e.token(session("phone")), e.token(session("laptop"))
		e.expect("before", phone, 200, "")
		e.end("phone")
		e.expect("after", phone, 401, "revoked")
		e.expect("another session", laptop, 200, "")
		if n := e.cable.asked["/revocation/v1/check"]; n != 0 {
			t.Errorf("the issuer was asked %d times", n)
		}
		s := e.auth.Stats()
		if s.Stale || s.Rules.Rules != 1 || s.Rules.Revoked != 1 || !s.Client.Connected || s.Lag > time.Second {
			t.Errorf("got %+v", s)
		}
	})
}

// A167: a verifier that has heard nothing yet cannot tell, whatever its policy.
func TestA167AColdVerifierIsClosed(t *testing.T) {
	for _, then := range []jotkeeper.StalePolicy{jotkeeper.StaleYoung, jotkeeper.StaleClosed, jotkeeper.StaleRemote, jotkeeper.InsecureStaleOpen} {
		following(t, func(t *testing.T, e *estate) {
			for _, wait := range []time.Duration{0, time.Second, time.Hour} {
				pass(wait)
				tok := e.token()
				e.expect("cold", tok, 503, "unavailable")
				for _, p := range []jotkeeper.StalePolicy{jotkeeper.StaleYoung, jotkeeper.StaleClosed, jotkeeper.StaleRemote, jotkeeper.InsecureStaleOpen} {
					e.expect("cold, on a route that says when stale", tok, 503, "unavailable", jotkeeper.WhenStale(p))
				}
				e.expect("a forgery is still a forgery", tok[:len(tok)-4]+"AAAA", 401, "signature")
			}
			if s := e.auth.Stats(); !s.Stale || s.Lag != 0 || s.Client.Connected {
				t.Errorf("got %+v", s)
			}
			// The issuer comes up, and nobody has to do anything.
			e.end("phone")
			e.cable.plug(e.issuer)
			pass(2 * time.Second)
			e.expect("warm", e.token(), 200, "")
			e.expect("warm", e.token(session("phone")), 401, "revoked")
		}, func(c *jotkeeper.Config) { c.Feed.Then = then })
	}
}

// A166: the issuer is unreachable. Verifying goes on, then the policies act,
// then it recovers; what is known to be revoked stays revoked all the time.
func TestA166TheIssuerIsUnreachable(t *testing.T) {
	following(t, func(t *testing.T, e *estate) {
		closed, remote := jotkeeper.WhenStale(jotkeeper.StaleClosed), jotkeeper.WhenStale(jotkeeper.StaleRemote)
		young, open := jotkeeper.WhenStale(jotkeeper.StaleYoung), jotkeeper.WhenStale(jotkeeper.InsecureStaleOpen)
		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		e.end("phone")
		phone, old := e.token(session("phone")), e.token()
		pass(90 * time.Second)
		e.cable.pull()
		heard := time.Now().Add(-e.auth.Stats().Lag)
		at := func(lag time.Duration) { pass(time.Until(heard.Add(lag))) }

		at(2 * time.Second)
		for _, o := range []jotkeeper.Option{closed, remote, young, open} {
			e.expect("within MaxStale", old, 200, "", o)
		}
		at(2*time.Second + time.Millisecond)
		e.expect("riding", old, 200, "")
		e.expect("closed", old, 503, "unavailable", closed)
		e.expect("remote, without an answer", old, 503, "unavailable", remote)
		e.expect("young, with an old token", old, 401, "stale", young)
		e.expect("open", old, 200, "", open)
		e.expect("revoked", phone, 401, "revoked")
		e.expect("revoked, open", phone, 401, "revoked", open)
		e.expect("revoked, closed", phone, 401, "revoked", closed)
		at(30 * time.Second)
		e.expect("riding to the end", old, 200, "")
		at(30*time.Second + time.Millisecond)
		e.expect("after the ride", old, 401, "stale")
		e.expect("after the ride, a token of this second", e.token(), 200, "")
		e.expect("after the ride, a token of a minute ago", e.token(issuedAgo(62*time.Second)), 401, "stale")
		e.expect("after the ride, a token of just under a minute", e.token(issuedAgo(58*time.Second)), 200, "")
		e.expect("after the ride, revoked", e.token(session("phone")), 401, "revoked")

		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		for _, o := range []jotkeeper.Option{closed, remote, young, open} {
			e.expect("back", old, 200, "", o)
		}
	})
}

// The feed is silent, the issuer is not: routes that ask it go on.
func TestARemoteRouteAsksTheIssuerOnlyWhileStale(t *testing.T) {
	following(t, func(t *testing.T, e *estate) {
		tok, remote := e.token(), jotkeeper.WhenStale(jotkeeper.StaleRemote)
		onlyCheck := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/check") {
				e.issuer.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(503)
		})
		e.cable.plug(onlyCheck)
		pass(time.Second)
		e.expect("cold, and the issuer answers", tok, 200, "", remote)
		e.expect("cold, and nobody is asked", tok, 503, "unavailable")
		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		asked := e.cable.asked["/revocation/v1/check"]
		e.expect("fresh", tok, 200, "", remote)
		if n := e.cable.asked["/revocation/v1/check"] - asked; n != 0 {
			t.Errorf("a fresh verifier asked %d times", n)
		}
		e.cable.pull()
		e.cable.plug(onlyCheck)
		pass(3 * time.Second)
		e.expect("stale, active", tok, 200, "", remote)
		e.revoked = true
		e.expect("stale, revoked", tok, 401, "revoked", remote)
		e.expect("always asked", tok, 401, "revoked", jotkeeper.Revalidate())
	})
}

// turnstile are keys that let something happen between two credentials of a request.
type turnstile struct {
	jwt.Keys
	turns  int
	second func()
}

func (k *turnstile) Snapshot(now time.Time) (*jwt.Snapshot, error) {
	if k.turns++; k.turns == 2 && k.second != nil {
		k.second()
	}
	return k.Keys.Snapshot(now)
}

// A word that comes while a request is under way does not make an answer young
// that the rules gave before it.
func TestAWordInBetweenIsNotBelieved(t *testing.T) {
	keys := &turnstile{}
	following(t, func(t *testing.T, e *estate) {
		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		first, second := e.token(func(c *jwt.Access) { c.ID = "first" }), e.token()
		e.cable.pull()
		rule := revocation.Rule{Scope: revocation.ScopeToken, ID: "first", Action: revocation.Revoke}
		if _, err := e.log.Append(t.Context(), time.Now(), rule); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		keys.turns, keys.second = 0, func() {
			e.cable.plug(e.issuer)
			pass(2 * time.Second)
		}
		both := get("Authorization", "Bearer "+first, "Cookie", "__Host-jotkeeper="+second)
		want(t, "a word in between", e.ask(both, jotkeeper.WhenStale(jotkeeper.StaleClosed)), 503, "unavailable")
		if keys.turns != 2 || e.auth.Stats().Stale {
			t.Errorf("%d turns, %+v: the word did not come in between", keys.turns, e.auth.Stats())
		}
		e.expect("afterwards", first, 401, "revoked")
	}, func(c *jotkeeper.Config) {
		keys.Keys = c.Keys
		c.Keys = keys
	})
}

// A186: an issuer that takes the question and says nothing holds nobody up.
func TestA186AQuestionHasADeadline(t *testing.T) {
	following(t, func(t *testing.T, e *estate) {
		e.cable.plug(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		asked := time.Now()
		e.expect("a paused issuer", e.token(), 503, "unavailable", jotkeeper.Revalidate())
		if took := time.Since(asked); took != 3*time.Second {
			t.Errorf("it was waited for %v", took)
		}
	})
}

func TestWhatARouteDoesAfterTheRideIsConfigured(t *testing.T) {
	for then, c := range map[jotkeeper.StalePolicy]struct {
		status int
		reason string
	}{
		jotkeeper.StaleClosed: {503, "unavailable"}, jotkeeper.StaleRemote: {503, "unavailable"}, jotkeeper.InsecureStaleOpen: {200, ""},
	} {
		following(t, func(t *testing.T, e *estate) {
			e.cable.plug(e.issuer)
			pass(2 * time.Second)
			e.cable.pull()
			tok := e.token()
			pass(4 * time.Second)
			e.expect("riding", tok, 200, "")
			pass(2 * time.Second)
			e.expect("after the ride", tok, c.status, c.reason)
		}, func(c *jotkeeper.Config) {
			c.Feed.Then, c.Feed.Ride, c.Feed.MaxStale = then, 5*time.Second, 3*time.Second
		})
	}
}

func TestAFeedThatChecksTooLittleIsRefused(t *testing.T) {
	for says, change := range map[string]func(*jotkeeper.Config){
		"Token is missing":           func(c *jotkeeper.Config) { c.Feed = jotkeeper.Feed{Ride: time.Minute} },
		"is not https":               func(c *jotkeeper.Config) { c.Feed.URL = "http://id.example.test" },
		"both set":                   func(c *jotkeeper.Config) { c.Revocations = revocation.NewIndex(issuer) },
		"a negative duration":        func(c *jotkeeper.Config) { c.Feed.Ride = -1 },
		"there is no policy 4":       func(c *jotkeeper.Config) { c.Feed.Then = 4 },
		"shorter than the pauses":    func(c *jotkeeper.Config) { c.Feed.MaxStale = time.Millisecond },
		"Ride 5s ends before MaxSta": func(c *jotkeeper.Config) { c.Feed.MaxStale, c.Feed.Ride = time.Minute, 5*time.Second },
	} {
		c := jotkeeper.Config{Issuer: issuer, Audience: audience, Keys: jwt.NewSnapshot(), Feed: jotkeeper.Feed{Token: "t"}}
		change(&c)
		if _, err := jotkeeper.New(c); !errors.Is(err, jotkeeper.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want ErrConfig with %q", err, says)
		}
	}
	h := newHouse(t)
	for name, o := range map[string]jotkeeper.Option{"without a feed": jotkeeper.WhenStale(jotkeeper.StaleClosed), "no policy": jotkeeper.WhenStale(9)} {
		if _, err := h.auth.Authenticate(get(), o); !errors.Is(err, jotkeeper.ErrConfig) {
			t.Errorf("WhenStale %s: %v, want ErrConfig", name, err)
		}
	}
}

// Looking at how old the rules are costs no allocation.
func TestFollowingAllocatesNothingPerRequest(t *testing.T) {
	following(t, func(t *testing.T, e *estate) {
		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		alone := newHouse(t, func(c *jotkeeper.Config) { c.Revocations = revocation.NewIndex(issuer) })
		count := func(h *house) float64 {
			r := get("Authorization", "Bearer "+h.token())
			return testing.AllocsPerRun(100, func() {
				if _, err := h.auth.Authenticate(r); err != nil {
					t.Fatal(err)
				}
			})
		}
		if with, without := count(e.house), count(alone); with != without {
			t.Errorf("%v allocations with a feed, %v without", with, without)
		}
	})
}

// A keyring is an issuer's keys, and counts who asks for another one.
type keyring struct {
	jwt.Keys
	asked int
}

func (k *keyring) Missing(context.Context, time.Time, string) error {
	k.asked++
	return &jwt.Error{Reason: jwt.Unavailable, Detail: "asked a moment ago"}
}

// The tokens under a compromised key are in the hands of honest people, too: 401
// has their clients refresh, 503 would have them wait. Nobody asks for the key.
func TestACompromisedKeyIsNotAskedFor(t *testing.T) {
	keys := &keyring{}
	following(t, func(t *testing.T, e *estate) {
		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		tok := e.token()
		e.expect("a key that nobody knows", tok, 503, "unavailable")
		rule := revocation.KeyCompromised(e.key.ID(), "key", time.Now().Add(time.Hour))
		other := revocation.Rule{Scope: revocation.ScopeIssuer, ID: issuer, Action: revocation.Revoke, Reason: "restored"}
		if _, err := e.log.Append(t.Context(), time.Now(), other); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		e.expect("a rule about something else", tok, 503, "unavailable")
		asked := keys.asked
		if _, err := e.log.Append(t.Context(), time.Now(), rule); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		e.expect("a compromised key", tok, 401, "key")
		if keys.asked != asked {
			t.Errorf("the issuer was asked %d times for a compromised key", keys.asked-asked)
		}
	}, func(c *jotkeeper.Config) { keys.Keys = jwt.NewSnapshot(); c.Keys = keys })
}

// The feed is cut and the service restarts. What was revoked stays refused, by
// the first request as well; of the others nobody can tell, until a word is heard.
func TestARestartWithoutAFeedForgetsNothing(t *testing.T) {
	dir := t.TempDir()
	kept := func(c *jotkeeper.Config) { c.Feed.Dir = dir }
	following(t, func(t *testing.T, e *estate) {
		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		e.end("phone")
		phone, laptop := e.token(session("phone")), e.token(session("laptop"))
		e.cable.pull()
		e.auth.Close()

		e.restart(kept)
		e.expect("revoked, before any network", phone, 401, "revoked")
		e.expect("not known to be", laptop, 503, "unavailable")
		e.expect("not known to be, open", laptop, 503, "unavailable", jotkeeper.WhenStale(jotkeeper.InsecureStaleOpen))
		if s := e.auth.Stats(); !s.Stale || s.Lag != 0 || !s.Client.Disk.Loaded || s.Rules.Rules != 1 {
			t.Errorf("got %+v", s)
		}
		pass(30 * time.Minute)
		e.expect("revoked, half an hour later", e.token(session("phone")), 401, "revoked")
		e.expect("not known to be, half an hour later", e.token(), 503, "unavailable")

		e.end("laptop")
		e.cable.plug(e.issuer)
		pass(2 * time.Second)
		e.expect("revoked, once it hears", e.token(session("phone")), 401, "revoked")
		e.expect("revoked while it was down", e.token(session("laptop")), 401, "revoked")
		e.expect("heard of as well", e.token(), 200, "")
		if s := e.auth.Stats(); s.Client.Snapshots != 0 {
			t.Errorf("everything was downloaded again: %+v", s)
		}
	}, kept)
}

// Who configures nothing goes by what the issuer announces; Ride is never shorter.
func TestTheIssuerAnnouncesWhenItsFollowersAreStale(t *testing.T) {
	for _, c := range []struct {
		announced               string
		configured, stale, ride time.Duration
	}{
		{"10000", 0, 10 * time.Second, 30 * time.Second},
		{"60000", 0, time.Minute, time.Minute},
		{"60000", 3 * time.Second, 3 * time.Second, 30 * time.Second},
	} {
		following(t, func(t *testing.T, e *estate) {
			e.cable.plug(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/revocation-feed") {
					e.issuer.ServeHTTP(w, r)
					return
				}
				answer := httptest.NewRecorder()
				e.issuer.ServeHTTP(answer, r)
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, strings.Replace(answer.Body.String(), `"max_stale_ms":2000`, `"max_stale_ms":`+c.announced, 1))
			}))
			old, closed := e.token(), jotkeeper.WhenStale(jotkeeper.StaleClosed)
			pass(90 * time.Second)
			e.cable.pull()
			heard := time.Now().Add(-e.auth.Stats().Lag)
			at := func(lag time.Duration) { pass(time.Until(heard.Add(lag))) }
			at(c.stale)
			e.expect("not stale yet", old, 200, "", closed)
			if e.auth.Stats().Stale {
				t.Errorf("%+v: it calls itself stale too early", c)
			}
			at(c.stale + time.Millisecond)
			e.expect("stale", old, 503, "unavailable", closed)
			if !e.auth.Stats().Stale {
				t.Errorf("%+v: it does not call itself stale", c)
			}
			at(c.ride)
			if c.ride > c.stale {
				e.expect("riding", old, 200, "")
			}
			at(c.ride + time.Millisecond)
			e.expect("after the ride", old, 401, "stale")
		}, func(f *jotkeeper.Config) { f.Feed.MaxStale = c.configured })
	}
}
