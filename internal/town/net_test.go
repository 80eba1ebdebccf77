package town_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

var errRefused = errors.New("connection refused")

// A place is where a server listens. It is a net.Listener.
type place struct {
	host  address
	inbox chan net.Conn

	mu     sync.Mutex
	closed bool
	gone   chan struct{} // closed when nobody listens any more
	wires  []*wire       // server ends
}

func newPlace(host string) *place {
	return &place{host: address(host), inbox: make(chan net.Conn, 64), gone: make(chan struct{})}
}

func (p *place) Accept() (net.Conn, error) {
	select {
	case c := <-p.inbox:
		return c, nil
	case <-p.gone:
		return nil, net.ErrClosed
	}
}

func (p *place) Addr() net.Addr { return p.host }

func (p *place) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.gone)
	}
	return nil
}

// crash closes the place with everything that is under way.
func (p *place) crash() {
	p.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.wires {
		w.reset()
	}
}

func (p *place) enter(w *wire) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	select {
	case p.inbox <- w:
		p.wires = append(p.wires, w)
		return true
	default:
		return false
	}
}

// A network knows who listens where. The auth server's name stands for several
// places; whoever dials it comes to any of them, alive or not.
type network struct {
	mu     sync.Mutex
	places map[string][]*place
}

func (n *network) put(host string, i int, p *place) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.places[host]) <= i {
		n.places[host] = append(n.places[host], nil)
	}
	n.places[host][i] = p
}

func (n *network) pick(host string, r *rand.Rand) *place {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.places[host]
	if len(list) == 0 {
		return nil
	}
	return list[r.IntN(len(list))]
}

// A street is somebody's way to the network. What goes wrong on it is said in times.
type street struct {
	net     *network
	latency time.Duration // one way

	mu     sync.Mutex
	random *rand.Rand
	shut   time.Time // until then connections are refused
	silent time.Time // until then nothing arrives; then all of it
	lumpy  time.Time // until then what is sent arrives every few seconds
	wires  []*wire
}

// lump is how long a proxy that buffers keeps what comes.
const lump = 3 * time.Second

func newStreet(n *network, r *rand.Rand) *street {
	return &street{net: n, random: r, latency: between(r, 2*time.Millisecond, 20*time.Millisecond)}
}

// arrives is the journey of everything on the street.
func (s *street) arrives(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.Add(s.latency)
	if now.Before(s.silent) {
		at = s.silent.Add(s.latency)
	}
	if now.Before(s.lumpy) {
		at = at.Truncate(lump).Add(lump)
	}
	return at
}

// dial takes a round trip.
func (s *street) dial(ctx context.Context, _, host string) (net.Conn, error) {
	there := s.arrives(time.Now())
	if !until(ctx, s.arrives(there)) {
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.net.pick(host, s.random)
	if p == nil || time.Now().Before(s.shut) {
		return nil, errRefused
	}
	mine, theirs := newWire("192.0.2.1:4000", p.host, s.arrives, s.arrives)
	if !p.enter(theirs) {
		return nil, errRefused
	}
	s.wires = append(s.wires, mine)
	return mine, nil
}

// cut refuses connections for a while, and ends those there are.
func (s *street) cut(d time.Duration) {
	s.mu.Lock()
	wires := s.wires
	s.shut, s.wires = time.Now().Add(d), nil
	s.mu.Unlock()
	for _, w := range wires { // they ask the street for the way
		w.reset()
	}
}

func (s *street) hush(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = time.Now().Add(d)
}

func (s *street) buffer(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lumpy = time.Now().Add(d)
}

// until waits for a time, and tells whether it came before the end of ctx.
func until(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Float64()*float64(to-from))
}
