package conformance

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
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
	here, elsewhere    *httptest.Server

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
	o.here = httptest.NewServer(mux)
	o.elsewhere = httptest.NewServer(http.HandlerFunc(o.astray))
	return o, nil
}

func (o *origin) close() {
	o.cut()
	for _, s := range []*httptest.Server{o.here, o.elsewhere} {
		s.CloseClientConnections()
		s.Close()
	}
}

func (o *origin) url() string { return o.here.URL }

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
		members[name] = json.RawMessage(strings.ReplaceAll(string(text), "ELSEWHERE", o.elsewhere.URL))
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
		http.Redirect(w, r, o.elsewhere.URL+"/stream", http.StatusFound)
	case !ok:
		problem(w, http.StatusGone, "snapshot_required")
	default:
		l.speak(r.Context(), nonce)
	}
}

// A line is one open stream.
type line struct {
	o         *origin
	w         http.ResponseWriter
	run, next int
}

func (l *line) speak(ctx context.Context, nonce string) {
	l.w.Header().Set("Content-Type", "text/event-stream")
	l.w.WriteHeader(http.StatusOK)
	text, mood := l.hello(nonce)
	l.say(text, mood)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for ctx.Err() == nil {
		text, mood, changed, over := l.word()
		if over {
			return
		}
		l.say(text, mood)
		select {
		case <-tick.C:
		case <-changed:
		case <-ctx.Done():
		}
	}
}

func (l *line) hello(nonce string) (string, step) {
	o := l.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mood.Replay {
		nonce = "recorded"
	}
	return fmt.Sprintf("event: hello\ndata: {\"v\":1,\"issuer\":%q,\"boot\":%q,\"now\":%d,\"nonce\":%q,\"beat_ms\":%d}\n\n",
		o.issuer, o.boot, o.clock(), nonce, beat.Milliseconds()), o.mood
}

// clock is the stopwatch, in milliseconds. It began a day ago, so that what is
// late is not before its zero.
func (o *origin) clock() int64 { return time.Since(o.zero).Milliseconds() + 86_400_000 }

// word returns what there is to say now.
func (l *line) word() (text string, mood step, changed <-chan struct{}, over bool) {
	o := l.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.run != o.run {
		return "", o.mood, nil, true
	}
	if o.mood.Silent {
		return "", o.mood, o.changed, false
	}
	var entries []string
	for ; l.next < len(o.words); l.next++ {
		entries = append(entries, o.words[l.next].entries...)
	}
	t := `"t":` + strconv.FormatInt(o.clock()-o.mood.Late, 10) + `,`
	if o.mood.Partial {
		t = ""
	}
	text = fmt.Sprintf("id: %s\ndata: {\"boot\":%q,%s\"e\":[%s]}\n\n", o.head, o.boot, t, strings.Join(entries, ","))
	return text, o.mood, o.changed, false
}

// say writes an event, in the spelling of the moment.
func (l *line) say(text string, mood step) {
	flush := http.NewResponseController(l.w).Flush
	if !mood.Spell {
		_, _ = l.w.Write([]byte(text))
		_ = flush()
		return
	}
	text = ": a comment\r\n" + strings.ReplaceAll(text, "\n", "\r\n")
	for i := range len(text) {
		_, _ = l.w.Write([]byte{text[i]})
		_ = flush()
	}
}
