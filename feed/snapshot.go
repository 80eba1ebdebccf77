package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// photoTimeout bounds the making of one snapshot.
const photoTimeout = time.Minute

// A photographer makes snapshots: one at a time, whoever asks meanwhile gets the
// same. A snapshot is good for as long as a follower can go on from its cursor.
type photographer struct {
	handler *Handler

	mu     sync.Mutex
	last   *photo
	closed bool
	work   sync.WaitGroup
	ctx    context.Context // ends with the handler's Run
	cancel context.CancelFunc
}

// close ends what is being made, and makes nothing more.
func (p *photographer) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.work.Wait()
}

// A photo is everything in force at a cursor, compressed once for all.
type photo struct {
	cursor revocation.Cursor
	text   []byte // gzip (RFC 1952)
	err    error
	done   chan struct{} // closed when the rest is set
}

// take returns a snapshot that a follower can go on from.
func (p *photographer) take(ctx context.Context) (*photo, error) {
	hub := p.handler.hub
	cursor, ok := hub.position()
	if !ok {
		return nil, ErrUnavailable
	}
	last := p.current(cursor)
	if last == nil {
		return nil, ErrUnavailable
	}
	select {
	case <-last.done:
		return last, last.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// current returns the photo that is good, or begins one. Whoever asks first may
// leave before it is made, the others stay: so it does not end with a request.
func (p *photographer) current(cursor revocation.Cursor) *photo {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	if !p.last.good(p.handler.hub) {
		made := &photo{cursor: cursor, done: make(chan struct{})}
		p.last = made
		p.work.Go(func() { made.expose(p.ctx, p.handler) })
	}
	return p.last
}

// good tells whether a photo is being made, or is made and can be gone on from.
func (p *photo) good(h *hub) bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return p.err == nil && h.covers(p.cursor)
	default:
		return true
	}
}

// expose reads the source from its beginning up to the cursor. What comes after
// it is left to the stream.
func (p *photo) expose(ctx context.Context, h *Handler) {
	defer close(p.done)
	ctx, cancel := context.WithTimeout(ctx, photoTimeout)
	defer cancel()
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		p.err = err
		return
	}
	if p.err = p.write(ctx, zip, h); p.err == nil {
		p.err = zip.Close()
	}
	p.text = out.Bytes()
}

func (p *photo) write(ctx context.Context, w io.Writer, h *Handler) error {
	if err := put(w, preamble{Version: version, Issuer: h.cfg.Issuer, Cursor: p.cursor.String()}); err != nil {
		return err
	}
	count := 0
	for after, full := (revocation.Cursor{}), true; full && after.Before(p.cursor); {
		entries, err := h.cfg.Source.Read(ctx, after, page)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Cursor.Epoch != p.cursor.Epoch {
				return fmt.Errorf("%w: another epoch began", ErrUnavailable)
			}
			if after = e.Cursor; p.cursor.Before(after) {
				break
			}
			if !utf8.ValidString(e.Rule.ID) {
				continue // as in the stream
			}
			text, err := encode(e)
			if err != nil {
				return err
			}
			if _, err := w.Write(append(text, '\n')); err != nil {
				return err
			}
			count++
		}
		full = len(entries) == page
	}
	return put(w, ending{Count: &count})
}

func put(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// snapshot sends everything in force. The ETag is weak: two snapshots of one
// cursor differ at most in rules that no longer matter (RFC 9110 §8.8.1).
func (h *Handler) snapshot(w http.ResponseWriter, r *http.Request, _ Grant) {
	p, err := h.photo.take(r.Context())
	if err != nil {
		refuse(w, r, ErrUnavailable)
		return
	}
	head := w.Header()
	head.Set("Content-Type", linesType)
	head.Set("Cache-Control", "private, no-cache")
	head.Set("Vary", "Accept-Encoding, Authorization")
	etag := `W/"` + h.hub.boot + "." + p.cursor.String() + `"`
	head.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(photoTimeout))
	if accepts(r, "Accept-Encoding", "gzip") {
		head.Set("Content-Encoding", "gzip")
		w.Write(p.text)
		return
	}
	if plain, err := gzip.NewReader(bytes.NewReader(p.text)); err == nil {
		io.Copy(w, plain)
	}
}

// accepts reads Accept or Accept-Encoding (RFC 9110 §12.5.1, §12.5.3) as far as it
// matters here: something is named, and not refused with a weight of zero.
func accepts(r *http.Request, header, what string) bool {
	for one := range strings.SplitSeq(r.Header.Get(header), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(one, " ", ""), ";")
		if strings.EqualFold(name, what) {
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
