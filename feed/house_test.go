package feed_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer     = "https://id.example.com"
	credential = "jkf_a-credential-of-the-feed"
	pushing    = "jkf_a-credential-for-new-rules"
)

// A book is a log that a test can break, and that counts who reads it.
type book struct {
	mu                  sync.Mutex
	epoch, head         uint64
	kept                []revocation.Entry
	trouble             error
	wake                chan struct{}
	heads, reads, waits int
	clock               time.Duration // of whoever appends: so much ahead
	by                  string        // whose credential appended last
}

func newBook(rules ...revocation.Rule) *book {
	b := &book{epoch: 1, wake: make(chan struct{})}
	b.append(rules...)
	return b
}

func (b *book) append(rules ...revocation.Rule) {
	b.set(func() {
		for _, r := range rules {
			b.head++
			c := revocation.Cursor{Epoch: b.epoch, Seq: b.head}
			if r.Scope.Relative() {
				r.Before = c
			}
			b.kept = append(b.kept, revocation.Entry{Cursor: c, At: time.Now().Add(b.clock), Rule: r})
		}
		close(b.wake)
		b.wake = make(chan struct{})
	})
}

func (b *book) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *book) count() (n int) {
	b.set(func() { n = b.reads })
	return n
}

func (b *book) Head(context.Context) (revocation.Cursor, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heads++
	return revocation.Cursor{Epoch: b.epoch, Seq: b.head}, b.trouble
}

func (b *book) Read(_ context.Context, after revocation.Cursor, limit int) ([]revocation.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if b.trouble != nil {
		return nil, b.trouble
	}
	if after != (revocation.Cursor{}) && (after.Epoch != b.epoch || after.Seq > b.head) {
		return nil, revocation.ErrSnapshotRequired
	}
	i := slices.IndexFunc(b.kept, func(e revocation.Entry) bool { return after.Before(e.Cursor) })
	if i < 0 {
		return nil, nil
	}
	return slices.Clone(b.kept[i:min(i+limit, len(b.kept))]), nil
}

func (b *book) Wait(ctx context.Context, after revocation.Cursor) error {
	b.mu.Lock()
	b.waits++
	wake, behind := b.wake, after != revocation.Cursor{Epoch: b.epoch, Seq: b.head}
	b.mu.Unlock()
	if behind {
		return nil
	}
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A site is a network of this process: whoever dials reaches whatever serves at
// the moment, or nobody.
type site struct {
	t     *testing.T
	mu    sync.Mutex
	door  *door
	hole  bool    // what is said is lost, also on connections made from now on
	wires []*wire // every connection that was ever made
}

// A door is a listener over pipes.
type door struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error   { d.once.Do(func() { close(d.closed) }); return nil }
func (d *door) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (s *site) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	d, hole := s.door, s.hole
	s.mu.Unlock()
	if d == nil && !hole {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	w := &wire{Conn: here, closed: make(chan struct{})}
	s.mu.Lock()
	s.wires = append(s.wires, w)
	s.mu.Unlock()
	if hole {
		w.lost.Store(true)
		return w, nil
	}
	select {
	case d.conns <- there:
		return w, nil
	case <-d.closed:
	case <-ctx.Done():
	}
	here.Close()
	there.Close()
	return nil, errors.New("connection reset")
}

// swallow loses whatever is said, on every connection.
func (s *site) swallow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hole = true
	for _, w := range s.wires {
		w.lost.Store(true)
	}
}

// stopSwallowing lets connections through that are made from now on.
func (s *site) stopSwallowing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hole = false
}

// A wire is a follower's side of a connection. Once it is lost, neither side
// hears of the other, not even of its end.
type wire struct {
	net.Conn
	lost   atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (w *wire) Read(p []byte) (int, error) {
	for !w.lost.Load() {
		n, err := w.Conn.Read(p)
		if !w.lost.Load() {
			return n, err
		}
	}
	<-w.closed
	return 0, net.ErrClosed
}

func (w *wire) Write(p []byte) (int, error) {
	if w.lost.Load() {
		return len(p), nil
	}
	return w.Conn.Write(p)
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	if w.lost.Load() {
		return w.SetReadDeadline(time.Now()) // for a Read that is under way
	}
	return w.Conn.Close()
}

// serve puts a handler behind the site's address. stop kills it with all its connections.
func (s *site) serve(h http.Handler) (stop func()) {
	d := &door{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(d)
	}()
	s.mu.Lock()
	s.door = d
	s.mu.Unlock()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		if s.door == d {
			s.door = nil
		}
		s.mu.Unlock()
		srv.Close()
		<-done
	})
}

func (s *site) transport() *http.Transport {
	t := &http.Transport{DialContext: s.dial, DisableCompression: true}
	s.t.Cleanup(t.CloseIdleConnections)
	return t
}

// An origin is a handler that runs on a site.
type origin struct {
	*feed.Handler
	stop func() // as a kill would
}

func (s *site) origin(src revocation.Source, change ...func(*feed.HandlerConfig)) *origin {
	s.t.Helper()
	cfg := feed.HandlerConfig{Issuer: issuer, Source: src, Check: "/revocation/v1/check", Allow: allow}
	for _, c := range change {
		c(&cfg)
	}
	h, err := feed.NewHandler(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	down := s.serve(h)
	o := &origin{Handler: h, stop: sync.OnceFunc(func() {
		down()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			s.t.Errorf("Run ended with %v", err)
		}
	})}
	s.t.Cleanup(o.stop)
	synctest.Wait()
	return o
}

func allow(_ context.Context, got string) (feed.Grant, error) {
	switch got {
	case credential:
		return feed.Grant{Name: "orders", Scopes: []string{feed.FollowScope}}, nil
	case pushing:
		return feed.Grant{Name: "fraud desk", Scopes: []string{feed.AppendScope}}, nil
	}
	return feed.Grant{}, feed.ErrUnauthorized
}

// A verifier follows with an index of its own.
type verifier struct {
	*revocation.Index
	client *feed.Client
	stop   func()
}

func (s *site) verifier(change ...func(*feed.ClientConfig)) *verifier {
	s.t.Helper()
	cfg := feed.ClientConfig{Issuer: issuer, URL: "http://127.0.0.1:1", Token: credential, Index: revocation.NewIndex(issuer), Transport: s.transport()}
	for _, c := range change {
		c(&cfg)
	}
	c, err := feed.NewClient(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Follow(ctx) }()
	v := &verifier{Index: cfg.Index, client: c, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			s.t.Errorf("Follow ended with %v", err)
		}
	})}
	s.t.Cleanup(v.stop)
	synctest.Wait()
	return v
}

func (v *verifier) stale() bool { return v.Stale(time.Now()) }

func (v *verifier) refuses(sid string) bool {
	return v.Check(time.Now(), &revocation.Query{Issuer: issuer, SessionID: sid}).Action == revocation.Revoke
}

// evening runs a test in a bubble whose clock only moves when everybody waits.
func evening(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, &site{t: t}) })
}

// pass lets time go by in the bubble, until everybody waits again.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func ended(sid string) revocation.Rule {
	return revocation.SessionEnded(sid, "logout", time.Now().Add(24*time.Hour))
}
