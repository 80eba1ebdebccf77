package feed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// beats is how many beats of silence end a stream.
const beats = 4

// remeasure is how long a stream may go on whose words come too late to be
// news. Each time in a row that it did not help the next is given twice as long.
const remeasure = 5 * time.Second

var errLate = errors.New("feed: every word came late; a new stream measures again")

// A listener is the follower of one stream.
type listener struct {
	*follower
	in     *inquiry
	nonce  string
	boot   string
	zero   time.Time // no later than the zero of the origin's stopwatch
	cursor revocation.Cursor
	acker  *acker
	lost   error // what was not understood: nothing after it counts as caught up

	event string // of the event that is being read
	id    string
	data  []byte
}

// stream follows one stream to its end.
func (f *follower) stream(ctx context.Context) error {
	l := &listener{follower: f, nonce: newNonce(), cursor: f.index.Cursor()}
	query := url.Values{"after": {l.cursor.String()}, "nonce": {l.nonce}, "follower": {f.c.id}}
	header := f.credential()
	header.Set("Accept", framesType+", "+streamType+";q=0.5")
	var err error
	if l.in, err = f.ask(ctx, f.doc.Stream, query, header, framesType, streamType); err != nil {
		return err
	}
	defer l.in.close()
	f.c.streams.Add(1)
	defer l.acknowledge()()
	if l.in.kind == framesType {
		err = l.frames(bufio.NewReader(l.in))
	} else {
		err = l.events(lines(l.in))
	}
	if err != nil {
		return err
	}
	if l.boot == "" {
		return errors.Join(ErrProtocol, errOver)
	}
	return errors.Join(l.lost, errOver)
}

// acknowledge tells the origin what is in force here, until stop.
func (l *listener) acknowledge() (stop func()) {
	l.acker = &acker{f: l.follower, place: l.doc.Acks, news: make(chan revocation.Cursor, 1)}
	if l.doc.Acks == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(l.in.ctx)
	done := make(chan struct{})
	go func() { defer close(done); l.acker.run(ctx) }()
	return func() { cancel(); <-done }
}

// events reads server-sent events to their end.
func (l *listener) events(in *bufio.Scanner) error {
	for in.Scan() {
		if err := l.line(in.Bytes()); err != nil {
			return err
		}
	}
	return in.Err()
}

// frames reads frames to their end.
func (l *listener) frames(in io.Reader) error {
	for {
		kind, body, err := readFrame(in)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil && kind == helloFrame && l.boot == "":
			var h hello
			if h, err = parseHello(body); err == nil {
				err = l.greeted(h)
			}
		case err == nil && kind == wordFrame && l.boot != "":
			var to revocation.Cursor
			var w word
			if to, w, err = parseWord(body); err == nil {
				err = l.told(to, w)
			}
		case err == nil:
			err = errUnexpected
		}
		if err != nil {
			return err
		}
	}
}

var errEndless = fmt.Errorf("%w: an event longer than %d bytes", ErrProtocol, maxLine)

var errUnexpected = fmt.Errorf("%w: an event of another kind than expected", ErrProtocol)

// line reads one line of server-sent events (HTML Standard §9.2.6). Comments and
// unknown fields are left out.
func (l *listener) line(text []byte) error {
	if len(text) == 0 {
		event, id, data := l.event, l.id, l.data
		l.event, l.id, l.data = "", "", l.data[:0]
		if event == "" && id == "" && len(data) == 0 {
			return nil
		}
		return l.dispatch(event, id, data)
	}
	name, value, _ := bytes.Cut(text, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		l.event = string(value)
	case "id":
		l.id = string(value)
	case "data":
		if l.data = append(l.data, value...); len(l.data) > maxLine {
			return errEndless
		}
	}
	return nil
}

func (l *listener) dispatch(event, id string, data []byte) error {
	switch {
	case event == "hello" && l.boot == "":
		var h hello
		if err := read(data, &h); err != nil {
			return err
		}
		return l.greeted(h)
	case event != "" || l.boot == "":
		return errUnexpected
	}
	var w word
	if err := read(data, &w); err != nil {
		return err
	}
	to, err := revocation.ParseCursor(id)
	if err != nil {
		return err
	}
	return l.told(to, w)
}

// greeted sets the stopwatch. The origin read it after our request had left, so
// its zero, seen from here, is no earlier than what is computed; whatever delayed
// the answer only makes the news look older than they are.
func (l *listener) greeted(h hello) error {
	if err := l.agrees(h.Version, h.Issuer); err != nil {
		return err
	}
	if h.Nonce != l.nonce || h.Boot == "" || h.Now < 0 {
		return fmt.Errorf("%w: the answer to another question, perhaps out of a cache", ErrProtocol)
	}
	l.boot, l.zero = h.Boot, l.in.sent.Add(-time.Duration(h.Now)*time.Millisecond)
	if beat := time.Duration(h.Beat) * time.Millisecond; beat > 0 && beat <= maxStale/2 {
		l.in.limit = max(beats*beat, time.Second)
		l.in.watch.Reset(l.in.limit) // what came with the greeting was read under the longer one
	}
	return nil
}

// told merges a word. Freshness needs all of it understood, and the origin's
// claim that it is all there was.
func (l *listener) told(to revocation.Cursor, w word) error {
	if w.Boot != l.boot {
		return fmt.Errorf("%w: another origin speaks in the middle of a stream", ErrProtocol)
	}
	entries, err := l.follows(to, w.Entries)
	if err != nil {
		return err
	}
	if err := l.apply(entries, false); err != nil {
		l.lost = err
		l.c.note(plainly(err))
	}
	further := l.cursor.Before(to)
	l.cursor = to
	if l.lost != nil {
		return nil // what comes is merged, and the index grows stale
	}
	l.index.Reached(to)
	if further {
		l.acker.tell(to)
	}
	if w.AsOf != nil {
		l.fresh(time.Duration(*w.AsOf) * time.Millisecond)
	}
	l.tidy(time.Now())
	if l.cold {
		return errors.New("feed: the clock was set back; everything is read again")
	}
	return l.measured(time.Now())
}

// measured leaves a stream whose every word is old news when it comes. What made
// its greeting late counts against each word for as long as the stream lasts; a
// new stream measures again. On a line that is always so slow it does less and less often.
func (l *listener) measured(now time.Time) error {
	switch {
	case now.Sub(l.heard) <= minStale: // whoever follows calls nothing stale that is younger
		l.patience = remeasure
	case now.Sub(l.in.sent) >= l.patience:
		l.patience = min(2*l.patience, streamLife)
		return errLate
	}
	return nil
}

// follows reads the entries of a word and holds its order against the cursor.
func (l *listener) follows(to revocation.Cursor, in []entry) ([]revocation.Entry, error) {
	at := l.cursor
	list := make([]revocation.Entry, 0, len(in))
	for _, e := range in {
		rule, err := e.rule(to.Epoch)
		if err != nil {
			return nil, err
		}
		if !at.Before(rule.Cursor) {
			return nil, fmt.Errorf("%w: rules out of order", ErrProtocol)
		}
		at = rule.Cursor
		list = append(list, rule)
	}
	if to.Epoch != l.cursor.Epoch || to.Before(at) {
		return nil, fmt.Errorf("%w: a cursor that does not follow", ErrProtocol)
	}
	return list, nil
}

// fresh moves the index's last word forward, never back and never ahead of now.
func (l *listener) fresh(asOf time.Duration) {
	at := l.zero.Add(asOf)
	if now := time.Now(); at.After(now) {
		at = now
	}
	if at.After(l.heard) {
		l.heard = at
		l.index.Heard(at)
	}
	if !l.c.connected.Swap(true) {
		l.c.note("")
	}
}
