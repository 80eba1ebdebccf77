package revocation

import (
	"context"
	"fmt"
	"time"
)

// A Scope tells what a rule's ID names.
type Scope string

// The scopes, from one token to everything an issuer signed.
const (
	ScopeToken   Scope = "jti"
	ScopeSession Scope = "sid"
	ScopeSubject Scope = "sub"
	ScopeTenant  Scope = "tid"
	ScopeKey     Scope = "kid"
	ScopeIssuer  Scope = "iss"
)

// An Action is what a rule does to a token that it matches. Actions form a
// lattice, None < Rotate < Revoke: a weaker rule never hides a stronger one.
type Action uint8

// The actions.
const (
	None   Action = 0
	Rotate Action = 1 // accepted, to be renewed at the next sight
	Revoke Action = 2 // refused
)

// A Cursor is a place in the ordered feed of rules: an epoch that only grows,
// and a sequence number dense within it. Cursors compare as pairs. The zero
// Cursor is before every rule.
type Cursor struct {
	Epoch uint64
	Seq   uint64
}

// A Rule is one revocation. A sub, tid or iss rule matches tokens whose rev is
// below Before; jti, sid and kid rules match their ID absolutely: a thief who
// has the key signs any rev.
type Rule struct {
	Scope  Scope
	ID     string
	Before Cursor    // filled by the log for sub, tid, iss: the rule's own cursor
	From   time.Time // in force from then; zero: at once
	Until  time.Time // in force up to and including then: no token that it could match lives longer; zero: for ever
	Action Action
	Reason string // why: logout, password, lock, rights, key, reused, …
}

// An Entry is a rule at its place in the log.
type Entry struct {
	Cursor Cursor
	At     time.Time // when it was appended; used only for foreign tokens without rev
	Rule   Rule
}

// A Source is an ordered feed of rules that can be followed. The zero Cursor is
// good in every epoch: reading after it gives all that is kept.
type Source interface {
	// Head returns the cursor of the last rule, or of the epoch's start.
	Head(ctx context.Context) (Cursor, error)
	// Read returns at most limit entries after a cursor, in order. A cursor of
	// another epoch, ahead of the head, or older than what is kept is ErrSnapshotRequired.
	Read(ctx context.Context, after Cursor, limit int) ([]Entry, error)
	// Wait returns when there may be entries after a cursor, or ctx ends. It is
	// a hint: Read is the truth.
	Wait(ctx context.Context, after Cursor) error
}

// A Log is a Source that can be appended to.
type Log interface {
	Source
	// Append takes sequence numbers in commit order and returns the cursor of
	// the last rule appended.
	Append(ctx context.Context, now time.Time, rules ...Rule) (Cursor, error)
	// State returns the strongest live action per ID of a scope, straight from the store.
	State(ctx context.Context, now time.Time, scope Scope, ids ...string) (map[string]Action, error)
	// Compact forgets rules whose Until is before now. It returns how many.
	Compact(ctx context.Context, now time.Time) (int, error)
	// NewEpoch opens an epoch, for a log that was put back to an older state:
	// its numbers would be given out a second time. The rules that are kept move
	// into it, numbered from 1 in their order; what is Relative then kills all
	// that was signed in earlier epochs. It returns the head, and whether it was
	// this call that opened: a log of that epoch or a later one stays as it is,
	// so of several nodes that ask for the same epoch one opens it. An epoch
	// above what a store can number is ErrBadCursor.
	NewEpoch(ctx context.Context, epoch uint64) (head Cursor, opened bool, err error)
}

// MaxEpoch is the last epoch that every store can number.
const MaxEpoch = 1<<63 - 1

// A Query is what a verified token tells about itself. [QueryOf] makes one.
type Query struct {
	Issuer, ID, SessionID, Subject, Tenant, KeyID string
	Rev                                           Cursor // zero when the token has none
	HasRev                                        bool
	IssuedAt                                      time.Time // decides where there is no rev
}

// A Verdict is what the live rules say of a token.
type Verdict struct {
	Action Action
	Scope  Scope  // of the rule that decided
	Reason string // of the rule that decided
}

// A Checker decides on verified tokens. The Index is one. It is asked after every
// verification, so it costs nanoseconds; it is safe for concurrent use.
type Checker interface {
	Check(now time.Time, q *Query) Verdict // of the rules in force at now
}

// Relative tells whether rules of the scope look at a token's rev, so that what
// is signed after the rule is not touched. The other scopes are absolute.
func (s Scope) Relative() bool {
	return s == ScopeSubject || s == ScopeTenant || s == ScopeIssuer
}

// String returns none, rotate or revoke.
func (a Action) String() string {
	switch a {
	case None:
		return "none"
	case Rotate:
		return "rotate"
	case Revoke:
		return "revoke"
	}
	return "unknown"
}

// Validate returns ErrBadRule, with what is wrong, for a rule that no log may
// take: an empty ID, which would match whatever lacks the claim; a scope or an
// action that is not known here; a span in which it is never in force.
func (r Rule) Validate() error {
	switch {
	case slot(r.Scope) < 0:
		return fmt.Errorf("%w: unknown scope %q; want jti, sid, sub, tid, kid or iss", ErrBadRule, r.Scope)
	case r.ID == "":
		return fmt.Errorf("%w: empty %s", ErrBadRule, r.Scope)
	case r.Action != Rotate && r.Action != Revoke:
		return fmt.Errorf("%w: unknown action %d; want rotate or revoke", ErrBadRule, r.Action)
	case !r.Until.IsZero() && r.From.After(r.Until):
		return fmt.Errorf("%w: in force from %s until %s", ErrBadRule, stamp(r.From), stamp(r.Until))
	}
	return nil
}

// Live tells whether the rule is in force at now.
func (r Rule) Live(now time.Time) bool {
	return !now.Before(r.From) && (r.Until.IsZero() || !now.After(r.Until))
}

// SessionEnded refuses every token of a session.
func SessionEnded(sid, reason string, until time.Time) Rule {
	return Rule{Scope: ScopeSession, ID: sid, Action: Revoke, Reason: reason, Until: until}
}

// SubjectEnded refuses every token of an account that was signed before.
func SubjectEnded(sub, reason string, until time.Time) Rule {
	return Rule{Scope: ScopeSubject, ID: sub, Action: Revoke, Reason: reason, Until: until}
}

// SubjectChanged asks for the renewal of every token of an account that was
// signed before. It refuses none.
func SubjectChanged(sub, reason string, until time.Time) Rule {
	return Rule{Scope: ScopeSubject, ID: sub, Action: Rotate, Reason: reason, Until: until}
}

// KeyCompromised refuses every token under a signing key, whenever signed.
func KeyCompromised(kid, reason string, until time.Time) Rule {
	return Rule{Scope: ScopeKey, ID: kid, Action: Revoke, Reason: reason, Until: until}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
