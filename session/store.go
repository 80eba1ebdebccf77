package session

import (
	"context"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
)

// A State tells whether a session is alive.
type State string

// The states. Ended is terminal.
const (
	Active State = "active"
	Ended  State = "ended"
)

// A Row is one session as a store keeps it. Times are kept in whole
// microseconds, UTC; a zero time means never.
type Row struct {
	ID        string // the sid
	Account   string
	State     State
	EndReason string // why it ended, one word, empty while active
	EndedAt   time.Time

	KeyID       secret.KeyID // master key under which the refresh token of Generation was made
	Generation  uint32
	RotatedAt   time.Time // when Generation came to be
	HeldAt      time.Time // from where the hold runs
	ConfirmedAt time.Time // zero: not confirmed
	Late        int       // generations in a row that were replayed past grace
	LateNow     bool      // Generation itself was

	AuthTime time.Time
	Methods  []string // amr
	Context  string   // acr
	Audience string
	Scope    string    // asked for at login; empty: the account's
	Idle     time.Time // deadline, moved by each refresh
	Absolute time.Time // deadline, never moved
	Binding  string    // thumbprint or lock of what may present it; empty: none
	Parent   string    // sid of the session that spawned it; empty: none

	Agent     string
	Address   string
	Device    string // a name the owner gave
	CreatedAt time.Time
	SeenAt    time.Time
	Events    []Event // a short ledger, oldest first, bounded by the room
	Revision  int64
}

// An Event is one line in the life of a session.
type Event struct {
	At        time.Time `json:"at"`
	Kind      string    `json:"kind"` // login, rotate, replay, late, heal, reused, ended, clock, …
	Note      string    `json:"note,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
}

// An Ending names the sessions to end in one step and what is told to the
// verifiers. The store ends the rows, raises the account's epoch if asked, and
// appends the rules last, all in one transaction.
type Ending struct {
	Account string   // required
	IDs     []string // these sessions; empty: all of the account
	Except  string   // but not this one
	Parents bool     // children of an ended session end with it
	Epoch   bool     // raise the account's epoch: logins already under way fail
	Reason  string   // one word for the row and the rules
	Event   Event    // appended to each ended row's ledger (At and Reason are the caller's)
	Now     time.Time
	Until   time.Time         // of the rules
	Rules   []revocation.Rule // appended beside one sid rule per ended session
}

// A Cap bounds how many sessions of one account are live at once.
type Cap struct {
	Limit int       // 0: no cap
	Until time.Time // of the rules of those that leave: no access token of theirs lives longer
}

// Ending is how a store ends the sessions that leave when r comes in.
func (c Cap) Ending(r Row, leaving []string) Ending {
	return Ending{
		Account: r.Account, IDs: leaving, Except: r.ID, Parents: true, Reason: "cap",
		Event: Event{At: r.CreatedAt, Kind: "ended", Note: "cap"}, Now: r.CreatedAt, Until: c.Until,
	}
}

// Errors of a Store.
var (
	ErrNotFound = errors.New("session: no such session")
	ErrConflict = errors.New("session: changed in between")
)

// A Store remembers sessions. It is mechanism, never policy.
type Store interface {
	// Epoch returns the account's epoch, 0 for an account never ended.
	Epoch(ctx context.Context, account string) (int64, error)
	// Insert adds a session at Revision 1 if the account's epoch is still epoch
	// and its Parent (when set) is an active session of the account. If more than
	// c.Limit sessions of the account would then be live, as of r.CreatedAt, it
	// ends the least recently seen others, as c.Ending says; r's Parent is never
	// one of them. ErrConflict if the epoch moved, the parent is gone, no room
	// can be made, or the ID exists. It returns the head of the revocation log
	// as of the same moment.
	Insert(ctx context.Context, r Row, epoch int64, c Cap) (revocation.Cursor, error)
	// Find returns the row and the head of the revocation log as of the same moment.
	Find(ctx context.Context, sid string) (Row, revocation.Cursor, error)
	// Swap replaces from by to if the stored Revision is from's; the stored
	// Revision becomes from.Revision+1. ErrConflict otherwise, ErrNotFound if it is gone.
	Swap(ctx context.Context, from, to Row) error
	// End ends sessions and appends one sid rule for each, by ID, and e.Rules
	// after them. It returns the IDs that were active and ended now, ascending,
	// with the cursor of the last rule, or the head if there was none to append.
	// Ending nothing is no error.
	End(ctx context.Context, e Ending) ([]string, revocation.Cursor, error)
	// List returns the account's sessions that are active and whose deadlines
	// are after now, newest login first.
	List(ctx context.Context, account string, now time.Time) ([]Row, error)
	// Sweep deletes rows ended or past a deadline before now and returns how many.
	Sweep(ctx context.Context, before time.Time) (int, error)
}
