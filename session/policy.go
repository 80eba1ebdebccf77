package session

import (
	"fmt"
	"time"
)

// A Policy holds the limits of sessions and the windows of the refresh table.
// Fields left zero take the value of [DefaultPolicy]; Max stays 0, no cap.
type Policy struct {
	AccessTTL time.Duration // life of an access token: 15 min
	Idle      time.Duration // a session not refreshed for so long is over: 30 d
	Absolute  time.Duration // a session is over then, refreshed or not: 90 d

	Grace  time.Duration // after a rotation its losers get the winner's token: 30 s
	Hold   time.Duration // after a rotation there is no other one: 90 s, 3 × Grace
	Drain  time.Duration // after a confirmation requests under way still arrive: 20 s
	Settle time.Duration // a token in use for so long was kept, not only received: 90 s, 3 × Grace

	Max int // live sessions of one account; 0: no cap
}

// DefaultPolicy returns the figures that the explorer has searched.
func DefaultPolicy() Policy {
	const day = 24 * time.Hour
	return Policy{
		AccessTTL: 15 * time.Minute, Idle: 30 * day, Absolute: 90 * day,
		Grace: 30 * time.Second, Hold: 90 * time.Second, Drain: 20 * time.Second, Settle: 90 * time.Second,
	}
}

// complete fills what was left zero. Hold and Settle follow Grace.
func (p Policy) complete() Policy {
	d := DefaultPolicy()
	for _, f := range []struct {
		field *time.Duration
		usual time.Duration
	}{{&p.AccessTTL, d.AccessTTL}, {&p.Idle, d.Idle}, {&p.Absolute, d.Absolute}, {&p.Grace, d.Grace}, {&p.Drain, d.Drain}} {
		if *f.field == 0 {
			*f.field = f.usual
		}
	}
	if p.Hold == 0 {
		p.Hold = 3 * p.Grace
	}
	if p.Settle == 0 {
		p.Settle = 3 * p.Grace
	}
	return p
}

// check refuses figures under which the table breaks its promises.
func (p Policy) check() error {
	switch {
	case min(p.AccessTTL, p.Idle, p.Absolute, p.Grace, p.Drain) < time.Second:
		return fmt.Errorf("%w: every duration of the policy must be at least 1 s", ErrConfig)
	case p.AccessTTL > p.Idle || p.Idle > p.Absolute:
		return fmt.Errorf("%w: AccessTTL %v, Idle %v, Absolute %v must not decrease in this order", ErrConfig, p.AccessTTL, p.Idle, p.Absolute)
	case p.Hold < 2*p.Grace:
		return fmt.Errorf("%w: Hold %v must be at least twice Grace %v, or tabs that race are logged out", ErrConfig, p.Hold, p.Grace)
	case p.Settle <= p.Grace:
		return fmt.Errorf("%w: Settle %v must be longer than Grace %v, or a browser that dies is logged out", ErrConfig, p.Settle, p.Grace)
	case p.Max < 0:
		return fmt.Errorf("%w: Max %d must not be negative; 0 means no cap", ErrConfig, p.Max)
	}
	return nil
}
