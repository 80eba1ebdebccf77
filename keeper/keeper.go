package keeper

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Keeper keeps the sessions of one issuer. It is safe for concurrent use.
type Keeper struct {
	cfg     Config
	own     *jwt.Verifier[jwt.Session]
	foreign []foreign
	index   *revocation.Index
	carrier jotkeeper.Carrier
	machine func() time.Time // this machine's clock, which measures silence

	catching sync.Mutex // one reading of the log out of turn at a time
	reaching sync.Mutex // one request at a time looks whether the log lost its end
	noting   sync.Map   // token IDs whose successor's first sight is being written down
	tally    tally

	mu    sync.Mutex
	quiet time.Time // until then no first sight is written: the log just failed
}

// New returns a Keeper. It fails with ErrConfig and everything that is wrong. It
// opens nothing and reads nothing: let Run follow the log, beside the program,
// or call CatchUp before each piece of work of a program that is soon over.
func New(cfg Config) (*Keeper, error) {
	cfg.complete()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	k := &Keeper{cfg: cfg, index: revocation.NewIndex(cfg.Issuer), machine: time.Now, carrier: cfg.carrier()}
	if cfg.CSRF {
		k.carrier.CSRF = k.secret
	}
	var err error
	k.own, err = jwt.NewVerifier[jwt.Session](jwt.VerifierConfig{
		Issuer: cfg.Issuer, Audience: cfg.accepted(), Keys: cfg.Keys, OneApplication: true,
	})
	if err != nil {
		return nil, errors.Join(ErrConfig, err)
	}
	k.foreign, err = strangers(cfg)
	return k, err
}

// sweepEach is how often Run sweeps.
const sweepEach = time.Hour

// Run follows the log of revocations and sweeps now and then, until ctx ends; it
// returns ctx's error. Until it has read the log for the first time, and
// whenever the log has been out of reach, nothing is signed (ErrStale).
func (k *Keeper) Run(ctx context.Context) error {
	var sweeps sync.WaitGroup
	defer sweeps.Wait()
	sweeps.Go(func() { k.sweepOn(ctx) })
	return revocation.Follow(ctx, k.cfg.Revocations, k.index)
}

// sweepOn sweeps, but not in the hour in which the clock was set: what a wrong
// one forgets is missed when it is right again.
func (k *Keeper) sweepOn(ctx context.Context) {
	each := time.NewTicker(sweepEach)
	defer each.Stop()
	start := k.machine()
	last := k.ahead(start)
	for {
		select {
		case <-ctx.Done():
			return
		case <-each.C:
			was := last
			if last = k.ahead(start); (last - was).Abs() <= ruleSkew {
				_, _ = k.Sweep(ctx) // what is left is swept next time
			}
		}
	}
}

// ahead is by how much more the clock has moved since start than time has passed.
func (k *Keeper) ahead(start time.Time) time.Duration {
	return k.cfg.Now().Round(0).Sub(start.Round(0)) - k.machine().Sub(start)
}

// Sweep forgets renewals and rules that no living token needs, and returns how
// many. Run does it each hour, unless the clock was set.
func (k *Keeper) Sweep(ctx context.Context) (int, error) {
	now := k.cfg.Now()
	renewals, err := k.cfg.Store.Sweep(ctx, now)
	if err != nil {
		return renewals, unavailable("the renewals cannot be swept", err)
	}
	rules, err := k.cfg.Revocations.Compact(ctx, now)
	if err != nil {
		return renewals + rules, unavailable("the log cannot be compacted", err)
	}
	return renewals + rules, nil
}

// CatchUp reads the log to its end, once, as Run does all the time.
func (k *Keeper) CatchUp(ctx context.Context) error {
	k.catching.Lock()
	defer k.catching.Unlock()
	asked := k.machine()
	if err := revocation.CatchUp(ctx, k.cfg.Revocations, k.index); err != nil {
		return unavailable("the log of revocations cannot be read", err)
	}
	k.index.Heard(asked)
	return nil
}

// current refuses to sign what may be revoked already.
func (k *Keeper) current() error {
	if k.index.Stale(k.machine()) {
		return unavailable("nothing is signed now", ErrStale)
	}
	return nil
}

// following refuses to answer for tokens when nothing was heard for too long,
// or ever.
func (k *Keeper) following() error {
	heard := k.index.Stats().Heard
	switch {
	case heard.IsZero():
		return unavailable("no rule of revocation was read yet", ErrStale)
	case k.machine().Sub(heard) > k.cfg.Ride && !k.cfg.InsecureStaleOpen:
		return unavailable("the log of revocations is out of reach", ErrStale)
	}
	return nil
}
