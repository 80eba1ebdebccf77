package authserver_test

import (
	"context"
	"testing"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// contended is a backend on which somebody else always changes an account first.
type contended struct{ store.Backend }

func (b contended) Set() store.Set {
	set := b.Backend.Set()
	set.Accounts = overtaken{set.Accounts}
	return set
}

type overtaken struct{ account.Store }

func (overtaken) Swap(context.Context, account.Row, account.Row) error { return account.ErrConflict }

// Many logins of one account at once overtake each other: that says nothing of
// the password, and is no fault of the server.
func TestALoginThatIsAlwaysOvertakenIsAskedForAgain(t *testing.T) {
	h := build(t, contended{memory.New()})
	h.do("POST", "/accounts", from(app), form("username", "ada", "password", good)).want(201)
	r := h.do("POST", "/session", from(app), form("username", "ada", "password", good)).want(503)
	if r.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q, want 1", r.Header.Get("Retry-After"))
	}
}
