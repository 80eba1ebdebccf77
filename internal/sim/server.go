package sim

import (
	"time"

	"github.com/jotkeeper/jotkeeper/session"
)

// A server is what a client talks to: several nodes over one store, with one
// session at a time.
type server interface {
	// login begins a session and returns its first refresh token.
	login(now time.Time) (string, error)
	// refresh answers a refresh token. now is what the node's clock says.
	refresh(now time.Time, node int, token string) (answer, error)
	// sight reports an access token that was presented so long after it was made.
	sight(now time.Time, node int, seen string, kept time.Duration) error
	// rights tells that the rights of the account have changed.
	rights(now time.Time) error
	// forget is a fail-over: the last write never happened.
	forget() error
}

// An answer is what a refresh brings.
type answer struct {
	verdict verdict
	line    string // of our refresh table, or what became of a token that renews itself
	token   string // the refresh token to use from now on; empty: the one that was shown
	seen    string // what the access token tells a verifier
	turned  bool   // a new generation was written
	close   bool   // a token was shown that had been replaced so shortly before that a second tab would do the same
}

type verdict int

const (
	served verdict = iota
	wait           // come again
	over           // the session has ended
)

// The figures of ours. Other designs have their access tokens live as long.
var (
	policy    = session.DefaultPolicy()
	accessTTL = policy.AccessTTL
	hold      = policy.Hold
	settle    = policy.Settle
)

// A Design is one rule for refresh tokens.
type Design struct {
	Name  string
	build func(Scenario) (server, error)
}

// Keepers returns our design for a token that renews itself, then another.
func Keepers() []Design {
	return []Design{
		{"Jotkeeper", newKept},
		{"the old one dies at once", modelOf(atOnce, false)},
	}
}

// Designs returns ours, then those of others.
func Designs() []Design {
	return []Design{
		{"Jotkeeper", newOurs},
		{"strict single use", modelOf(strict, false)},
		{"re-rotation for 30 s", modelOf(rerotation, false)},
		{"the parent always answered", modelOf(parentAlways, true)},
	}
}
