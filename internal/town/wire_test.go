package town_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

var errReset = errors.New("connection reset by peer")

// A wire is one end of a connection inside the process. Bytes take their time;
// whoever waits for them waits durably, so that the clock of the bubble moves.
type wire struct {
	in, out *lane
	local   address

	mu    sync.Mutex
	write time.Time // deadline; zero: none
}

type address string

func (address) Network() string  { return "memory" }
func (a address) String() string { return string(a) }

// A journey tells when what is sent now arrives.
type journey func(now time.Time) time.Time

// newWire returns both ends of a connection.
func newWire(from, to address, there, back journey) (*wire, *wire) {
	a, b := newLane(there), newLane(back)
	return &wire{in: b, out: a, local: from}, &wire{in: a, out: b, local: to}
}

func (w *wire) Read(p []byte) (int, error) { return w.in.take(p) }

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	late := !w.write.IsZero() && !time.Now().Before(w.write)
	w.mu.Unlock()
	if late {
		return 0, os.ErrDeadlineExceeded
	}
	return w.out.put(p)
}

// Close lets what was written arrive.
func (w *wire) Close() error {
	w.in.fail(net.ErrClosed)
	w.out.end()
	return nil
}

// reset ends the connection at both ends, at once.
func (w *wire) reset() {
	w.in.fail(errReset)
	w.out.fail(errReset)
}

func (w *wire) LocalAddr() net.Addr  { return w.local }
func (w *wire) RemoteAddr() net.Addr { return address("192.0.2.1:4000") }

func (w *wire) SetDeadline(t time.Time) error {
	return errors.Join(w.SetReadDeadline(t), w.SetWriteDeadline(t))
}

func (w *wire) SetReadDeadline(t time.Time) error {
	w.in.limit(t)
	return nil
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write = t
	return nil
}

// A lane is one direction of a wire.
type lane struct {
	arrives journey

	mu       sync.Mutex
	parcels  []parcel
	ended    bool  // by the writer
	failed   error // for both
	deadline time.Time
	changed  chan struct{} // closed and replaced with each change
}

// A parcel is what one Write sent; the last one, without bytes, is the end.
type parcel struct {
	at    time.Time
	bytes []byte
}

func newLane(j journey) *lane { return &lane{arrives: j, changed: make(chan struct{})} }

// change does something and wakes who waits.
func (l *lane) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *lane) put(p []byte) (n int, err error) {
	l.change(func() {
		switch {
		case l.failed != nil:
			err = l.failed
		case l.ended:
			err = net.ErrClosed
		case len(p) == 0:
		default:
			l.send(append([]byte(nil), p...))
			n = len(p)
		}
	})
	return n, err
}

// send puts a parcel behind those that are under way: none overtakes another.
func (l *lane) send(p []byte) {
	at := l.arrives(time.Now())
	if n := len(l.parcels); n > 0 && at.Before(l.parcels[n-1].at) {
		at = l.parcels[n-1].at
	}
	l.parcels = append(l.parcels, parcel{at, p})
}

func (l *lane) end() {
	l.change(func() {
		if !l.ended {
			l.ended = true
			l.send(nil)
		}
	})
}

func (l *lane) fail(err error) {
	l.change(func() {
		if l.failed == nil {
			l.failed = err
		}
	})
}

func (l *lane) limit(t time.Time) { l.change(func() { l.deadline = t }) }

func (l *lane) take(p []byte) (int, error) {
	for {
		n, until, changed, err := l.look(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		timer := time.NewTimer(time.Until(until))
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// look reads what has arrived, or says until when there is nothing to see.
func (l *lane) look(p []byte) (n int, until time.Time, changed chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	until = now.Add(time.Hour)
	switch {
	case l.failed != nil:
		return 0, until, l.changed, l.failed
	case !l.deadline.IsZero() && !now.Before(l.deadline):
		return 0, until, l.changed, os.ErrDeadlineExceeded
	case len(l.parcels) > 0 && !l.parcels[0].at.After(now):
		n, err = l.open(p)
		return n, until, l.changed, err
	}
	if len(l.parcels) > 0 {
		until = l.parcels[0].at
	}
	if !l.deadline.IsZero() && l.deadline.Before(until) {
		until = l.deadline
	}
	return 0, until, l.changed, nil
}

func (l *lane) open(p []byte) (int, error) {
	first := &l.parcels[0]
	if first.bytes == nil {
		return 0, io.EOF
	}
	n := copy(p, first.bytes)
	if first.bytes = first.bytes[n:]; len(first.bytes) == 0 {
		l.parcels = l.parcels[1:]
	}
	return n, nil
}
