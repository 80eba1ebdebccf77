package feed

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

const (
	answerTimeout = 5 * time.Second
	askAgain      = time.Second // while nobody answers
	sweepEach     = time.Minute
	maxDocument   = 64 << 10
)

var (
	errOver     = errors.New("feed: the stream ended")
	errSilent   = errors.New("feed: the origin fell silent")
	errDisagree = errors.New("feed: a rule that this version does not understand")
)

// A follower is what a client knows between two connections.
type follower struct {
	c     *Client
	index *revocation.Index

	doc   *document
	at    *url.URL // of the document: its places are relative to it
	cold  bool     // a snapshot must be merged before the stream is followed
	heard time.Time
	swept time.Time // by this machine's wall clock

	patience time.Duration // with a stream whose words come late
}

// attempt goes from wherever the follower stands to a stream, and stays with
// it. It always returns an error.
func (f *follower) attempt(ctx context.Context) error {
	f.tidy(time.Now())
	if f.doc == nil {
		if err := f.discover(ctx); err != nil {
			return err
		}
	}
	if f.cold {
		if err := f.snapshot(ctx); err != nil {
			f.doc = nil
			return err
		}
	}
	err := f.stream(ctx)
	switch {
	case errors.Is(err, revocation.ErrSnapshotRequired):
		f.cold = true
	case errors.Is(err, errLate):
	case !errors.Is(err, errOver):
		f.doc = nil
	}
	return err
}

// A line of inquiry is one request, ended when nothing has come for a while.
type inquiry struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	limit  time.Duration
	watch  *time.Timer
	sent   time.Time // a moment before the request left
	kind   string    // of the answer
	body   io.ReadCloser
}

func (i *inquiry) Read(p []byte) (int, error) {
	n, err := i.body.Read(p)
	if n > 0 {
		i.watch.Reset(i.limit)
	}
	if cause := context.Cause(i.ctx); err != nil && cause != nil {
		err = cause
	}
	return n, err
}

func (i *inquiry) close() {
	i.watch.Stop()
	i.cancel(nil)
	i.body.Close()
}

// ask sends a request to a place that the document names, and returns its answer
// if it is of a wanted kind.
func (f *follower) ask(ctx context.Context, place string, query url.Values, header http.Header, kinds ...string) (*inquiry, error) {
	u, err := f.locate(place)
	if err != nil {
		return nil, err
	}
	u.RawQuery = query.Encode()
	i := &inquiry{limit: answerTimeout, sent: time.Now()}
	i.ctx, i.cancel = context.WithCancelCause(ctx)
	i.watch = time.AfterFunc(i.limit, func() { i.cancel(errSilent) })
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { i.sent = time.Now() }}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(i.ctx, trace), http.MethodGet, u.String(), nil)
	if err != nil {
		i.cancel(err)
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	r.Header = header
	res, err := f.c.http.Do(r)
	if err != nil {
		i.watch.Stop()
		if cause := context.Cause(i.ctx); cause != nil {
			err = cause
		}
		i.cancel(nil)
		return nil, err
	}
	i.body = res.Body
	if i.kind, err = judge(res, kinds); err != nil {
		i.close()
		return nil, err
	}
	return i, nil
}

// judge tells what an answer other than the wanted one means.
func judge(res *http.Response, kinds []string) (kind string, err error) {
	switch s := res.StatusCode; {
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return "", fmt.Errorf("%w: the origin answers %s", ErrUnauthorized, res.Status)
	case s == http.StatusGone:
		return "", revocation.ErrSnapshotRequired
	case s == http.StatusServiceUnavailable:
		return "", fmt.Errorf("%w: the origin answers %s", ErrUnavailable, res.Status)
	case s != http.StatusOK:
		return "", fmt.Errorf("%w: the origin answers %s", ErrProtocol, res.Status)
	}
	got, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	if got = strings.TrimSpace(got); !slices.Contains(kinds, got) {
		return "", fmt.Errorf("%w: an answer of type %q, want %s", ErrProtocol, got, strings.Join(kinds, " or "))
	}
	return got, nil
}

// locate resolves a place, which must be where the client was sent: a document
// cannot send the credential to another host.
func (f *follower) locate(place string) (*url.URL, error) {
	if f.at == nil {
		return f.c.base.JoinPath(place), nil
	}
	ref, err := url.Parse(place)
	if err != nil {
		return nil, fmt.Errorf("%w: a place that is no URL", ErrProtocol)
	}
	u := f.at.ResolveReference(ref)
	if u.Scheme != f.at.Scheme || u.Host != f.at.Host || u.User != nil {
		return nil, fmt.Errorf("%w: the document names a place on another host", ErrProtocol)
	}
	return u, nil
}

func (f *follower) credential() http.Header {
	return http.Header{"Authorization": {"Bearer " + f.c.cfg.Token}, "Cache-Control": {"no-store"}}
}

// discover asks for the document, and while nobody answers asks again by another
// connection: a question that was lost on the way is never answered, and when
// the fault is over nobody should wait for it. The first answer counts.
func (f *follower) discover(ctx context.Context) error {
	f.at = nil
	ctx, cancel := context.WithCancel(ctx)
	var asked sync.WaitGroup
	defer asked.Wait()
	defer cancel()
	answers := make(chan discovered)
	again := time.NewTicker(askAgain)
	defer again.Stop()
	for {
		asked.Go(func() {
			doc, err := f.document(ctx)
			select {
			case answers <- discovered{doc, err}:
			case <-ctx.Done():
			}
		})
		select {
		case first := <-answers:
			if first.err == nil {
				f.doc, f.at = first.doc, f.c.base.JoinPath(discovery)
				f.c.maxStale.Store(first.doc.MaxStale)
				f.learn()
			}
			return first.err
		case <-again.C:
		}
	}
}

type discovered struct {
	doc *document
	err error
}

// document asks once. The document is public, so no credential goes there.
func (f *follower) document(ctx context.Context) (*document, error) {
	i, err := f.ask(ctx, discovery, nil, http.Header{}, "application/json")
	if err != nil {
		return nil, err
	}
	defer i.close()
	text, err := io.ReadAll(io.LimitReader(i, maxDocument))
	if err != nil {
		return nil, err
	}
	var doc document
	if err := read(text, &doc); err != nil {
		return nil, err
	}
	return &doc, f.agrees(doc.Version, doc.Issuer)
}

// agrees refuses another version, and the rules of another issuer.
func (f *follower) agrees(v int, issuer string) error {
	switch {
	case v != version:
		return fmt.Errorf("%w: version %d of the format, want %d", ErrProtocol, v, version)
	case issuer != f.c.cfg.Issuer:
		return fmt.Errorf("%w: the feed of another issuer", ErrProtocol)
	}
	return nil
}

// tidy forgets old rules now and then. A clock that stands before the last
// sweep, in this run or one before, was wrong then, so what was forgotten may
// still be needed.
func (f *follower) tidy(now time.Time) {
	now = now.Round(0) // the wall clock: it is compared with what Until says
	if f.index.SweptAfter(now) {
		f.cold, f.swept = true, now
	}
	if now.Sub(f.swept) >= sweepEach {
		f.index.Sweep(now)
		f.swept = now
	}
}

// snapshot merges everything in force. The cursor moves only when all of it has
// come and made sense.
func (f *follower) snapshot(ctx context.Context) error {
	header := f.credential()
	header.Set("Accept-Encoding", "gzip")
	i, err := f.ask(ctx, f.doc.Snapshot, nil, header, linesType)
	if err != nil {
		return err
	}
	defer i.close()
	in := bufio.NewReader(i)
	var text io.Reader = in
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b { // RFC 1952 §2.3.1; no JSON begins so
		zip, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("%w: a snapshot that is not gzip", ErrProtocol)
		}
		text = zip
	}
	cursor, err := f.merge(text)
	if err != nil {
		return err
	}
	f.index.Reached(cursor)
	f.cold = false
	f.c.snapshots.Add(1)
	return nil
}

func lines(r io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	return s
}

// merge reads the lines of a snapshot.
func (f *follower) merge(text io.Reader) (revocation.Cursor, error) {
	in := lines(text)
	var first preamble
	if !in.Scan() {
		return revocation.Cursor{}, broken(in)
	}
	if err := read(in.Bytes(), &first); err != nil {
		return revocation.Cursor{}, err
	}
	cursor, err := revocation.ParseCursor(first.Cursor)
	if err == nil {
		err = f.agrees(first.Version, first.Issuer)
	}
	if err == nil {
		err = f.younger(cursor)
	}
	if err != nil {
		return cursor, err
	}
	return cursor, f.entries(in, cursor.Epoch)
}

// entries merges what a snapshot holds. Those that are understood come into
// force even if others are not.
func (f *follower) entries(in *bufio.Scanner, epoch uint64) error {
	var lost error
	batch, count := make([]revocation.Entry, 0, page), 0
	for in.Scan() {
		if bytes.HasPrefix(in.Bytes(), []byte(`{"end":`)) {
			return errors.Join(lost, f.apply(batch, true), complete(in.Bytes(), count))
		}
		var e entry
		if err := read(in.Bytes(), &e); err != nil {
			return err
		}
		rule, err := e.rule(epoch)
		if err != nil {
			return err
		}
		if batch, count = append(batch, rule), count+1; len(batch) == page {
			lost = errors.Join(lost, f.apply(batch, true))
			batch = batch[:0]
		}
	}
	return errors.Join(lost, broken(in))
}

// complete holds the last line of a snapshot against what came before it.
func complete(text []byte, count int) error {
	var last ending
	if err := read(text, &last); err != nil {
		return err
	}
	if last.Count == nil || *last.Count != count {
		return fmt.Errorf("%w: a snapshot of %d rules that announces another number", ErrProtocol, count)
	}
	return nil
}

// younger refuses an epoch before the one that was followed: epochs only grow,
// so this origin has missed the change, and with it rules.
func (f *follower) younger(c revocation.Cursor) error {
	if c.Epoch < f.index.Cursor().Epoch {
		return fmt.Errorf("%w: an origin of epoch %d after one of epoch %d", ErrProtocol, c.Epoch, f.index.Cursor().Epoch)
	}
	return nil
}

func (f *follower) apply(batch []revocation.Entry, snapshot bool) error {
	if err := f.index.Apply(batch...); err != nil {
		return fmt.Errorf("%w: %w", errDisagree, err)
	}
	if f.c.cfg.Told != nil && len(batch) > 0 {
		f.c.cfg.Told(batch, snapshot)
	}
	return nil
}

// broken is why there was no further line.
func broken(in *bufio.Scanner) error {
	if err := in.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

func newNonce() string { return rand.Text() }
