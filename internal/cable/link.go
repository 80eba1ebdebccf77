package cable

import (
	"net"
	"sync"
	"time"
)

// A link is one connection through a cable: a socket on either side.
type link struct {
	cable *Cable
	near  *net.TCPConn
	gone  chan struct{} // closed by reset
	once  sync.Once

	mu   sync.Mutex
	far  *net.TCPConn  // nil: the server never hears of it
	lost chan struct{} // closed when nothing gets through any more
	void bool          // lost is closed
}

func newLink(c *Cable, near *net.TCPConn) *link {
	return &link{cable: c, near: near, gone: make(chan struct{}), lost: make(chan struct{})}
}

// lose makes the link half-open for good.
func (l *link) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.void {
		l.void = true
		close(l.lost)
	}
}

// reset ends both sides at once.
func (l *link) reset() {
	l.once.Do(func() {
		close(l.gone)
		l.mu.Lock()
		defer l.mu.Unlock()
		abort(l.near)
		if l.far != nil {
			abort(l.far)
		}
	})
}

// abort closes a connection with RST in place of FIN.
func abort(c *net.TCPConn) {
	_ = c.SetLinger(0)
	c.Close()
}

// reach adds the server's side; false: the link was reset meanwhile.
func (l *link) reach(far *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.gone:
		abort(far)
		return false
	default:
		l.far = far
		return true
	}
}

// run carries until both sides have ended, or the link is reset.
func (l *link) run() {
	var both sync.WaitGroup
	if l.far == nil {
		both.Go(func() { l.carry(l.near, nil, up) })
	} else {
		both.Go(func() { l.carry(l.near, l.far, up) })
		both.Go(func() { l.carry(l.far, l.near, down) })
	}
	both.Wait()
	l.reset()
}

func up(f Fault) Way   { return f.Up }
func down(f Fault) Way { return f.Down }

// A parcel is what was read at one time.
type parcel struct {
	at   time.Time
	text []byte
	err  error // the end; io.EOF is an orderly one
}

// carry reads from one side and delivers to the other.
func (l *link) carry(from, to *net.TCPConn, way func(Fault) Way) {
	parcels := make(chan parcel, 64)
	var reader sync.WaitGroup
	reader.Go(func() { l.read(from, parcels) })
	f := &flow{link: l, to: to, way: way, parcels: parcels}
	f.deliver()
	for range parcels { // what nobody wants any more
	}
	reader.Wait()
}

func (l *link) read(from *net.TCPConn, parcels chan<- parcel) {
	defer close(parcels)
	for {
		b := make([]byte, 16<<10)
		n, err := from.Read(b)
		if n > 0 {
			parcels <- parcel{at: time.Now(), text: b[:n]}
		}
		if err != nil {
			parcels <- parcel{at: time.Now(), err: err}
			return
		}
	}
}
