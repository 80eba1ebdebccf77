package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Login is what a session is made from. Nothing in it was chosen by the
// client except Agent and Address, which are only shown to people.
type Login struct {
	Account  string   // required
	Audience string   // required: aud of the access tokens
	Methods  []string // amr: how the person proved who they are (RFC 8176)
	Context  string   // acr
	Scope    string   // asked for; empty: whatever the account has
	Binding  string   // thumbprint of what must be shown with the refresh token; empty: nothing

	Agent, Address, Device string
	RequestID              string
}

// Issued is the answer to a login or a refresh.
type Issued struct {
	Access    string
	Refresh   string // empty: the client keeps the one it has, and no cookie is set
	ExpiresIn time.Duration
	Session   Row
	Outcome   string // login, or the line of the refresh table
}

// Epoch returns the epoch of an account. Read it before the password is
// checked and hand it to Insert: a session is then never made from a password
// that was changed meanwhile.
func (s *Sessions) Epoch(ctx context.Context, account string) (int64, error) {
	epoch, err := s.store.Epoch(ctx, account)
	return epoch, trouble(err)
}

// Prepare returns the row of a new session with a random ID. It does no I/O.
func (s *Sessions) Prepare(now time.Time, l Login) Row {
	now = stored(now)
	key, _ := s.cfg.Master.Signing()
	absolute := deadline(now, s.cfg.Policy.Absolute)
	return Row{
		ID: jwt.NewID(), Account: l.Account, State: Active, KeyID: key,
		RotatedAt: now, HeldAt: now,
		AuthTime: now, Methods: slices.Clone(l.Methods), Context: l.Context, Audience: l.Audience, Scope: l.Scope,
		Idle: s.idle(now, absolute), Absolute: absolute, Binding: l.Binding,
		Agent: l.Agent, Address: l.Address, Device: l.Device, CreatedAt: now, SeenAt: now,
		Events: []Event{{At: now, Kind: "login", Note: loginNote(l), RequestID: l.RequestID}},
	}
}

// Insert writes a prepared row and returns the log's head as of then, for
// Issue. It fails with ErrConflict if the account's sessions were all ended
// since epoch was read, and with ErrLogin for a row that nobody could use.
func (s *Sessions) Insert(ctx context.Context, row Row, epoch int64) (revocation.Cursor, error) {
	switch {
	case row.Account == "":
		return revocation.Cursor{}, fmt.Errorf("%w: Account is missing", ErrLogin)
	case row.Audience == "":
		return revocation.Cursor{}, fmt.Errorf("%w: Audience is missing", ErrLogin)
	}
	head, err := s.store.Insert(ctx, row, epoch, Cap{Limit: s.cfg.Policy.Max, Until: s.until(row.CreatedAt)})
	return head, trouble(err)
}

// Issue signs the first tokens of a session, after it was committed. rev is
// what Insert returned, or the cursor of a rule that the same act appended.
func (s *Sessions) Issue(ctx context.Context, now time.Time, row Row, rev revocation.Cursor) (Issued, error) {
	rights, err := s.rights(ctx, row.Account)
	if err != nil {
		return Issued{}, err
	}
	return s.issue(now, grant{row: row, outcome: "login", audience: row.Audience, rights: rights, rev: rev, renews: true})
}

// Start makes a session: Prepare, Insert, Issue.
func (s *Sessions) Start(ctx context.Context, now time.Time, l Login, epoch int64) (Issued, error) {
	row := s.Prepare(now, l)
	rev, err := s.Insert(ctx, row, epoch)
	if err != nil {
		return Issued{}, err
	}
	return s.Issue(ctx, now, row, rev)
}

// deadline lies on a whole second, as exp does: a session with time left can
// always be given a token that is not born expired.
func deadline(now time.Time, life time.Duration) time.Time {
	return now.Add(life).Truncate(time.Second)
}

func (s *Sessions) idle(now, absolute time.Time) time.Time {
	if idle := deadline(now, s.cfg.Policy.Idle); idle.Before(absolute) {
		return idle
	}
	return absolute
}

func loginNote(l Login) string {
	return noteOf(fmt.Sprintf("%v from %s %s", l.Methods, l.Address, l.Agent))
}
