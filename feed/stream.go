package feed

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/revocation"
)

const (
	patience   = 10 * time.Second // how long one write may take
	streamLife = 10 * time.Minute // then the credential is looked at again
	longPoll   = 25               // seconds at most
)

var errBadParameter = errors.New("feed: a parameter is out of bounds")

// stream holds a request open and sends what comes, as server-sent events or in frames.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, grant Grant) {
	cursor, err := cursorOf(r)
	if err == nil {
		err = h.enter()
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	defer h.leave()
	s := &stream{h: h, w: w, r: r, rc: http.NewResponseController(w), cursor: cursor, frames: accepts(r, "Accept", framesType)}
	next, err := h.hub.after(cursor, page)
	nonce, follower := parameter(r, "nonce"), parameter(r, "follower")
	if err == nil && !(plain(nonce) && plain(follower)) {
		err = errBadParameter
	}
	credential, berr := bearer(r)
	if err = errors.Join(err, berr); err != nil {
		refuse(w, r, err)
		return
	}
	defer h.roster.join(badgeOf(credential, follower), grant.Name, cursor)()
	s.run(next, nonce)
}

// A stream is one follower's.
type stream struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	rc     *http.ResponseController
	cursor revocation.Cursor
	frames bool // else events
	buffer []byte
}

// run returns when the follower is gone or too slow, when the hub cannot go on
// from where the follower is, or when the stream has lasted long enough. In each
// case the follower comes back with its cursor.
func (s *stream) run(next slice, nonce string) {
	head := s.w.Header()
	head.Set("Content-Type", streamType)
	if s.frames {
		head.Set("Content-Type", framesType)
	}
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	if !s.greet(nonce) {
		return
	}
	life := time.NewTimer(lifetime())
	defer life.Stop()
	for asOf := time.Duration(-1); ; {
		if len(next.lines) > 0 || next.asOf != asOf {
			if !s.send(next) {
				return
			}
			asOf = next.asOf
		}
		if next.whole && !s.wait(next.more, life.C) {
			return
		}
		var err error
		if next, err = s.h.hub.after(s.cursor, page); err != nil {
			return
		}
	}
}

func (s *stream) wait(more <-chan struct{}, over <-chan time.Time) bool {
	select {
	case <-more:
		return true
	case <-over:
	case <-s.r.Context().Done():
	}
	return false
}

// greet answers the nonce with the stopwatch, rounded up: what the follower
// derives from it is then rather too old than too young.
func (s *stream) greet(nonce string) bool {
	first := hello{
		Version: version, Issuer: s.h.cfg.Issuer, Boot: s.h.hub.boot, Nonce: nonce,
		Now: s.h.hub.stopwatch().Milliseconds() + 1, Beat: s.h.cfg.Beat.Milliseconds(),
	}
	if s.frames {
		s.buffer = appendHello(s.buffer[:0], first)
		return s.flush()
	}
	text, err := json.Marshal(first)
	if err != nil {
		return false
	}
	s.buffer = append(append(append(s.buffer[:0], "event: hello\ndata: "...), text...), "\n\n"...)
	return s.flush()
}

func (s *stream) send(next slice) bool {
	if s.frames {
		s.buffer, s.cursor = appendWordFrame(s.buffer[:0], s.h.hub.boot, next), next.to
		return s.flush()
	}
	b := append(s.buffer[:0], "id: "...)
	b = append(b, next.to.String()...)
	b = append(b, "\ndata: "...)
	b = appendWord(b, s.h.hub.boot, next)
	s.buffer, s.cursor = append(b, "\n\n"...), next.to
	return s.flush()
}

// flush gives up on a follower that does not read. There is no queue to grow:
// what it has not taken yet is where everybody else's is, in the hub.
func (s *stream) flush() bool {
	// Not every ResponseWriter can: then the limits of its server hold.
	_ = s.rc.SetWriteDeadline(time.Now().Add(patience))
	if _, err := s.w.Write(s.buffer); err != nil {
		return false
	}
	return s.rc.Flush() == nil
}

// lifetime differs between streams, so that those which began together do not
// come back together.
func lifetime() time.Duration { return streamLife - spread(streamLife/5) }

// spread returns a random duration below d, which is below about 3 days.
func spread(d time.Duration) time.Duration {
	var b [4]byte
	rand.Read(b[:])
	n := int64(b[0])<<16 | int64(b[1])<<8 | int64(b[2])
	return time.Duration(int64(d/time.Microsecond)*n>>24) * time.Microsecond
}

// poll answers once there is something to tell, or when the caller's patience ends.
func (h *Handler) poll(w http.ResponseWriter, r *http.Request, _ Grant) {
	err := h.enter()
	if err != nil {
		refuse(w, r, err)
		return
	}
	defer h.leave()
	next, err := h.await(r)
	if err != nil {
		refuse(w, r, err)
		return
	}
	b := append([]byte(`{"v":`), strconv.Itoa(version)...)
	b = append(b, `,"boot":"`+h.hub.boot+`","now":`...)
	b = strconv.AppendInt(b, h.hub.stopwatch().Milliseconds()+1, 10)
	b = append(b, `,"cursor":"`+next.to.String()+`"`...)
	b = append(appendEntries(b, next), '}')
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(b)
}

func (h *Handler) await(r *http.Request) (slice, error) {
	cursor, err := cursorOf(r)
	if err != nil {
		return slice{}, err
	}
	wait, err := number(r, "wait", 0, 0, longPoll)
	if err != nil {
		return slice{}, err
	}
	limit, err := number(r, "limit", page, 1, page)
	if err != nil {
		return slice{}, err
	}
	over := time.NewTimer(time.Duration(wait) * time.Second)
	defer over.Stop()
	for {
		next, err := h.hub.after(cursor, limit)
		if err != nil || len(next.lines) > 0 || wait == 0 {
			return next, err
		}
		select {
		case <-next.more:
		case <-r.Context().Done():
			return next, ErrUnavailable
		case <-over.C:
			wait = 0 // once more, for the news of this moment
		}
	}
}

// cursorOf reads where a follower stands. A browser's EventSource says it in a
// header when it comes back, which is younger than its address.
func cursorOf(r *http.Request) (revocation.Cursor, error) {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return revocation.ParseCursor(id)
	}
	return revocation.ParseCursor(parameter(r, "after"))
}

// parameter reads the address alone. FormValue would read a body as well, and one
// of multipart/form-data without an end: into memory, then onto the disk.
func parameter(r *http.Request, name string) string { return r.URL.Query().Get(name) }

func number(r *http.Request, name string, otherwise, least, most int) (int, error) {
	text := parameter(r, name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, errBadParameter
	}
	return n, nil
}

// plain tells whether a nonce can stand in an answer as it is.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(s) <= 64
}
