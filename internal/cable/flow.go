package cable

import (
	"io"
	"net"
	"time"
)

// A flow delivers what one side says to the other.
type flow struct {
	link    *link
	to      *net.TCPConn
	way     func(Fault) Way
	parcels <-chan parcel

	queue   []parcel
	size    int // bytes in the queue
	release int // of them, those that a Hold has let go
	ended   bool
}

// deliver returns when the conversation is over, or nothing gets through any
// more; then it waits for the link to go, so that the other side hears no end.
func (f *flow) deliver() {
	for {
		fault, changed := f.link.cable.now()
		due, wait := f.due(f.way(fault), time.Now())
		if due {
			if !f.first() {
				return
			}
			continue
		}
		if !f.await(changed, wait) {
			return
		}
	}
}

// await waits for a change: another fault, another parcel, a time. False: there
// will be none.
func (f *flow) await(changed <-chan struct{}, wait time.Duration) bool {
	var timer <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-f.link.lost:
		<-f.link.gone
		return false
	case <-f.link.gone:
		return false
	case <-changed:
	case <-timer:
	case p, more := <-f.parcels:
		if !more {
			f.parcels = nil
			break
		}
		f.queue, f.size = append(f.queue, p), f.size+len(p.text)
		f.ended = f.ended || p.err != nil
	}
	return true
}

// due tells whether the first parcel may go, or after what time it may.
func (f *flow) due(w Way, now time.Time) (bool, time.Duration) {
	if len(f.queue) == 0 {
		return false, 0
	}
	if w.Hold != Forever && (f.size >= w.Hold || f.ended) {
		f.release = f.size
	}
	if first := f.queue[0]; f.release > 0 || first.err != nil && w.Hold != Forever {
		wait := first.at.Add(w.Delay).Sub(now)
		return wait <= 0, wait
	}
	return false, 0
}

// first delivers the first parcel. False: it was the last, or nobody takes it.
func (f *flow) first() bool {
	select {
	case <-f.link.lost: // it counts before everything else
		<-f.link.gone
		return false
	default:
	}
	p := f.queue[0]
	f.queue = f.queue[1:]
	f.size, f.release = f.size-len(p.text), f.release-len(p.text)
	switch {
	case p.err == io.EOF:
		_ = f.to.CloseWrite()
		return false
	case p.err != nil:
		f.link.reset()
		return false
	}
	if _, err := f.to.Write(p.text); err != nil {
		f.link.reset()
		return false
	}
	return true
}
