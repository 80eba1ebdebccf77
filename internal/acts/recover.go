package acts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

// A Recovery is what was done about a log that had lost its end.
type Recovery struct {
	Head     revocation.Cursor // of the log, now
	Needed   bool              // the log was behind, or another node has opened an epoch
	Opened   bool              // it was this node that opened one
	Rules    int               // that this node knew and the store had lost
	Sessions int               // among them those that were alive again, and were ended again
}

// Recover compares the log with the furthest head that this node knows of. A
// log that is behind was put back to an older state: an epoch is opened, so
// that its numbers are not given out twice, what this node still knows is
// appended again, and everything that was signed before is refused, for nobody
// knows what was lost. All of that is one transaction; it is safe to repeat.
//
// A node that finds a later epoch than the one it knows, opened by another,
// adds what it knows and the log does not.
func (a *Acts) Recover(ctx context.Context, now time.Time, seen revocation.Cursor) (Recovery, error) {
	if a.cfg.Issuer == "" {
		return Recovery{}, fmt.Errorf("%w: Recover needs the Issuer", ErrConfig)
	}
	head, err := a.cfg.Backend.Set().Revocations.Head(ctx)
	if err != nil || !head.Before(seen) && head.Epoch <= seen.Epoch {
		return Recovery{Head: head}, err
	}
	known := a.cfg.Index.Live(now)
	var done Recovery
	err = a.together(ctx, func(tx tx) (err error) {
		done, err = a.recover(ctx, now, tx, seen, known)
		return err
	})
	if err != nil {
		return Recovery{}, err
	}
	return done, a.cfg.Keys.Tick(ctx, now) // a key that was compromised again signs no more
}

// recover denies first: rows, keys, rules, and last the epoch with the rule
// that kills what was signed before it.
func (a *Acts) recover(ctx context.Context, now time.Time, tx tx, seen revocation.Cursor, known []revocation.Rule) (Recovery, error) {
	done := Recovery{Needed: true}
	head, err := tx.log.Head(ctx) // before anything is appended that would hide how far it is behind
	if err != nil {
		return done, err
	}
	lost, err := missing(ctx, tx.log, known)
	if err != nil {
		return done, err
	}
	done.Rules = len(lost)
	for _, r := range lost {
		again, err := a.endAgain(ctx, now, tx, r)
		if err != nil {
			return done, err
		}
		if again {
			done.Sessions++
		}
	}
	if done.Head, err = tx.log.Append(ctx, now, lost...); err != nil || !head.Before(seen) {
		return done, err
	}
	if done.Head, done.Opened, err = tx.log.NewEpoch(ctx, seen.Epoch+1); err != nil || !done.Opened {
		return done, err
	}
	done.Head, err = tx.log.Append(ctx, now, revocation.Rule{
		Scope: revocation.ScopeIssuer, ID: a.cfg.Issuer, Action: revocation.Revoke, Reason: "restored", Until: a.until(now),
	})
	return done, err
}

// endAgain does to the store what a lost rule had stood beside: the session
// ended, the key left the set. Other rules stand alone.
func (a *Acts) endAgain(ctx context.Context, now time.Time, tx tx, r revocation.Rule) (bool, error) {
	if r.Action != revocation.Revoke {
		return false, nil
	}
	switch r.Scope {
	case revocation.ScopeSession:
		row, err := tx.sessions.Find(ctx, r.ID)
		if errors.Is(err, session.ErrNotFound) || err == nil && row.State != session.Active {
			return false, nil
		}
		if err == nil {
			err = tx.sessions.End(ctx, now, row.Account, r.ID, r.Reason, "")
		}
		return err == nil, err
	case revocation.ScopeKey:
		if err := tx.keys.Compromise(ctx, now, r.ID); err != nil && !errors.Is(err, keyring.ErrNotFound) {
			return false, err
		}
	}
	return false, nil
}

// page is how many entries of the log are read at once.
const page = 1000

// missing returns the rules that the log does not hold.
func missing(ctx context.Context, log revocation.Log, known []revocation.Rule) ([]revocation.Rule, error) {
	if len(known) == 0 {
		return nil, nil
	}
	held, after := map[revocation.Rule]bool{}, revocation.Cursor{}
	for {
		entries, err := log.Read(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			held[bare(e.Rule)] = true
			after = e.Cursor
		}
		if len(entries) < page {
			break
		}
	}
	var lost []revocation.Rule
	for _, r := range known {
		if !held[bare(r)] {
			lost = append(lost, bare(r))
		}
	}
	return lost, nil
}

// bare is a rule without its place, which it loses when the log is renumbered.
// Times are made comparable with ==.
func bare(r revocation.Rule) revocation.Rule {
	r.Before = revocation.Cursor{}
	for _, t := range []*time.Time{&r.From, &r.Until} {
		if !t.IsZero() {
			*t = t.UTC().Truncate(time.Microsecond)
		}
	}
	return r
}
