package account

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// A Row is one account as a store keeps it.
type Row struct {
	ID         int64  // numeric, given by the store at Insert; the sub claim is its decimal form
	Identifier string // canonical form, unique
	Display    string // as it was typed
	Password   string // PHC string; empty: cannot log in by password
	Credential int64  // version, raised by every change of a credential

	Scope  string                     // space-separated rights that enter its tokens
	Claims map[string]json.RawMessage // private claims that enter its tokens
	Rights int64                      // version, raised by every change of scope or claims

	Locked            bool
	RequireNew        bool // the password must be changed at the next login
	Failures          int  // consecutive failed logins, counted by Fail
	FailedAt          time.Time
	CreatedAt         time.Time
	PasswordChangedAt time.Time
	LastLoginAt       time.Time
	DeletedAt         time.Time
	Revision          int64
}

// Errors of a Store.
var (
	ErrNotFound = errors.New("account: no such account")
	ErrConflict = errors.New("account: changed in between")
	ErrTaken    = errors.New("account: identifier is taken")
)

// A Store remembers accounts. It is mechanism, never policy.
type Store interface {
	// Insert adds an account at Revision 1 and returns its new ID. ErrTaken if the identifier exists.
	Insert(ctx context.Context, r Row) (int64, error)
	// Find returns the account of an ID, ErrNotFound if there is none.
	Find(ctx context.Context, id int64) (Row, error)
	// FindIdentifier returns the account of a canonical identifier, ErrNotFound if there is none.
	FindIdentifier(ctx context.Context, canonical string) (Row, error)
	// Swap replaces from by to if the stored Revision is from's; the stored
	// Revision becomes from.Revision+1. Failures and FailedAt are not touched:
	// they belong to Fail and Forgive. ErrConflict, ErrTaken or ErrNotFound otherwise.
	Swap(ctx context.Context, from, to Row) error
	// List returns at most limit accounts with an ID above after, by ID.
	List(ctx context.Context, after int64, limit int) ([]Row, error)
	// Fail counts one failed attempt atomically and returns the count. It does not touch Revision.
	Fail(ctx context.Context, id int64, now time.Time) (int, error)
	// Forgive sets the count back to zero, if it is still what it was. It does not touch Revision.
	Forgive(ctx context.Context, id int64, count int) error
}
