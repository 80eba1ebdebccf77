package feed

import (
	"context"
	"errors"
	"slices"
	"sort"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jotkeeper/jotkeeper/revocation"
)

const (
	breath  = 5 * time.Millisecond  // after a Wait that woke for nothing, and between two words of a flood
	flood   = 4                     // words in a row, less than a breath apart, that are none yet
	backoff = 50 * time.Millisecond // after the first failure, then doubled
	maxWait = time.Second           // between two attempts at most
)

// A hub is the one reader of the source. It keeps the latest entries, encoded
// once for all followers, and wakes them. It knows no follower, so none can
// hold it up.
type hub struct {
	src       revocation.Source
	beat      time.Duration
	tail      int           // entries kept at most
	retention time.Duration // and for how long
	boot      string        // names the stopwatch
	began     time.Time     // when it stood at zero

	short  bool              // the source does not go back as far as the tail
	hinted bool              // the last Wait said that there may be more
	least  revocation.Cursor // the source's head when reading began

	mu    sync.Mutex
	ready bool              // all that the source had at the start has been read
	floor revocation.Cursor // every entry after floor is in lines
	head  revocation.Cursor
	lines []line
	asOf  time.Duration // the source held nothing more at this time of the stopwatch
	wake  chan struct{} // closed at the next change

	row int // words with news, each less than a breath after the one before
}

// A line is an encoded entry.
type line struct {
	seq   uint64
	at    time.Duration // when it was read: what a rule says of its time may be anything
	text  []byte
	frame []byte
}

// A slice is what a follower has not seen yet, or the beginning of that.
type slice struct {
	lines []line
	to    revocation.Cursor // the cursor after them
	whole bool              // they are all there is
	asOf  time.Duration     // if whole
	more  <-chan struct{}   // closed when there may be more
}

func (h *hub) stopwatch() time.Duration { return time.Since(h.began) }

// run reads until ctx ends.
func (h *hub) run(ctx context.Context) {
	defer h.set(func() { h.ready = false })
	pause := time.Duration(0)
	for ctx.Err() == nil {
		if err := h.round(ctx); err != nil {
			pause = min(max(2*pause, backoff), maxWait)
			sleep(ctx, pause)
			continue
		}
		pause = 0
	}
}

// set changes what followers see, and wakes them.
func (h *hub) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	close(h.wake)
	h.wake = make(chan struct{})
}

// round reads once; when there is nothing more it waits for more, for a beat at
// the longest, since Wait is only a hint.
func (h *hub) round(ctx context.Context) error {
	at := h.stopwatch()
	if h.head == (revocation.Cursor{}) {
		if err := h.start(ctx); err != nil {
			return err
		}
	}
	entries, err := h.src.Read(ctx, h.head, page)
	if errors.Is(err, revocation.ErrSnapshotRequired) {
		// Another epoch, or a backup: nobody can go on from what is here. A source
		// that refuses where we have just begun keeps less than our tail.
		h.short = !h.ready
		h.set(func() { h.ready, h.head, h.lines = false, revocation.Cursor{}, nil })
	}
	if err == nil {
		err = h.publish(entries, at)
	}
	if err != nil || len(entries) == page {
		return err
	}
	if err := h.wait(ctx, len(entries) == 0); err != nil {
		return err
	}
	h.gather(ctx, at, len(entries) > 0)
	return nil
}

// gather lets a flood come together, lest every follower is woken for each of its
// rules. The first few go out at once, so a lone revocation loses no time.
func (h *hub) gather(ctx context.Context, at time.Duration, news bool) {
	since := h.stopwatch() - at
	if !news || since >= breath {
		h.row = 0
	} else if h.row++; h.row >= flood {
		sleep(ctx, breath-since)
	}
}

// start goes back from the head as far as the tail reaches, so that those who
// followed before a restart go on without a snapshot.
func (h *hub) start(ctx context.Context) error {
	head, err := h.src.Head(ctx)
	if err != nil {
		return err
	}
	h.least = head
	if !h.short {
		head.Seq -= min(head.Seq, uint64(h.tail))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.floor, h.head = head, head
	return nil
}

// publish makes entries known. Without entries it is a beat, given only when one is due.
func (h *hub) publish(entries []revocation.Entry, at time.Duration) error {
	lines, head, err := h.encode(entries, at)
	if err != nil {
		return err
	}
	whole := len(entries) < page
	if whole && head.Before(h.least) {
		head = h.least // the last rules have been compacted: nothing will come in their place
	}
	if len(entries) == 0 && h.ready && at-h.asOf < h.beat {
		return nil
	}
	h.set(func() {
		h.lines, h.head = append(h.lines, lines...), head
		h.trim(at - h.retention)
		if whole {
			h.ready, h.asOf = true, at
		}
	})
	return nil
}

// encode writes each entry once for all followers.
func (h *hub) encode(entries []revocation.Entry, at time.Duration) (lines []line, head revocation.Cursor, err error) {
	head = h.head
	for _, e := range entries {
		if e.Cursor.Epoch != head.Epoch || e.Cursor.Seq <= head.Seq {
			return nil, head, errDisorder
		}
		head = e.Cursor
		if !utf8.ValidString(e.Rule.ID) {
			continue // no claim of any token is equal to it: JSON has no such string
		}
		text, err := encode(e)
		if err != nil {
			return nil, head, err
		}
		lines = append(lines, line{e.Cursor.Seq, at, text, frameOf(entryOf(e), e.Rule.Before)})
	}
	return lines, head, nil
}

var errDisorder = errors.New("feed: the source answered out of order")

// trim keeps what is young enough, and not too many of it.
func (h *hub) trim(oldest time.Duration) {
	cut := max(0, len(h.lines)-h.tail)
	for cut < len(h.lines) && h.lines[cut].at < oldest {
		cut++
	}
	if cut > 0 {
		h.floor.Seq = h.lines[cut-1].seq
		h.lines = h.lines[cut:]
	}
}

// wait returns when there may be more to read, or a beat is due.
func (h *hub) wait(ctx context.Context, idle bool) error {
	due, cancel := context.WithTimeout(ctx, h.beat-min(h.beat, h.stopwatch()-h.asOf))
	defer cancel()
	if idle && h.hinted {
		sleep(due, breath)
	}
	err := h.src.Wait(due, h.head)
	if h.hinted = err == nil; due.Err() != nil {
		return nil
	}
	return err
}

// after returns what follows on a cursor. An end of the tail, another epoch and
// a place ahead of the head are ErrSnapshotRequired: what is there is not known.
func (h *hub) after(c revocation.Cursor, limit int) (slice, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.alive():
		return slice{}, ErrUnavailable
	case c.Epoch != h.head.Epoch || c.Seq > h.head.Seq || c.Seq < h.floor.Seq:
		return slice{}, revocation.ErrSnapshotRequired
	}
	i := sort.Search(len(h.lines), func(i int) bool { return h.lines[i].seq > c.Seq })
	s := slice{lines: slices.Clip(h.lines[i:]), to: h.head, whole: true, asOf: h.asOf, more: h.wake}
	if n := fits(s.lines, limit); n < len(s.lines) {
		s.lines, s.whole = s.lines[:n], false
		s.to.Seq = s.lines[n-1].seq
	}
	return s, nil
}

// alive tells whether the source answers: who asks a hub that cannot know is
// better sent away than told old news. Between two beats it may know nothing new.
func (h *hub) alive() bool {
	return h.ready && h.stopwatch()-h.asOf <= max(revocation.MaxStale, 2*h.beat)
}

// fits returns how many lines make one word.
func fits(lines []line, limit int) int {
	size := 0
	for i, l := range lines {
		if size += len(l.text) + 1; i == limit || i > 0 && size > maxWord {
			return i
		}
	}
	return len(lines)
}

// position returns the head, and false while there is none to speak of.
func (h *hub) position() (revocation.Cursor, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.head, h.alive()
}

// watch tells whether the hub knows anything, and wakes at the next change.
func (h *hub) watch() (alive bool, more <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.alive(), h.wake
}

// covers tells whether a follower may go on from a cursor.
func (h *hub) covers(c revocation.Cursor) bool {
	_, err := h.after(c, 1)
	return err == nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
