package feed_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// post sends a body with a credential.
func (s *site) post(path, token, text string, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", "http://127.0.0.1:1/revocation/v1/"+path, strings.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.round(r)
}

// A meter counts the requests of a path on their way, and can lose them.
type meter struct {
	next  http.RoundTripper
	path  string
	mu    sync.Mutex
	times []time.Time
	lose  bool
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, m.path) {
		m.mu.Lock()
		m.times = append(m.times, time.Now())
		lose := m.lose
		m.mu.Unlock()
		if lose {
			return nil, context.DeadlineExceeded
		}
	}
	return m.next.RoundTrip(r)
}

func (m *meter) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.times)
}

func (s *site) metered(path string) (*meter, func(*feed.ClientConfig)) {
	m := &meter{path: path}
	return m, func(c *feed.ClientConfig) { m.next, c.Transport = c.Transport, m }
}

// known asks the origin who follows.
func (s *site) known(head string) []feed.Follower {
	s.t.Helper()
	at, list, err := s.asked(credential).Followers(s.t.Context())
	if err != nil || at.String() != head {
		s.t.Fatalf("the head is %v, %v; want %s", at, err, head)
	}
	return list
}

func (s *site) asked(token string) *feed.Origin {
	s.t.Helper()
	o, err := feed.NewOrigin(feed.OriginConfig{Issuer: issuer, URL: "http://127.0.0.1:1", Token: token, Transport: s.transport()})
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

func TestAFollowerTellsHowFarItIs(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		s.origin(log)
		v := s.verifier()
		if got := s.known("1:1"); len(got) != 1 || !got[0].Connected || got[0].Credential != "orders" || got[0].Acked != (revocation.Cursor{Epoch: 1, Seq: 1}) {
			t.Errorf("when it came: %+v", got)
		}
		log.append(ended("phone"))
		synctest.Wait()
		if got := s.known("1:2"); got[0].Acked != v.Cursor() || v.Cursor().Seq != 2 {
			t.Errorf("after a rule: %+v", got)
		}
		pass(time.Minute)
		v.stop()
		pass(time.Second)
		if got := s.known("1:2"); len(got) != 1 || got[0].Connected || got[0].Seen != time.Second {
			t.Errorf("when it had left: %+v", got)
		}
		pass(time.Hour)
		if got := s.known("1:2"); len(got) != 0 {
			t.Errorf("after the retention: %+v", got)
		}
	})
}

// A burst of rules is one ack, and then at most 20 in a second: of a thousand
// followers the origin hears 20,000 times, not once for each rule.
func TestAcksAreGathered(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log)
		m, metered := s.metered("/acks")
		v := s.verifier(metered)
		for range 1000 {
			log.append(ended("x"))
			pass(time.Millisecond)
		}
		pass(time.Second)
		if n := m.count(); n > 22 || n < 15 {
			t.Errorf("%d acks for a second of rules", n)
		}
		if got := s.known("1:1000"); got[0].Acked != v.Cursor() {
			t.Errorf("the last was not told: %+v", got)
		}
		before := m.count()
		pass(10 * time.Second)
		if n := m.count() - before; n != 0 {
			t.Errorf("%d acks for nothing but beats", n)
		}
	})
}

// Acks are a courtesy: what becomes of them is nothing to whoever follows. They
// are repeated with pauses, and the latest is the one that counts.
func TestLostAcksHoldUpNothing(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log)
		m, metered := s.metered("/acks")
		v := s.verifier(metered)
		m.lose = true
		for range 50 {
			log.append(ended("phone"))
			pass(100 * time.Millisecond)
			if v.stale() || v.Cursor().Seq != log.head {
				t.Fatalf("at %v, the head is %d: %+v", v.Cursor(), log.head, v.client.Stats())
			}
		}
		if n := m.count(); n > 12 {
			t.Errorf("%d attempts in five seconds", n)
		}
		m.mu.Lock()
		m.lose = false
		m.mu.Unlock()
		pass(2 * time.Second)
		if got := s.known("1:50"); got[0].Acked.Seq != 50 {
			t.Errorf("after the trouble: %+v", got)
		}
		if st := v.client.Stats(); st.Streams != 1 || st.Failures != 0 {
			t.Errorf("following was disturbed: %+v", st)
		}
	})
}

// What is not understood is not in force, so it is not confirmed.
func TestARuleThatIsNotUnderstoodIsNotConfirmed(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		s.origin(log)
		s.verifier()
		log.append(revocation.Rule{Scope: "planet", ID: "earth", Action: revocation.Revoke})
		log.append(ended("phone"))
		pass(time.Second)
		if got := s.known("1:3"); len(got) != 1 || got[0].Acked.Seq != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAcksThatAreRefused(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook(ended("a"), ended("b")))
		stream := s.open("/revocation/v1/stream?after=1:0&follower=ME")
		defer stream.Body.Close()
		synctest.Wait()
		for text, want := range map[string]string{
			`{"follower":"ME","cursor":"1:1"}`:                              "204 ",
			`{"follower":"ME","cursor":"0:9"}`:                              "204 ", // of an epoch that is over: nothing new
			`{"follower":"ME","cursor":"1:3"}`:                              "400 malformed_request",
			`{"follower":"ME","cursor":"2:1"}`:                              "400 malformed_request",
			`{"follower":"ME","cursor":"one"}`:                              "400 malformed_request",
			`{"follower":"ME"}`:                                             "400 malformed_request",
			`{"cursor":"1:1"}`:                                              "400 malformed_request",
			`{"follower":"M E","cursor":"1:1"}`:                             "400 malformed_request",
			`{"follower":"` + strings.Repeat("X", 65) + `","cursor":"1:1"}`: "400 malformed_request",
			`{"follower":"ME","follower":"ME","cursor":"1:1"}`:              "400 malformed_request",
			`no JSON`:                           "400 malformed_request",
			`{"follower":"YOU","cursor":"1:1"}`: "404 not_found",
			`{"follower":"ME","cursor":"1:1","note":"` + strings.Repeat("x", 5000) + `"}`: "413 too_large",
		} {
			if got := s.post("acks", credential, text); strconv.Itoa(got.StatusCode)+" "+got.code() != want {
				t.Errorf("%.60s: %d %s, want %s", text, got.StatusCode, got.text, want)
			}
		}
		if got := s.post("acks", credential, `{"follower":"ME","cursor":"1:1"}`, "Content-Type", "text/plain"); got.StatusCode != 415 {
			t.Errorf("text: %d", got.StatusCode)
		}
		if got := s.known("1:2"); len(got) != 1 || got[0].Acked.Seq != 1 {
			t.Errorf("in the end: %+v", got)
		}
		pass(time.Second) // the server gives who sent too much a moment to read the answer
	})
}

// Nobody confirms for the followers of another credential, though it follows too.
func TestAcksAreOfTheCredentialThatOpenedTheStream(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook(ended("a")), func(c *feed.HandlerConfig) {
			c.Allow = func(_ context.Context, got string) (feed.Grant, error) {
				if got == "wrong" {
					return feed.Grant{}, feed.ErrUnauthorized
				}
				return feed.Grant{Name: "the same", Scopes: []string{feed.FollowScope}}, nil
			}
		})
		for _, path := range []string{"/revocation/v1/stream?after=1:0&follower=ME", "/revocation/v1/stream?after=1:0"} {
			stream := s.open(path)
			defer stream.Body.Close()
		}
		synctest.Wait()
		for token, want := range map[string]int{"another": 404, "wrong": 401, credential: 204} {
			if got := s.post("acks", token, `{"follower":"ME","cursor":"1:1"}`); got.StatusCode != want {
				t.Errorf("with %q: %d %s", token, got.StatusCode, got.text)
			}
		}
	})
}

// The credential is looked at when a stream begins, and not again with each of
// the acks that follow on a rule.
func TestAcksDoNotLookUpTheCredential(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		looks := 0
		log := newBook()
		s.origin(log, func(c *feed.HandlerConfig) {
			c.Allow = func(ctx context.Context, got string) (feed.Grant, error) { looks++; return allow(ctx, got) }
		})
		m, metered := s.metered("/acks")
		s.verifier(metered)
		before := looks
		for range 10 {
			log.append(ended("x"))
			pass(time.Second)
		}
		if looks != before || m.count() != 10 {
			t.Errorf("%d looks at the credential for %d acks", looks-before, m.count())
		}
	})
}

// Whoever comes and goes under ever new names fills no memory.
func TestOnlySoManyAbsentFollowersAreRemembered(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook(), func(c *feed.HandlerConfig) { c.MaxFollowers = 5 })
		for i := range 20 {
			stream := s.open("/revocation/v1/stream?after=1:0&follower=N" + strconv.Itoa(i))
			stream.Body.Close()
			pass(time.Second)
		}
		got := s.known("1:0")
		if len(got) != 5 {
			t.Fatalf("%d are remembered, want 5", len(got))
		}
		for _, f := range got {
			if f.Connected || f.Seen > 6*time.Second {
				t.Errorf("one of the earlier ones: %+v", f)
			}
		}
	})
}

// A HEAD would hold a place for as long as a stream, and hear nothing.
func TestAHeadHoldsNoPlace(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		o := s.origin(newBook())
		for _, path := range []string{"stream?after=1:0", "events?after=1:0&wait=25"} {
			r, err := http.NewRequestWithContext(t.Context(), "HEAD", "http://127.0.0.1:1/revocation/v1/"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+credential)
			if got := s.round(r); got.StatusCode != 405 || got.Header.Get("Allow") != "GET" || o.Followers() != 0 {
				t.Errorf("%s: %d %v, %d followers", path, got.StatusCode, got.Header, o.Followers())
			}
		}
	})
}
