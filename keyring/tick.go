package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// maxSteps bounds one Tick: a calendar that was slept through for years is a
// handful of steps behind.
const maxSteps = 32

// Tick reads the store and does what is due: it makes the next key, records who
// signs and who retired, seals again under a new master key, and removes what
// is gone. It may be called at any time, as often as one likes, on as many nodes
// as there are; when nothing is due it is one reading of the store.
//
// It may make a key, which takes a fraction of a second for RSA: keep it off
// the path of a request.
func (r *Ring) Tick(ctx context.Context, now time.Time) error {
	if r.bound {
		return r.settle(ctx, now)
	}
	r.ticking.Lock()
	defer r.ticking.Unlock()
	started := time.Now() // what making a key takes is added to now
	for range maxSteps {
		if err := r.reload(ctx, r.store, now); err != nil {
			return err
		}
		s := r.due(now)
		if s == nil {
			return nil
		}
		if err := r.do(ctx, s, now, started); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			return err // a conflict: another node did it; look again
		}
	}
	return ErrBusy
}

func (r *Ring) due(now time.Time) *step {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := read(r.current.Load().records, r.damaged(), now)
	return r.plan.due(c, func(rec Record) bool { return r.cfg.Master.Current(rec.Sealed) })
}

// do carries out one step.
func (r *Ring) do(ctx context.Context, s *step, now, started time.Time) error {
	switch {
	case s.insert != nil:
		return r.make(ctx, *s.insert, now, started)
	case s.reseal:
		return r.reseal(ctx, s.swap[0])
	case s.swap != nil:
		return r.store.Swap(ctx, s.swap[0], s.swap[1])
	}
	_, err := r.store.Sweep(ctx, now)
	return err
}

// make generates a key and stores it. Nothing else happens to it here: it is
// published and used as what the store returns, so a loser of the election
// never holds on to his own.
func (r *Ring) make(ctx context.Context, t template, now, started time.Time) error {
	key, err := jwt.GenerateKey(t.alg)
	if err != nil {
		return err
	}
	der, err := key.MarshalPKCS8()
	if err != nil {
		return err
	}
	public, err := json.Marshal(key.Public())
	if err != nil {
		return err
	}
	created := now.Add(time.Since(started).Truncate(time.Second)) // ahead has a second to spare
	from := t.signsFrom
	if t.state == Next {
		from = later(from, created.Add(r.plan.ahead()))
	}
	return r.store.Insert(ctx, Record{
		ID:        key.ID(),
		Algorithm: t.alg,
		State:     t.state,
		Sealed:    r.cfg.Master.Seal(der, sealPurpose, key.ID()),
		Public:    public,
		CreatedAt: created,
		SignsFrom: from,
		SignsTo:   from.Add(r.plan.rotation),
		GoneAt:    never,
		Period:    t.period,
	})
}

// reseal protects a stored key by the master key that seals now.
func (r *Ring) reseal(ctx context.Context, from Record) error {
	der, err := r.cfg.Master.Open(from.Sealed, sealPurpose, from.ID)
	if err != nil {
		return wrongMasterKey(from.ID)
	}
	to := from
	to.Sealed = r.cfg.Master.Seal(der, sealPurpose, from.ID)
	return r.store.Swap(ctx, from, to)
}

// Run calls Tick until ctx ends, twice per MaxAge and at least once a minute.
// What goes wrong is in Stats.
func (r *Ring) Run(ctx context.Context) {
	every := time.NewTicker(min(r.cfg.MaxAge/2, time.Minute))
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-every.C:
			_ = r.Tick(ctx, now) // counted, and tried again
		}
	}
}
