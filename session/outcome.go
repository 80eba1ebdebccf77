package session

import (
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// An outcome is one line of the refresh table. Its text is what Stats, the
// ledger and Error show.
type outcome string

const (
	retry     outcome = "retry"     // cannot know now: 503
	malformed outcome = "malformed" // not a token of ours: 401, no query was made
	ended     outcome = "ended"     // the session is over: 401, terminal
	binding   outcome = "binding"   // shown without what it is bound to: 401
	same      outcome = "same"      // a fresh access token, and the refresh token stays
	rotate    outcome = "rotate"    // the next generation
	replay    outcome = "replay"    // the current generation again, byte for byte
	reused    outcome = "reused"    // a stolen token: the session ends, terminal
	late      outcome = "late"      // overtaken on the way: 503, nothing changes
	heal      outcome = "heal"      // the store lost writes: answered as same
	refused   outcome = "refused"   // the account may have no tokens: 401, terminal
	audience  outcome = "audience"  // a token for somebody else was asked for: 401
)

// outcomes is every outcome, in the order of the table.
var outcomes = []outcome{retry, malformed, ended, binding, same, rotate, replay, reused, late, heal, refused, audience}

// issues tells whether the answer holds a fresh access token.
func (o outcome) issues() bool { return o == same || o == rotate || o == replay || o == heal }

// renews tells whether the answer holds a refresh token. An answer that holds
// none must leave the client's alone: no Set-Cookie.
func (o outcome) renews() bool { return o == rotate || o == replay }

// terminal tells whether the client has lost its session by this answer and
// may forget it. Everything else leaves the session and the client's tokens be.
func (o outcome) terminal() bool { return o == ended || o == reused || o == refused }

// wait is how long the client is asked to wait, 0 for no wait.
func (o outcome) wait() time.Duration {
	if o.reason() != jwt.Unavailable {
		return 0
	}
	return retryAfter
}

// reason is what the client is told.
func (o outcome) reason() jwt.Reason {
	switch o {
	case malformed:
		return jwt.Malformed
	case binding:
		return jwt.Binding
	case reused:
		return jwt.Reused
	case ended, refused:
		return jwt.Revoked
	case audience:
		return jwt.BadAud
	default:
		return jwt.Unavailable
	}
}
