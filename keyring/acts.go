package keyring

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// Rotate hands over to another key as soon as all verifiers can know it: at once
// when the next key has been published for long enough, else when it will have.
// An alg other than "" asks for a key of that algorithm, made here unless one
// waits already (ErrNoNext on a bound ring). It may return ErrTooMany.
//
// A set of two key types is more than some verifiers can read: warn whoever
// asks for that.
func (r *Ring) Rotate(ctx context.Context, now time.Time, alg jwt.Algorithm) error {
	return r.act(ctx, now, func(c calendar) (*step, error) { return r.plan.rotate(c, alg) })
}

// rotate returns the step that makes the next key sign, nil if it is early enough.
func (p plan) rotate(c calendar, alg jwt.Algorithm) (*step, error) {
	next := c.waiting()
	i := slices.IndexFunc(next, func(r Record) bool { return alg == "" || r.Algorithm == alg })
	if i >= 0 {
		return p.bring(next[i], c.now), nil
	}
	if alg == "" {
		alg = p.algorithm(c)
	}
	if len(c.published()) >= maxPublished {
		return nil, ErrTooMany
	}
	return p.add(c, alg, c.now), nil
}

// Retire ends a key's time of signing: a waiting key never signs, the active one
// hands over as Rotate does. It verifies until its last token has expired. To
// retire what is retired or compromised already changes nothing. ErrNotFound.
func (r *Ring) Retire(ctx context.Context, now time.Time, kid string) error {
	return r.act(ctx, now, func(c calendar) (*step, error) {
		rec, err := c.find(kid)
		if err != nil {
			return nil, err
		}
		switch c.stateOf(rec) {
		case Active:
			return r.plan.rotate(c, "")
		case Next:
			return &step{swap: &[2]Record{rec, r.plan.retire(rec, c.now)}}, nil
		}
		return nil, nil
	})
}

// Compromise takes a key out of the set, at once and for good: this node and
// all that follow the store refuse its tokens, and if it was signing, the next
// key does from now on. It is safe to repeat. ErrNotFound.
//
// Verifiers elsewhere keep the key until they fetch the set again: append a
// revocation rule for the kid in the same transaction.
func (r *Ring) Compromise(ctx context.Context, now time.Time, kid string) error {
	return r.act(ctx, now, func(c calendar) (*step, error) {
		from, err := c.find(kid)
		if err != nil || from.State == Compromised {
			return nil, err
		}
		to := from
		to.State, to.SignsTo, to.GoneAt = Compromised, c.now, r.plan.goneAt(c.now)
		return &step{swap: &[2]Record{from, to}}, nil
	})
}

func (c calendar) find(kid string) (Record, error) {
	i := slices.IndexFunc(c.records, func(r Record) bool { return r.ID == kid })
	if i < 0 {
		return Record{}, ErrNotFound
	}
	return c.records[i], nil
}

// act does what decide says to the calendar as the store has it, again if
// another node was first, and then what is due after it.
func (r *Ring) act(ctx context.Context, now time.Time, decide func(calendar) (*step, error)) error {
	started := time.Now()
	for range maxSteps {
		c, err := r.read(ctx, now)
		if err != nil {
			return err
		}
		s, err := decide(c)
		switch {
		case err != nil:
			return err
		case s != nil && s.insert != nil && r.bound:
			return ErrNoNext
		case s != nil:
			err = r.do(ctx, s, now, started)
		}
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		return r.settle(ctx, now)
	}
	return ErrBusy
}

// read returns the calendar as the store has it.
func (r *Ring) read(ctx context.Context, now time.Time) (calendar, error) {
	records, err := r.store.Keys(ctx)
	if err != nil {
		return calendar{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return read(records, r.damaged(), now), nil
}

// settle makes sure that somebody signs, and lets this node know. In a
// transaction only the first, and only if that needs no new key.
func (r *Ring) settle(ctx context.Context, now time.Time) error {
	if !r.bound {
		return r.Tick(ctx, now)
	}
	c, err := r.read(ctx, now)
	if err != nil {
		return err
	}
	if s := r.plan.somebodySigns(c); s != nil && s.swap != nil {
		return r.store.Swap(ctx, s.swap[0], s.swap[1])
	}
	return nil
}
