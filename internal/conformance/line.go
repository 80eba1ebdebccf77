package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

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
	if l.run != o.run || o.over {
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
