package cable

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A Fault is what is wrong with a cable; the zero value is nothing.
type Fault struct {
	Refused  bool // nobody listens; open connections go on
	Lost     bool // nothing gets through, no end either: new connections are a black hole, open ones half-open
	Up, Down Way  // to the server and back
}

// A Way is what becomes of bytes in one direction.
type Way struct {
	Delay time.Duration // each byte arrives so much later
	Hold  int           // bytes are kept back until so many are there, or the sender ends; Forever: until the fault is over
}

// Forever is a Hold that no number of bytes ends.
const Forever = -1

// A Cable leads from an address of its own to a server's. It is safe for
// concurrent use.
type Cable struct {
	addr string
	work sync.WaitGroup

	mu       sync.Mutex
	to       string
	fault    Fault
	changed  chan struct{} // closed when fault changes
	listener net.Listener  // nil: refused
	links    map[*link]struct{}
	accepted int
	closed   bool
}

// Lay makes a Cable to a server's address, on a free port of this machine, and
// takes it away when the test ends.
func Lay(t testing.TB, to string) *Cable {
	t.Helper()
	c := &Cable{addr: "127.0.0.1:0", to: to, changed: make(chan struct{}), links: map[*link]struct{}{}}
	if err := c.listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// Addr returns where to dial, as host:port.
func (c *Cable) Addr() string { return c.addr }

// To leads connections that are made from now on to another server.
func (c *Cable) To(addr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = addr
}

// Break puts a fault in place of the one before, for open connections and for
// later ones. When it returns, the fault is in force.
func (c *Cable) Break(t testing.TB, f Fault) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
	close(c.changed)
	c.changed = make(chan struct{})
	if f.Lost {
		c.sever()
	}
	if f.Refused && c.listener != nil {
		c.listener.Close()
		c.listener = nil
	}
	if !f.Refused && c.listener == nil {
		if err := c.listen(); err != nil {
			t.Fatal(err)
		}
	}
}

// Mend ends the fault. What was held goes on; what was lost does not come back.
func (c *Cable) Mend(t testing.TB) {
	t.Helper()
	c.Break(t, Fault{})
}

// Sever makes every open connection half-open: each side believes that the
// other is there. Later connections work.
func (c *Cable) Sever() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sever()
}

func (c *Cable) sever() {
	for l := range c.links {
		l.lose()
	}
}

// Reset ends every open connection, as a machine does that knows nothing of it
// (RST).
func (c *Cable) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.links {
		l.reset()
	}
}

// Accepted returns how many connections were made so far.
func (c *Cable) Accepted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accepted
}

// listen is called with mu held, or before anybody knows the cable.
func (c *Cable) listen() error {
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	c.addr, c.listener = l.Addr().String(), l
	c.work.Go(func() { c.accept(l) })
	return nil
}

func (c *Cable) accept(l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		c.work.Go(func() { c.join(near.(*net.TCPConn)) })
	}
}

// join makes a connection to the server for one that came in, unless nothing
// gets through.
func (c *Cable) join(near *net.TCPConn) {
	l := newLink(c, near)
	to, lost, ok := c.enter(l)
	if !ok {
		near.Close()
		return
	}
	defer c.leave(l)
	if !lost {
		far, err := net.DialTimeout("tcp", to, 10*time.Second)
		if err != nil {
			l.reset()
			return
		}
		if !l.reach(far.(*net.TCPConn)) {
			return
		}
	}
	l.run()
}

func (c *Cable) enter(l *link) (to string, lost, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return "", false, false
	}
	c.accepted++
	c.links[l] = struct{}{}
	if c.fault.Lost {
		l.lose()
	}
	return c.to, c.fault.Lost, true
}

func (c *Cable) leave(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.links, l)
}

// now returns the fault, and what is closed when it changes.
func (c *Cable) now() (Fault, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault, c.changed
}

func (c *Cable) close() {
	c.mu.Lock()
	c.closed = true
	if c.listener != nil {
		c.listener.Close()
	}
	for l := range c.links {
		l.reset()
	}
	c.mu.Unlock()
	c.work.Wait()
}
