package feed_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func TestALogoutReachesAnotherMachine(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		s.origin(log)
		v := s.verifier()
		if !v.refuses("old") || v.stale() || v.Cursor() != (revocation.Cursor{Epoch: 1, Seq: 1}) {
			t.Fatalf("at the start: %+v %+v", v.Stats(), v.client.Stats())
		}
		before := time.Now()
		log.append(ended("phone"))
		synctest.Wait()
		if !v.refuses("phone") || v.refuses("laptop") || time.Since(before) != 0 {
			t.Errorf("after %v: %+v", time.Since(before), v.Stats())
		}
		if got := v.client.Stats(); got != (feed.ClientStats{Connected: true, Streams: 1, Snapshots: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}

// A099, as far as a bubble can show it: no follower has to wait for a beat.
func TestA099ARuleReachesEveryFollowerAtOnce(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		var rules []revocation.Rule
		for range 1000 {
			rules = append(rules, ended(rand.Text()))
		}
		log := newBook(rules...)
		s.origin(log)
		var all []*verifier
		for range 50 {
			all = append(all, s.verifier())
		}
		pass(time.Minute)
		before := time.Now()
		log.append(ended("phone"))
		synctest.Wait()
		for i, v := range all {
			if !v.refuses("phone") || v.Rules() != 1001 {
				t.Errorf("follower %d: %+v", i, v.Stats())
			}
		}
		if d := time.Since(before); d != 0 {
			t.Errorf("it took %v of the bubble's time", d)
		}
	})
}

// A099 with a list of a million: who has it from an earlier day refuses the next
// session at once, and reads nothing but the news.
func TestA099AMillionRulesHoldNothingUp(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		const million = 1_000_000
		log := newBook(slices.Repeat([]revocation.Rule{ended("old")}, million)...)
		index := revocation.NewIndex(issuer)
		for i := range log.kept {
			log.kept[i].Rule.ID = jwt.NewID()
		}
		if err := index.Apply(log.kept...); err != nil {
			t.Fatal(err)
		}
		index.Advance(revocation.Cursor{Epoch: 1, Seq: million})
		s.origin(log)
		v := s.verifier(func(c *feed.ClientConfig) { c.Index = index })
		before := time.Now()
		log.append(ended("phone"))
		synctest.Wait()
		if !v.refuses("phone") || v.refuses("laptop") || v.Rules() != million+1 || time.Since(before) != 0 {
			t.Errorf("after %v: %+v", time.Since(before), v.Stats())
		}
		if got := v.client.Stats(); got.Snapshots != 0 || got.Streams != 1 || got.Failures != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAQuietEveningIsNotStale(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log)
		v := s.verifier()
		for range 45 * 60 {
			pass(time.Second)
			if v.stale() {
				t.Fatalf("stale in the quiet: %+v %+v", v.Stats(), v.client.Stats())
			}
		}
		// Each stream ended by itself, ten minutes at most after it began.
		if got := v.client.Stats(); got.Streams < 5 || got.Streams > 6 || got.Failures != 0 || got.Snapshots != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

// A verifier that starts before its origin knows nothing, says so, and recovers alone.
func TestAVerifierStartsBeforeItsOrigin(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		v := s.verifier()
		pass(time.Hour)
		if !v.stale() || v.client.Stats().Connected {
			t.Fatal("it calls itself fresh and has never heard a word")
		}
		if n := v.client.Stats().Failures; n < 3600 || n > 7300 {
			t.Errorf("%d attempts in an hour, want one or two a second", n)
		}
		s.origin(newBook(ended("phone")))
		pass(2 * time.Second)
		if v.stale() || !v.refuses("phone") || v.client.Stats().Trouble != "" {
			t.Errorf("it does not recover by itself: %+v", v.client.Stats())
		}
	})
}

func TestTheOriginIsKilledAndComesBack(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		o := s.origin(log)
		v := s.verifier()
		pass(5 * time.Second)
		killed := time.Now()
		o.stop()
		log.append(ended("phone"))
		for !v.stale() {
			pass(10 * time.Millisecond)
		}
		if d := time.Since(killed); d > revocation.MaxStale+50*time.Millisecond || d < revocation.MaxStale-time.Second {
			t.Errorf("stale was declared %v after the origin died", d)
		}
		if !v.refuses("old") {
			t.Error("being cut off took a rule back")
		}
		s.origin(log)
		pass(2 * time.Second)
		if v.stale() || !v.refuses("phone") {
			t.Errorf("it does not recover: %+v", v.client.Stats())
		}
		if n := v.client.Stats().Snapshots; n != 1 {
			t.Errorf("%d snapshots: it did not resume by its cursor", n)
		}
	})
}

// A log that has forgotten its last rules still stands where it stood: nobody's
// cursor goes back, and nothing is waited for that will not come.
func TestACompactedLogStandsWhereItStood(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("a"), ended("b"), ended("c"))
		o := s.origin(log)
		v := s.verifier()
		pass(5 * time.Second)
		at := v.Cursor()
		o.stop()
		log.set(func() { log.kept = nil })
		s.origin(log)
		before := log.count()
		pass(10 * time.Second)
		if v.Cursor() != at || v.client.Stats().Snapshots != 1 || v.stale() {
			t.Errorf("the cursor stood at %s, now at %s: %+v", at, v.Cursor(), v.client.Stats())
		}
		if n := log.count() - before; n > 40 {
			t.Errorf("%d readings in 10 s of a log in which nothing happens", n)
		}
		log.append(ended("d"))
		pass(100 * time.Millisecond)
		if !v.refuses("d") {
			t.Error("a rule that came after is not in force")
		}
	})
}

// A store that cannot be read is a feed that cannot promise anything.
func TestAnOriginWithoutItsStoreIsStale(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		s.origin(log)
		v := s.verifier()
		log.set(func() { log.trouble = errors.New("disk on fire") })
		pass(revocation.MaxStale + 600*time.Millisecond)
		if !v.stale() {
			t.Error("the origin says it knows, and cannot read")
		}
		pass(time.Minute)
		log.set(func() { log.trouble = nil })
		log.append(ended("phone"))
		pass(3 * time.Second)
		if v.stale() || !v.refuses("phone") || v.client.Stats().Snapshots != 1 {
			t.Errorf("it does not recover: %+v", v.client.Stats())
		}
	})
}

func TestASnapshotIsMergedAndNothingForgotten(t *testing.T) {
	for name, lose := range map[string]func(b *book){
		"a new epoch":                      func(b *book) { b.epoch, b.kept, b.head = 2, nil, 0 },
		"a head behind, in the same epoch": func(b *book) { b.kept, b.head = b.kept[:1], 1 },
	} {
		t.Run(name, func(t *testing.T) {
			evening(t, func(t *testing.T, s *site) {
				log := newBook(ended("old"), ended("phone"), ended("tablet"))
				s.origin(log)
				v := s.verifier()
				log.set(func() { lose(log) })
				log.append(ended("laptop"))
				pass(3 * time.Second)
				for _, sid := range []string{"old", "phone", "tablet", "laptop"} {
					if !v.refuses(sid) {
						t.Errorf("%s is accepted: %+v", sid, v.Stats())
					}
				}
				if v.stale() || v.Cursor() != (revocation.Cursor{Epoch: log.epoch, Seq: log.head}) || v.client.Stats().Snapshots != 2 {
					t.Errorf("it does not follow on: %+v %+v", v.Stats(), v.client.Stats())
				}
			})
		})
	}
}

func TestAnOlderEpochIsNotFollowed(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("old"))
		log.epoch = 1
		v := s.verifier(func(c *feed.ClientConfig) {
			c.Index.Reached(revocation.Cursor{Epoch: 2, Seq: 7})
		})
		s.origin(log)
		pass(10 * time.Second)
		if !v.stale() || v.Cursor().Epoch != 2 {
			t.Errorf("it follows an origin that missed an epoch: %+v", v.Stats())
		}
		if got := v.client.Stats().Trouble; !strings.Contains(got, "an origin of epoch 1 after one of epoch 2") {
			t.Errorf("trouble: %s", got)
		}
	})
}

func TestWhatIsNotUnderstoodIsNeverSkipped(t *testing.T) {
	for name, rule := range map[string]revocation.Rule{
		"an unknown scope":  {Scope: "planet", ID: "earth", Action: revocation.Revoke},
		"an unknown action": {Scope: revocation.ScopeSession, ID: "x", Action: 7},
	} {
		t.Run(name+", in the stream", func(t *testing.T) {
			evening(t, func(t *testing.T, s *site) {
				log := newBook(ended("old"))
				s.origin(log)
				v := s.verifier()
				log.append(rule, ended("phone"))
				log.append(ended("laptop"))
				pass(revocation.MaxStale + 100*time.Millisecond)
				if !v.stale() || v.Cursor() != (revocation.Cursor{Epoch: 1, Seq: 1}) {
					t.Errorf("it skips what it does not know: %+v", v.Stats())
				}
				if !v.refuses("phone") || !v.refuses("laptop") {
					t.Error("a rule that it does know is not in force")
				}
				if got := v.client.Stats().Trouble; !strings.Contains(got, "entry 1:2") {
					t.Errorf("trouble: %s", got)
				}
			})
		})
		t.Run(name+", in the snapshot", func(t *testing.T) {
			evening(t, func(t *testing.T, s *site) {
				s.origin(newBook(rule, ended("phone")))
				v := s.verifier()
				pass(time.Minute)
				if !v.stale() || !v.refuses("phone") || v.Cursor() != (revocation.Cursor{}) {
					t.Errorf("got %+v", v.Stats())
				}
				if n := v.client.Stats().Failures; n > 13 {
					t.Errorf("%d snapshots in a minute", n)
				}
			})
		})
	}
}

func TestAClientSweeps(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		s.origin(log)
		v := s.verifier()
		log.append(revocation.SessionEnded("phone", "logout", time.Now().Add(90*time.Second)))
		pass(89 * time.Second)
		if v.Rules() != 1 {
			t.Error("swept too early")
		}
		pass(time.Minute)
		if v.Rules() != 0 {
			t.Error("not swept")
		}
	})
}

func TestACredentialThatIsNotGood(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook(ended("phone")))
		v := s.verifier(func(c *feed.ClientConfig) { c.Token = "another-secret" })
		pass(5 * time.Second)
		got := v.client.Stats()
		if !v.stale() || v.Rules() != 0 || !strings.Contains(got.Trouble, "the origin answers 401") {
			t.Errorf("got %+v", got)
		}
		if strings.Contains(got.Trouble, "another-secret") {
			t.Errorf("the credential shows: %s", got.Trouble)
		}
	})
}

// The credential goes to the host that was named and to no other.
func TestACredentialStaysAtItsOrigin(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a redirect of the document": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2"+r.URL.Path, http.StatusFound)
		},
		"a document that names another host": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"v":1,"issuer":"` + issuer + `","stream":"http://127.0.0.2/s","snapshot":"http://127.0.0.2/x"}`))
		},
		"a redirect of the snapshot": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/.well-known/revocation-feed" {
				w.Header().Set("Content-Type", "application/json")
				w.Write([]byte(`{"v":1,"issuer":"` + issuer + `","stream":"../s","snapshot":"../x"}`))
				return
			}
			http.Redirect(w, r, "http://127.0.0.2/x", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			evening(t, func(t *testing.T, s *site) {
				seen := map[string]bool{}
				stop := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen[r.Host] = true
					if strings.HasPrefix(r.URL.Path, "/.well-known/") && r.Header.Get("Authorization") != "" {
						t.Error("the public document was asked for with the credential")
					}
					if r.Host == "127.0.0.1:1" {
						answer(w, r)
					}
				}))
				v := s.verifier()
				pass(5 * time.Second)
				v.stop()
				stop()
				if len(seen) != 1 || !seen["127.0.0.1:1"] || !v.stale() {
					t.Errorf("asked: %v", seen)
				}
			})
		})
	}
}

func TestAClientTakesNoProxy(t *testing.T) {
	if feed.Direct().Proxy != nil {
		t.Error("the environment can name somebody who reads along")
	}
}

func TestClientConfiguration(t *testing.T) {
	good := feed.ClientConfig{Issuer: issuer, Token: credential, Index: revocation.NewIndex(issuer)}
	if _, err := feed.NewClient(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(c *feed.ClientConfig){
		"Issuer is missing":                          func(c *feed.ClientConfig) { c.Issuer, c.URL = "", issuer },
		"Index is missing":                           func(c *feed.ClientConfig) { c.Index = nil },
		"Token is missing":                           func(c *feed.ClientConfig) { c.Token = "\n" },
		"a character that no credential has":         func(c *feed.ClientConfig) { c.Token = "a\nb" },
		"is not https; plain http is for this":       func(c *feed.ClientConfig) { c.URL = "http://id.example.com" },
		"names no host; write https://host":          func(c *feed.ClientConfig) { c.URL = "id.example.com" },
		"not a URL; write https://host":              func(c *feed.ClientConfig) { c.URL = "https://[" },
		"holds a user, a query or a fragment":        func(c *feed.ClientConfig) { c.URL = "https://a:b@id.example.com" },
		`"ftp://127.0.0.1" is not https; plain http`: func(c *feed.ClientConfig) { c.URL = "ftp://127.0.0.1" },
	} {
		cfg := good
		change(&cfg)
		if _, err := feed.NewClient(cfg); !errors.Is(err, feed.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want ErrConfig with %q", err, want)
		}
	}
}

// An origin says how long its followers may go without word, within bounds.
func TestTheOriginAnnouncesMaxStale(t *testing.T) {
	for announced, want := range map[string]time.Duration{
		"10000": 10 * time.Second, "1000": time.Second, "3600000": time.Hour, "0": 2 * time.Second, "-1": 2 * time.Second,
		"999": time.Second, "3600001": time.Hour, "9223372036854775807": time.Hour,
	} {
		evening(t, func(t *testing.T, s *site) {
			o := s.origin(newBook(), func(c *feed.HandlerConfig) { c.MaxStale = 10 * time.Second })
			v := s.verifier()
			if got := v.client.MaxStale(); got != 10*time.Second {
				t.Errorf("the origin announces 10s, the follower hears %s", got)
			}
			v.stop()
			defer s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := httptest.NewRecorder()
				if r.URL.Path != "/.well-known/revocation-feed" {
					o.ServeHTTP(w, r)
					return
				}
				o.ServeHTTP(answer, r)
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, strings.Replace(answer.Body.String(), `"max_stale_ms":10000`, `"max_stale_ms":`+announced, 1))
			}))()
			if v = s.verifier(); v.client.MaxStale() != want || !v.client.Stats().Connected {
				t.Errorf("announced %s ms: the follower takes %s, want %s; %+v", announced, v.client.MaxStale(), want, v.client.Stats())
			}
			v.stop()
		})
	}
	evening(t, func(t *testing.T, s *site) {
		if got := s.verifier().client.MaxStale(); got != revocation.MaxStale {
			t.Errorf("while nothing was announced: %s", got)
		}
	})
}

// Whoever wants to know of each rule hears of all of them, once they are in
// force: those of the snapshot, then those that come, and after a gap the rest.
func TestToldOfEachRule(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("a"), ended("b"))
		o := s.origin(log)
		var heard []string
		var v *verifier
		index := revocation.NewIndex(issuer)
		v = s.verifier(func(c *feed.ClientConfig) {
			c.Index = index
			c.Told = func(rules []revocation.Entry, snapshot bool) {
				for _, e := range rules {
					heard = append(heard, fmt.Sprint(e.Cursor, " ", e.Rule.ID, " ", snapshot))
					q := revocation.Query{Issuer: issuer, SessionID: e.Rule.ID}
					if index.Check(time.Now(), &q).Action != revocation.Revoke {
						t.Errorf("%s is not in force when it is told", e.Rule.ID)
					}
				}
			}
		})
		log.append(ended("c"), ended("d"))
		synctest.Wait()
		if want := []string{"1:1 a true", "1:2 b true", "1:3 c false", "1:4 d false"}; !slices.Equal(heard, want) {
			t.Errorf("got %q, want %q", heard, want)
		}
		o.stop()
		log.append(ended("e"))
		heard = nil
		s.origin(log, func(c *feed.HandlerConfig) { c.Tail = 1 })
		pass(3 * time.Second)
		if want := []string{"1:5 e false"}; !slices.Equal(heard, want) || v.stale() {
			t.Errorf("after the origin came back: %q, want %q", heard, want)
		}
	})
}
