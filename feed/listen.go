package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	lost   error // what was not understood: nothing after it counts as caught up

	event string // of the event that is being read
	id    string
	data  []byte
}

// stream follows one stream to its end.
func (f *follower) stream(ctx context.Context) error {
	l := &listener{follower: f, nonce: newNonce(), cursor: f.index.Cursor()}
	query := url.Values{"after": {l.cursor.String()}, "nonce": {l.nonce}}
	header := f.credential()
	header.Set("Accept", streamType)
	var err error
	if l.in, err = f.ask(ctx, f.doc.Stream, streamType, query, header); err != nil {
		return err
	}
	defer l.in.close()
	f.c.streams.Add(1)
	in := lines(l.in)
	for in.Scan() {
		if err := l.line(in.Bytes()); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	if l.boot == "" {
		return errors.Join(ErrProtocol, errOver)
	}
	return errors.Join(l.lost, errOver)
}

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
		l.data = append(l.data, value...)
	}
	return nil
}

func (l *listener) dispatch(event, id string, data []byte) error {
	switch {
	case event == "hello" && l.boot == "":
		return l.greeted(data)
	case event != "" || l.boot == "":
		return fmt.Errorf("%w: an event of another kind than expected", ErrProtocol)
	}
	return l.told(id, data)
}

// greeted sets the stopwatch. The origin read it after our request had left, so
// its zero, seen from here, is no earlier than what is computed; whatever delayed
// the answer only makes the news look older than they are.
func (l *listener) greeted(data []byte) error {
	var h hello
	if err := read(data, &h); err != nil {
		return err
	}
	if err := l.agrees(h.Version, h.Issuer); err != nil {
		return err
	}
	if h.Nonce != l.nonce || h.Boot == "" || h.Now < 0 {
		return fmt.Errorf("%w: the answer to another question, perhaps out of a cache", ErrProtocol)
	}
	l.boot, l.zero = h.Boot, l.in.sent.Add(-time.Duration(h.Now)*time.Millisecond)
	if beat := time.Duration(h.Beat) * time.Millisecond; beat > 0 && beat <= revocation.MaxStale {
		l.in.limit = max(beats*beat, time.Second)
	}
	return nil
}

// told merges a word. Freshness needs all of it understood, and the origin's
// claim that it is all there was.
func (l *listener) told(id string, data []byte) error {
	var w word
	if err := read(data, &w); err != nil {
		return err
	}
	if w.Boot != l.boot {
		return fmt.Errorf("%w: another origin speaks in the middle of a stream", ErrProtocol)
	}
	entries, to, err := l.follows(id, w.Entries)
	if err != nil {
		return err
	}
	if err := l.apply(entries); err != nil {
		l.lost = err
		l.c.note(plainly(err))
	}
	l.cursor = to
	if l.lost != nil {
		return nil // what comes is merged, and the index grows stale
	}
	l.index.Reached(to)
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
func (l *listener) follows(id string, in []entry) ([]revocation.Entry, revocation.Cursor, error) {
	to, err := revocation.ParseCursor(id)
	if err != nil {
		return nil, to, err
	}
	at := l.cursor
	list := make([]revocation.Entry, 0, len(in))
	for _, e := range in {
		rule, err := e.rule(to.Epoch)
		if err != nil {
			return nil, to, err
		}
		if !at.Before(rule.Cursor) {
			return nil, to, fmt.Errorf("%w: rules out of order", ErrProtocol)
		}
		at = rule.Cursor
		list = append(list, rule)
	}
	if to.Epoch != l.cursor.Epoch || to.Before(at) {
		return nil, to, fmt.Errorf("%w: a cursor that does not follow", ErrProtocol)
	}
	return list, to, nil
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
