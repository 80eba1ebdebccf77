package session

import (
	"context"
	"crypto/subtle"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Request is what came with a refresh token.
type Request struct {
	Audience       string // of the access token; empty: the session's own
	Binding        string // thumbprint of what was shown with it
	Agent, Address string
	RequestID      string
}

// laps are how often one refresh decides. Whoever was first has written what
// the next decision needs not write again: a rotation, a late replay, a
// sighting. So a crowd needs as many laps as there are kinds of them.
const laps = 8

// patience is how long one refresh waits for a store that does not answer.
const patience = 3 * time.Second

// Refresh answers a refresh token: with a fresh access token, and with the
// refresh token to use from now on where the table says so. The failure is
// always an *Error. Only a Terminal one means that the session is over.
//
// It waits up to 3 seconds for the store, within the request.
func (s *Sessions) Refresh(ctx context.Context, now time.Time, raw string, req Request) (Issued, error) {
	now = stored(now)
	issued, err := s.refresh(ctx, now, raw, req)
	if err == nil {
		s.tally.count(outcome(issued.Outcome), now)
		return issued, nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok { // signing failed: nothing is known of the session, and nothing lost
		e = unavailable(retry, err)
	}
	s.tally.count(outcome(e.Outcome), now)
	return Issued{}, e
}

func (s *Sessions) refresh(ctx context.Context, now time.Time, raw string, req Request) (Issued, error) {
	token, p, err := s.examine(raw)
	if err != nil {
		return Issued{}, err
	}
	storing, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for range laps {
		g, err := s.decide(storing, now, token.SessionID, p, req)
		if errors.Is(err, ErrConflict) {
			continue // another request was first: decide again on what it left
		}
		if err != nil {
			return Issued{}, err
		}
		return s.issue(now, g)
	}
	return Issued{}, unavailable(retry, ErrConflict)
}

// examine does what needs no store: shape, master key, MAC.
func (s *Sessions) examine(raw string) (Refresh, presented, error) {
	token, err := ParseRefresh(raw)
	if err != nil {
		return Refresh{}, presented{}, &Error{Outcome: string(malformed), Reason: jwt.Malformed, Err: err}
	}
	master, known := s.cfg.Master.Find(token.KeyID)
	p := presented{known: known, generation: token.Generation, key: token.KeyID}
	p.genuine = known && token.genuine(master)
	p.next, _ = s.cfg.Master.Signing()
	if o, refused := p.refused(); refused {
		e := &Error{Outcome: string(o), Reason: o.reason(), RetryAfter: o.wait()}
		if !known {
			e.Err = ErrUnknownKey
		}
		return Refresh{}, presented{}, e
	}
	return token, p, nil
}

// decide reads the row, asks the table, and makes true what it says: one read
// and at most one write. ErrConflict means that the row changed in between.
func (s *Sessions) decide(ctx context.Context, now time.Time, sid string, p presented, req Request) (grant, error) {
	row, head, err := s.find(ctx, sid)
	if err != nil {
		return grant{}, err
	}
	p.bound = bound(row, req.Binding)
	if v := s.verdict(now, row); v.Action == revocation.Revoke {
		return grant{}, s.endAgain(ctx, now, row, v, req.RequestID)
	}
	next, o := step(row, p, now, s.cfg.Policy)
	if o == reused {
		return grant{}, s.endReused(ctx, now, row, p, req.RequestID)
	}
	g := grant{row: next, outcome: o, rev: head, renews: o.renews()}
	if o.issues() {
		if err := s.entitle(ctx, &g, req); err != nil {
			return grant{}, err
		}
	}
	next, write := record(row, g.row, o, now, req.RequestID)
	if write {
		if o.issues() {
			next.SeenAt, next.Idle = now, s.idle(now, next.Absolute)
			next.Agent, next.Address = either(req.Agent, next.Agent), either(req.Address, next.Address)
		}
		err = s.swap(ctx, row, next)
	}
	switch {
	case !o.issues(): // its event is a courtesy; the answer stands without it
		return grant{}, refusal(row, o, now)
	case err != nil:
		return grant{}, err
	}
	g.row = next
	return g, nil
}

// entitle finds out for what the token is good, before anything is written.
func (s *Sessions) entitle(ctx context.Context, g *grant, req Request) error {
	if _, known := s.cfg.Master.Find(g.row.KeyID); !known {
		return unavailable(retry, ErrUnknownKey)
	}
	g.audience = either(req.Audience, g.row.Audience)
	if g.audience != g.row.Audience && !s.allows(g.audience) {
		return about(g.row, &Error{Outcome: string(audience), Reason: jwt.BadAud})
	}
	return waiting(ctx, func() (err error) {
		g.rights, err = s.rights(ctx, g.row.Account)
		if e, ok := errors.AsType[*Error](err); ok {
			about(g.row, e)
		}
		return err
	})
}

func (s *Sessions) allows(audience string) bool {
	return slices.Contains(s.cfg.Audiences, audience) || s.cfg.Allows != nil && s.cfg.Allows(audience)
}

// verdict asks this node's rules about the session itself. A session that a
// store forgot to have ended is found here. A rule about what was signed before
// it ends tokens, not the session: whatever this refresh gives comes after it.
func (s *Sessions) verdict(now time.Time, row Row) revocation.Verdict {
	if row.State != Active {
		return revocation.Verdict{}
	}
	return s.cfg.Checker.Check(now, &revocation.Query{Issuer: s.cfg.Issuer, SessionID: row.ID, Rev: afterAllRules, HasRev: true})
}

// afterAllRules is behind every rule there can be.
var afterAllRules = revocation.Cursor{Epoch: math.MaxUint64, Seq: math.MaxUint64}

// Look returns the session of a refresh token without using the token up: what
// serves outside refresh, to list one's sessions or to end one. It accepts
// what Refresh would answer with same, rotate or replay; it changes nothing and
// ends nothing, and its refusals are never Terminal. A refresh token that is
// not the newest is refused with the reason stale: refresh, then repeat.
func (s *Sessions) Look(ctx context.Context, now time.Time, raw string) (Row, error) {
	now = stored(now)
	token, p, err := s.examine(raw)
	if err != nil {
		return Row{}, err
	}
	row, _, err := s.store.Find(ctx, token.SessionID)
	switch {
	case errors.Is(err, ErrNotFound):
		return Row{}, looked(Row{ID: token.SessionID}, jwt.Revoked)
	case err != nil:
		return Row{}, unavailable(retry, err)
	}
	if v := s.verdict(now, row); v.Action == revocation.Revoke {
		return Row{}, looked(row, jwt.Revoked)
	}
	p.bound = bound(row, "")
	switch _, o := step(row, p, now, s.cfg.Policy); o {
	case same, rotate, replay:
		return row, nil
	case ended:
		reason, _ := row.over(now)
		return Row{}, looked(row, reason)
	case binding:
		return Row{}, looked(row, jwt.Binding)
	default:
		return Row{}, looked(row, jwt.Stale)
	}
}

func looked(row Row, reason jwt.Reason) error {
	return about(row, &Error{Outcome: "look", Reason: reason})
}

// bound tells whether what a session is bound to was shown.
func bound(row Row, shown string) bool {
	return row.Binding == "" || subtle.ConstantTimeCompare([]byte(row.Binding), []byte(shown)) == 1
}

// refusal is the answer to an outcome that issues nothing.
func refusal(row Row, o outcome, now time.Time) error {
	e := &Error{Outcome: string(o), Reason: o.reason(), RetryAfter: o.wait()}
	if o == ended {
		e.Reason, _ = row.over(now)
	}
	return about(row, e)
}

func about(row Row, e *Error) *Error {
	e.Account, e.SessionID = row.Account, row.ID
	return e
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
