package session

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Two figures of a Clock: how often it asks, and how far it may have to correct.
const (
	probeEvery = time.Minute
	maxOffset  = tolerance
)

// A Clock tells this node's time, corrected to the store's, so that all nodes
// agree on when a window is over. It is safe for concurrent use.
type Clock struct {
	ask  func(context.Context) (time.Time, error)
	read func() reading
	wake chan struct{}

	mu     sync.Mutex
	offset time.Duration // the store's clock minus this node's
	at     reading       // of the last probe that was answered
	err    error         // why the clock cannot be trusted
}

// A reading is this node's clock, and the time since it started, which nobody
// can set.
type reading struct {
	wall    time.Time
	running time.Duration
}

// NewClock returns a Clock that asks the store's with ask. Until its first
// Probe it tells no time.
func NewClock(ask func(ctx context.Context) (time.Time, error)) *Clock {
	start := time.Now()
	return &Clock{
		ask: ask, wake: make(chan struct{}, 1),
		read: func() reading { now := time.Now(); return reading{now.Round(0), now.Sub(start)} },
		err:  fmt.Errorf("%w: it has not been compared with the store's yet", ErrClock),
	}
}

// Now returns the corrected time, or an error that wraps ErrClock: while the
// offset is above 5 seconds, before the first probe, and from when this node's
// clock was set until the next one. Every answer that depends on time is then
// 503, and the node is not ready.
func (c *Clock) Now() (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.read()
	if c.err != nil {
		return time.Time{}, c.err
	}
	jump := now.wall.Sub(c.at.wall) - (now.running - c.at.running)
	if jump.Abs() > maxOffset {
		c.err = fmt.Errorf("%w: it was set by %v", ErrClock, jump.Round(time.Second))
		select {
		case c.wake <- struct{}{}: // do not wait a minute
		default:
		}
		return time.Time{}, c.err
	}
	return now.wall.Add(c.offset), nil
}

// Probe compares the clocks once. A store that does not answer changes nothing:
// the last comparison stands.
func (c *Clock) Probe(ctx context.Context) error {
	sent := c.read()
	theirs, err := c.ask(ctx)
	if err != nil {
		return fmt.Errorf("session: asking the store for its clock: %w", err)
	}
	received := c.read()
	trip := received.running - sent.running
	offset := theirs.Sub(received.wall.Add(-trip / 2))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.at, c.err = offset, received, nil
	if offset.Abs() > maxOffset+trip/2 {
		c.err = fmt.Errorf("%w: the store's is %v ahead of it; set one of them right", ErrClock, offset.Round(time.Second))
	}
	return c.err
}

// Offset returns the store's clock minus this node's, as last compared.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Run probes each minute, and at once when this node's clock was set, until ctx
// ends. Call Probe before it.
func (c *Clock) Run(ctx context.Context) {
	every := time.NewTicker(probeEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		case <-c.wake:
		}
		_ = c.Probe(ctx) // Now tells what came of it
	}
}
