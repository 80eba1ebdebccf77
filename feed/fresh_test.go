package feed_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A proxy stands before an origin and does not hand on at once.
type proxy struct {
	http.Handler
	until func(written time.Time) time.Time // when something is handed on
}

func (p proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/stream") {
		p.Handler.ServeHTTP(w, r)
		return
	}
	d := &delayed{ResponseWriter: w, until: p.until, queue: make(chan parcel, 1<<16)}
	var wait sync.WaitGroup
	wait.Go(func() { d.deliver(r) })
	p.Handler.ServeHTTP(d, r)
	close(d.queue)
	wait.Wait()
}

type parcel struct {
	at   time.Time
	text []byte
}

type delayed struct {
	http.ResponseWriter
	until func(time.Time) time.Time
	queue chan parcel
}

func (d *delayed) Write(p []byte) (int, error) {
	d.queue <- parcel{d.until(time.Now()), bytes.Clone(p)}
	return len(p), nil
}

func (d *delayed) Flush() {}

// Unwrap hands the deadlines of a stream on.
func (d *delayed) Unwrap() http.ResponseWriter { return d.ResponseWriter }

func (d *delayed) deliver(r *http.Request) {
	for p := range d.queue {
		select {
		case <-time.After(time.Until(p.at)):
		case <-r.Context().Done():
			continue
		}
		d.ResponseWriter.Write(p.text)
		d.ResponseWriter.(http.Flusher).Flush()
	}
}

// What arrives late is old, even if it was late from the first word on.
func TestADelayIsNotMistakenForFreshness(t *testing.T) {
	for delay, want := range map[time.Duration]bool{0: false, 800 * time.Millisecond: false, 3 * time.Second: true, 4900 * time.Millisecond: true} {
		t.Run(delay.String(), func(t *testing.T) {
			evening(t, func(t *testing.T, s *site) {
				log := newBook()
				o := s.origin(log)
				stop := s.serve(proxy{o, func(at time.Time) time.Time { return at.Add(delay) }})
				defer stop()
				v := s.verifier()
				pass(20 * time.Second)
				log.append(ended("phone"))
				for range 100 {
					pass(100 * time.Millisecond)
					if v.stale() != want {
						t.Fatalf("stale: %v, with news that are %v old", v.stale(), delay)
					}
				}
				if !v.refuses("phone") {
					t.Error("a rule that came late is not in force")
				}
				v.stop()
			})
		})
	}
}

// A stream whose request was held up counts that against each of its words.
// When the line is quick again, it is measured again; a line that is always slow
// is left alone more and more.
func TestASlowGreetingDoesNotLast(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		o, slow := s.origin(newBook()), new(atomic.Bool)
		slow.Store(true)
		stop := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if slow.Load() && strings.HasSuffix(r.URL.Path, "/stream") {
				<-time.After(3 * time.Second)
			}
			o.ServeHTTP(w, r)
		}))
		defer stop()
		v := s.verifier()
		pass(4 * time.Second)
		slow.Store(false)
		if !v.stale() {
			t.Fatal("fresh, by words that were three seconds under way")
		}
		pass(4 * time.Second)
		if v.stale() {
			t.Errorf("the line is quick, and still it is stale: %+v", v.client.Stats())
		}
		slow.Store(true)
		pass(20 * time.Minute) // until a stream is opened that is slow
		before := v.client.Stats().Streams
		pass(40 * time.Minute)
		if n := v.client.Stats().Streams - before; n > 12 || !v.stale() {
			t.Errorf("%d streams in 40 minutes on a line that is always slow; stale %v", n, v.stale())
		}
		v.stop()
	})
}

// A proxy that begins to collect the answer hands on old words in one burst.
func TestABurstOfOldWordsIsOld(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log, buffering := newBook(), new(atomic.Bool)
		o := s.origin(log)
		stop := s.serve(proxy{o, func(at time.Time) time.Time {
			if buffering.Load() {
				return at.Truncate(10 * time.Second).Add(10 * time.Second)
			}
			return at
		}})
		defer stop()
		v := s.verifier()
		pass(30 * time.Second)
		if v.stale() {
			t.Fatal("stale before anything was wrong")
		}
		buffering.Store(true)
		pass(revocation.MaxStale + 100*time.Millisecond)
		fresh := 0
		for i := range 600 {
			log.append(ended(strconv.Itoa(i)))
			pass(100 * time.Millisecond)
			if v.stale() {
				continue
			}
			fresh++
			if due := i - int(revocation.MaxStale/(100*time.Millisecond)); due >= 0 && !v.refuses(strconv.Itoa(due)) {
				t.Fatalf("it calls itself fresh and lacks a rule of %v ago", revocation.MaxStale)
			}
		}
		// The end of each burst is young, for as long as it is young.
		if fresh == 0 || fresh > 6*20 {
			t.Errorf("of a minute behind a buffer, %d tenths of a second count as fresh", fresh)
		}
		buffering.Store(false)
		pass(10*time.Second + 2*time.Second)
		if v.stale() {
			t.Errorf("it does not recover: %+v", v.client.Stats())
		}
		v.stop()
	})
}

// A cache that answers with what it heard yesterday does not know the question.
func TestAReplayedStreamIsRefused(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook()
		o := s.origin(log)
		res := s.open("/revocation/v1/stream?after=1:0&nonce=yesterday")
		tape := make([]byte, 8<<10)
		pass(3 * time.Second)
		n, err := res.Body.Read(tape)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		stop := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/stream") {
				o.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write(tape[:n])
		}))
		defer stop()
		v := s.verifier()
		pass(10 * time.Second)
		if !v.stale() || !strings.Contains(v.client.Stats().Trouble, "the answer to another question") {
			t.Errorf("stale: %v, %+v", v.stale(), v.client.Stats())
		}
		v.stop()
	})
}

// A connection on which nothing comes any more is given up, though nobody closed it.
func TestABlackHoleIsLeft(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log, hole := newBook(), new(atomic.Bool)
		o := s.origin(log)
		stop := s.serve(proxy{o, func(at time.Time) time.Time {
			if hole.Load() {
				return at.Add(time.Hour)
			}
			return at
		}})
		defer stop()
		v := s.verifier()
		pass(10 * time.Second)
		hole.Store(true)
		pass(time.Second)
		hole.Store(false) // only this one connection is lost; nothing overtakes on it
		log.append(ended("phone"))
		pass(3 * time.Second)
		if v.stale() || !v.refuses("phone") {
			t.Errorf("got %+v", v.client.Stats())
		}
		v.stop()
	})
}

// A script is an origin that says whatever a test wants.
type script struct {
	document string
	snapshot []byte
	words    func(w io.Writer, nonce string)
}

func (p script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	say := func(kind string, text []byte) {
		w.Header().Set("Content-Type", kind)
		w.Write(text)
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/.well-known/"):
		say("application/json; charset=utf-8", []byte(p.document))
	case r.URL.Path == "/snapshot":
		say("application/x-ndjson", p.snapshot)
	default:
		w.Header().Set("Content-Type", "text/event-stream")
		p.words(w, r.FormValue("nonce"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

const (
	goodDocument = `{"v":1,"issuer":"` + issuer + `","stream":"../stream","snapshot":"../snapshot","new":"members may come"}`
	goodSnapshot = `{"v":1,"issuer":"` + issuer + `","cursor":"1:5"}` + "\n" + `{"s":2,"k":"sid","id":"phone","a":"revoke"}` + "\n" + `{"end":1}` + "\n"
)

func greeting(w io.Writer, nonce string) {
	fmt.Fprintf(w, "event: hello\ndata: {\"v\":1,\"issuer\":%q,\"boot\":\"B\",\"now\":1000000000000,\"nonce\":%q,\"beat_ms\":500}\n\n", issuer, nonce)
}

// saying is an origin that greets as it should, then says words.
func saying(words ...string) script {
	return script{goodDocument, []byte(goodSnapshot), func(w io.Writer, nonce string) {
		greeting(w, nonce)
		for _, word := range words {
			io.WriteString(w, word+"\n\n")
		}
	}}
}

func (s *site) hears(p script, test func(v *verifier)) {
	s.t.Helper()
	stop := s.serve(p)
	defer stop()
	v := s.verifier()
	test(v)
	v.stop()
}

// The stopwatch may stand anywhere, and comments and new members are no trouble.
func TestAnyStopwatchWillDo(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.hears(saying(": a comment\nretry: 5\nid:1:7\ndata:{\"boot\":\"B\",\"t\":1000000000000,\"new\":1,\r\ndata: \"e\":[{\"s\":7,\"k\":\"sid\",\"id\":\"tablet\",\"a\":\"revoke\",\"new\":{}}]}"), func(v *verifier) {
			if v.stale() || !v.refuses("phone") || !v.refuses("tablet") || v.Cursor() != (revocation.Cursor{Epoch: 1, Seq: 7}) {
				t.Errorf("got %+v %+v", v.Stats(), v.client.Stats())
			}
			if heard := v.Stats().Heard; !heard.Equal(time.Now()) {
				t.Errorf("heard at %v, it is %v", heard, time.Now())
			}
		})
		// A stopwatch that runs ahead of its own greeting gives no credit.
		s.hears(saying("id: 1:5\ndata: {\"boot\":\"B\",\"t\":1000003600000,\"e\":[]}"), func(v *verifier) {
			if v.stale() {
				t.Error("it is stale at once")
			}
			pass(revocation.MaxStale + time.Millisecond)
			if !v.stale() {
				t.Error("an hour of freshness on credit")
			}
		})
	})
}

func TestWhatIsNoFeedIsNotFollowed(t *testing.T) {
	entry := `{"s":%d,"k":"sid","id":"x","a":"revoke"}`
	said := func(id, data string) script { return saying("id: " + id + "\ndata: " + data) }
	greeted := func(text string) script {
		p := saying()
		p.words = func(w io.Writer, nonce string) { io.WriteString(w, strings.ReplaceAll(text, "NONCE", nonce)+"\n\n") }
		return p
	}
	document := func(text string) script { p := saying(); p.document = text; return p }
	snapshot := func(text string) script { p := saying(); p.snapshot = []byte(text); return p }
	packed := func(text string) string {
		var b bytes.Buffer
		zip := gzip.NewWriter(&b)
		io.WriteString(zip, text)
		zip.Close()
		return b.String()
	}
	for name, c := range map[string]struct {
		script script
		want   string
	}{
		"a word of another boot":              {said("1:5", `{"boot":"C","t":1000000000000,"e":[]}`), "another origin speaks"},
		"rules out of order":                  {said("1:8", fmt.Sprintf(`{"boot":"B","t":1000000000000,"e":[`+entry+","+entry+`]}`, 7, 6)), "rules out of order"},
		"a rule that was read before":         {said("1:8", fmt.Sprintf(`{"boot":"B","t":1000000000000,"e":[`+entry+`]}`, 5)), "rules out of order"},
		"a cursor before its rules":           {said("1:6", fmt.Sprintf(`{"boot":"B","t":1000000000000,"e":[`+entry+`]}`, 7)), "a cursor that does not follow"},
		"a cursor that goes back":             {said("1:4", `{"boot":"B","t":1000000000000,"e":[]}`), "a cursor that does not follow"},
		"a cursor of another epoch":           {said("2:0", `{"boot":"B","t":1000000000000,"e":[]}`), "a cursor that does not follow"},
		"no cursor":                           {saying(`data: {"boot":"B","t":1000000000000,"e":[]}`), "not a cursor"},
		"no JSON":                             {said("1:5", `{"boot":`), "not the JSON of this version"},
		"a member twice":                      {said("1:5", `{"boot":"C","boot":"B","t":1000000000000,"e":[]}`), "not the JSON of this version"},
		"a rule whose before is no cursor":    {said("1:6", `{"boot":"B","t":1000000000000,"e":[{"s":6,"k":"sub","id":"x","a":"revoke","b":"6"}]}`), "not a cursor"},
		"a second greeting":                   {saying("event: hello\ndata: {}"), "another kind than expected"},
		"a word before the greeting":          {greeted(`id: 1:5` + "\n" + `data: {"boot":"","t":1,"e":[]}`), "another kind than expected"},
		"a greeting without a boot":           {greeted(`event: hello` + "\n" + `data: {"v":1,"issuer":"` + issuer + `","nonce":"NONCE","now":1}`), "another question"},
		"a stopwatch before zero":             {greeted(`event: hello` + "\n" + `data: {"v":1,"issuer":"` + issuer + `","nonce":"NONCE","boot":"B","now":-9000}`), "another question"},
		"a greeting of version 2":             {greeted(`event: hello` + "\n" + `data: {"v":2,"issuer":"` + issuer + `","nonce":"NONCE","boot":"B"}`), "version 2 of the format"},
		"the stream of another issuer":        {greeted(`event: hello` + "\n" + `data: {"v":1,"issuer":"https://evil.example","nonce":"NONCE","boot":"B"}`), "another issuer"},
		"a line without an end":               {said("1:5", strings.Repeat("x", 2<<20)), "token too long"},
		"a document of version 2":             {document(strings.Replace(goodDocument, `"v":1`, `"v":2`, 1)), "version 2 of the format"},
		"the document of another issuer":      {document(strings.Replace(goodDocument, "id.example", "evil.example", 1)), "another issuer"},
		"a snapshot of version 2":             {snapshot(strings.Replace(goodSnapshot, `"v":1`, `"v":2`, 1)), "version 2 of the format"},
		"the snapshot of another issuer":      {snapshot(strings.Replace(goodSnapshot, "id.example", "evil.example", 1)), "another issuer"},
		"a snapshot cut short":                {snapshot(strings.TrimSuffix(goodSnapshot, "{\"end\":1}\n")), "unexpected EOF"},
		"a packed snapshot cut short":         {snapshot(packed(goodSnapshot)[:60]), "not the JSON"},
		"a snapshot that lacks a rule":        {snapshot(strings.Replace(goodSnapshot, `{"end":1}`, `{"end":2}`, 1)), "announces another number"},
		"an empty snapshot":                   {snapshot(""), "unexpected EOF"},
		"a snapshot that is not what it says": {snapshot("\x1f\x8bnonsense"), "not gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			evening(t, func(t *testing.T, s *site) {
				s.hears(c.script, func(v *verifier) {
					pass(revocation.MaxStale + 500*time.Millisecond)
					if !v.stale() || !strings.Contains(v.client.Stats().Trouble, c.want) {
						t.Errorf("stale: %v, trouble: %s, want %s", v.stale(), v.client.Stats().Trouble, c.want)
					}
				})
			})
		})
	}
}

// The hole that the tests above must not have: the same script without a fault is followed.
func TestTheScriptIsAFeed(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		s.hears(saying("id: 1:5\ndata: {\"boot\":\"B\",\"t\":1000000000000,\"e\":[]}"), func(v *verifier) {
			if v.stale() || !v.refuses("phone") || v.client.Stats() != (feed.ClientStats{Connected: true, Streams: 1, Snapshots: 1}) {
				t.Errorf("got %+v", v.client.Stats())
			}
		})
		synctest.Wait()
	})
}
