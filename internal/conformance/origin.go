package conformance

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	beat     = 100 * time.Millisecond
	maxStale = time.Second // the shortest that a document may say
)

// An origin serves a scripted feed on this machine. It demands its credential
// of whoever follows.
type origin struct {
	issuer, credential string
	here, elsewhere    *site

	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, at each change
	began   beginning
	boot    string
	zero    time.Time
	head    string
	words   []word // since the beginning of the log
	mood    step   // what was last said of silence, spelling, lateness
	run     int    // streams of an earlier one end
	asked   map[string]int
	stray   string
	over    bool
}

// A word is what an append wrote.
type word struct {
	cursor  string
	entries []string
}

func newOrigin(issuer string, b beginning) (*origin, error) {
	o := &origin{issuer: issuer, credential: rand.Text(), changed: make(chan struct{}), asked: map[string]int{}}
	o.begin(b)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/revocation-feed", o.document)
	mux.HandleFunc("GET /revocation/v1/stream", o.guarded("stream", o.stream))
	mux.HandleFunc("GET /revocation/v1/snapshot", o.guarded("snapshot", o.snapshot))
	mux.HandleFunc("GET /revocation/v1/events", o.guarded("events", http.NotFound))
	var err, also error
	o.elsewhere, err = open(http.HandlerFunc(o.astray))
	o.here, also = open(mux)
	return o, errors.Join(err, also)
}

func (o *origin) close() {
	o.edit(func() { o.over = true }) // ends the streams, and those that begin now
	o.here.close()
	o.elsewhere.close()
}

func (o *origin) url() string { return o.here.url }

// A site is a listener on a free port of this machine.
type site struct {
	server *http.Server
	url    string
}

func open(h http.Handler) (*site, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{&http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}, "http://" + l.Addr().String()}
	go s.server.Serve(l)
	return s, nil
}

func (s *site) close() {
	if s != nil {
		s.server.Close()
	}
}

// edit changes the origin and tells every stream.
func (o *origin) edit(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *origin) begin(b beginning) {
	o.began, o.head, o.words = b, b.Cursor, nil
	o.boot, o.zero = rand.Text(), time.Now()
	o.run++
}

func (o *origin) restore(b beginning) { o.edit(func() { o.begin(b) }) }
func (o *origin) cut()                { o.edit(func() { o.run++ }) }
func (o *origin) change(s step) {
	o.edit(func() {
		if s.Speak {
			o.mood = step{}
			return
		}
		o.mood = s
	})
}

func (o *origin) append(cursor string, entries []string) {
	o.edit(func() { o.words, o.head = append(o.words, word{cursor, entries}), cursor })
}

// seen waits until a place was asked for so many more times.
func (o *origin) seen(ctx context.Context, place string, times int, patience time.Duration) *Failure {
	guard := time.NewTimer(patience)
	defer guard.Stop()
	o.mu.Lock()
	goal := o.asked[place] + times
	o.mu.Unlock()
	for {
		o.mu.Lock()
		count, changed := o.asked[place], o.changed
		o.mu.Unlock()
		if count >= goal {
			return nil
		}
		select {
		case <-changed:
		case <-guard.C:
			return &Failure{Class: Another, Want: fmt.Sprintf("%d requests for the %s", times, place),
				Got: fmt.Sprintf("%d within %v", times-(goal-count), patience), Try: "after trouble the origin is asked again, at least once a second, without end"}
		case <-ctx.Done():
			return unanswered(ctx.Err().Error(), "")
		}
	}
}

func (o *origin) strayed() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stray
}

// astray notes a request that the credential must not have gone with.
func (o *origin) astray(w http.ResponseWriter, r *http.Request) {
	o.edit(func() { o.stray = r.Method + " " + r.URL.Path + " on another port" })
	w.WriteHeader(http.StatusTeapot)
}

func (o *origin) count(place string) { o.edit(func() { o.asked[place]++ }) }

func (o *origin) guarded(place string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o.count(place)
		if r.Header.Get("Authorization") != "Bearer "+o.credential {
			problem(w, http.StatusUnauthorized, "feed_credential")
			return
		}
		next(w, r)
	}
}

func problem(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"status":%d,"code":%q}`, status, code)
}

func (o *origin) document(w http.ResponseWriter, _ *http.Request) {
	o.count("document")
	members := map[string]any{
		"v": 1, "issuer": o.issuer, "stream": "/revocation/v1/stream", "events": "/revocation/v1/events", "snapshot": "/revocation/v1/snapshot",
		"formats": []string{"text/event-stream", "application/json"}, "beat_ms": beat.Milliseconds(), "max_stale_ms": maxStale.Milliseconds(), "retention_s": 3600,
	}
	o.mu.Lock()
	for name, text := range o.began.Document {
		members[name] = json.RawMessage(strings.ReplaceAll(string(text), "ELSEWHERE", o.elsewhere.url))
	}
	o.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(members)
}

func (o *origin) snapshot(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.began.Rules
	for _, word := range o.words {
		lines = append(lines[:len(lines):len(lines)], word.entries...)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	fmt.Fprintf(w, "{\"v\":1,\"issuer\":%q,\"cursor\":%q}\n", o.issuer, o.head)
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
	if !o.began.Short {
		fmt.Fprintf(w, "{\"end\":%d}\n", len(lines))
	}
}

// after returns how many words a follower at a cursor has had, false if the log
// cannot go on from there.
func (o *origin) after(cursor string) (int, bool) {
	if cursor == o.began.Cursor {
		return 0, true
	}
	for i, w := range o.words {
		if cursor == w.cursor {
			return i + 1, true
		}
	}
	return 0, false
}

func (o *origin) stream(w http.ResponseWriter, r *http.Request) {
	cursor, nonce := r.URL.Query().Get("after"), r.URL.Query().Get("nonce")
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		cursor = id
	}
	o.mu.Lock()
	next, ok := o.after(cursor)
	l := line{o: o, w: w, run: o.run, next: next}
	redirect := o.began.Redirect
	o.mu.Unlock()
	switch {
	case redirect:
		http.Redirect(w, r, o.elsewhere.url+"/stream", http.StatusFound)
	case !ok:
		problem(w, http.StatusGone, "snapshot_required")
	default:
		l.speak(r.Context(), nonce)
	}
}
