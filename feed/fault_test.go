package feed_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A pauser stands still while it is paused, with every request that has come.
type pauser struct {
	http.Handler
	mu sync.Mutex
	on chan struct{} // nil, or closed when it goes on
}

func (p *pauser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.Handler.ServeHTTP(&paused{w, p}, r)
}

func (p *pauser) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = make(chan struct{})
}

func (p *pauser) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.on)
	p.on = nil
}

// paused says nothing while its pauser is.
type paused struct {
	http.ResponseWriter
	p *pauser
}

func (w *paused) Write(b []byte) (int, error) {
	w.p.mu.Lock()
	on := w.p.on
	w.p.mu.Unlock()
	if on != nil {
		<-on
	}
	return w.ResponseWriter.Write(b)
}

func (w *paused) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// page answers everything as a hotel does before one has paid.
func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, "<!DOCTYPE html><title>Welcome</title>")
}

// breakages are the faults that leave a follower without word. Each begins and
// returns how it ends.
var breakages = map[string]func(s *site, o *origin, p *pauser, log *book) (mend func()){
	"the origin is killed": func(s *site, o *origin, _ *pauser, log *book) func() {
		o.stop()
		return func() { s.origin(log) }
	},
	"the origin is paused": func(_ *site, _ *origin, p *pauser, _ *book) func() {
		p.pause()
		return p.resume
	},
	"the network is a black hole": func(s *site, _ *origin, _ *pauser, _ *book) func() {
		s.swallow()
		return s.stopSwallowing
	},
	"a page comes in place of the feed": func(s *site, o *origin, _ *pauser, log *book) func() {
		o.stop()
		stop := s.serve(http.HandlerFunc(page))
		return func() {
			stop()
			s.origin(log)
		}
	},
	"the store cannot be read": func(_ *site, _ *origin, _ *pauser, log *book) func() {
		log.set(func() { log.trouble = errors.New("disk on fire") })
		return func() { log.set(func() { log.trouble = nil }) }
	},
}

// A166, A186: whatever the fault and however long it lasts, stale is declared
// within 1.05 × MaxStale of its beginning, and the follower has heard everything
// within two seconds of its end.
func TestA186EveryFaultIsNoticedAndOver(t *testing.T) {
	for name, begin := range breakages {
		for _, lasts := range []time.Duration{2200, 2900, 5700, 7300, 8100, 9600, 61_370} {
			lasts *= time.Millisecond
			t.Run(fmt.Sprint(name, " for ", lasts), func(t *testing.T) {
				evening(t, func(t *testing.T, s *site) {
					log := newBook(ended("old"))
					o := s.origin(log)
					p := &pauser{Handler: o}
					t.Cleanup(s.serve(p))
					v := s.verifier()
					pass(20 * time.Second)
					began := time.Now()
					mend := begin(s, o, p, log)
					log.append(ended("phone"))
					for !v.stale() {
						pass(10 * time.Millisecond)
					}
					if d := time.Since(began); d > revocation.MaxStale*105/100 {
						t.Errorf("stale was declared after %v", d)
					}
					pass(lasts - time.Since(began))
					if !v.stale() || v.refuses("phone") || !v.refuses("old") {
						t.Errorf("before its end: %+v %+v", v.Stats(), v.client.Stats())
					}
					mend()
					over := time.Now()
					for v.stale() || !v.refuses("phone") {
						if pass(10 * time.Millisecond); time.Since(over) > 2*time.Second {
							t.Fatalf("%v after its end: %+v", time.Since(over), v.client.Stats())
						}
					}
					if n := v.client.Stats().Snapshots; n != 1 {
						t.Errorf("%d snapshots: it did not resume by its cursor", n)
					}
				})
			})
		}
	}
}

// dialled counts the connections that were made, and those that are not closed.
func (s *site) dialled() (all, held int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.wires {
		select {
		case <-w.closed:
		default:
			held++
		}
	}
	return len(s.wires), held
}

// While nobody answers, a follower asks once a second, and by no more than five
// connections at a time: a fault must not become another one.
func TestAFollowerIsNoFlood(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.origin(newBook())
		v := s.verifier()
		pass(10 * time.Second)
		s.swallow()
		pass(revocation.MaxStale)
		before, _ := s.dialled()
		pass(time.Minute)
		if all, held := s.dialled(); all-before < 50 || all-before > 72 || held > 5 {
			t.Errorf("%d connections in a minute, %d of them held; want about one a second, five at most", all-before, held)
		}
		if trouble := v.client.Stats().Trouble; !strings.Contains(trouble, "fell silent") {
			t.Errorf("trouble: %s", trouble)
		}
	})
}

// The silence that ends a stream is four beats from its first word on, though
// the first word came together with the greeting.
func TestAStreamThatFallsSilentAtOnceIsLeft(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.hears(saying("id: 1:5\ndata: {\"boot\":\"B\",\"t\":1000000000000,\"e\":[]}"), func(v *verifier) {
			pass(1900 * time.Millisecond)
			if n := v.client.Stats().Failures; n != 0 {
				t.Errorf("left within four beats: %+v", v.client.Stats())
			}
			pass(200 * time.Millisecond)
			if n := v.client.Stats().Failures; n != 1 {
				t.Errorf("after four beats: %+v", v.client.Stats())
			}
		})
	})
}

// What comes as a page is no feed, whatever it holds, and is not told the
// credential.
func TestAPageIsNoFeed(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		told := false
		defer s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			told = told || r.Header.Get("Authorization") != ""
			page(w, r)
		}))()
		v := s.verifier()
		pass(10 * time.Second)
		v.stop()
		if got := v.client.Stats().Trouble; !v.stale() || !strings.Contains(got, `an answer of type "text/html", want application/json`) || told {
			t.Errorf("trouble: %s, told the credential: %v", got, told)
		}
	})
}

// What the wall clock decides is which rules may be forgotten. When it is set
// back, some were forgotten too early: everything is read again.
func TestAFollowersClockIsSet(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		what  string
		clock []time.Duration
		again bool
	}{
		{"goes as it should", []time.Duration{0, time.Minute, time.Hour}, false},
		{"is set ahead by minutes", []time.Duration{0, 10 * time.Minute, 11 * time.Minute}, false},
		{"is set back by minutes", []time.Duration{10 * time.Minute, 0}, true},
		{"is set back by a second", []time.Duration{time.Minute, 59 * time.Second}, true},
	} {
		index := revocation.NewIndex(issuer)
		if again := feed.Tidied(index, now, c.clock...); again != c.again {
			t.Errorf("the clock %s: everything is read again: %v", c.what, again)
		}
	}
}
