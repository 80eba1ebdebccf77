package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// Two rooms change together, or neither does.
func ExampleBackend_Together() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	b, err := sqlite.Open(ctx, filepath.Join(dir, "jotkeeper.db"), sqlite.Options{Server: true})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()

	signUp := func(name, sid string) error {
		return b.Together(ctx, func(tx store.Set) error {
			id, err := tx.Accounts.Insert(ctx, account.Row{Identifier: name})
			if err != nil {
				return err
			}
			row := session.Row{ID: sid, Account: fmt.Sprint(id), State: session.Active}
			_, err = tx.Sessions.Insert(ctx, row, 0, session.Cap{})
			return err
		})
	}
	fmt.Println(signUp("ada", "s1"))
	fmt.Println(signUp("bob", "s1")) // the session exists, so bob does not
	_, err = b.Set().Accounts.FindIdentifier(ctx, "bob")
	fmt.Println(errors.Is(err, account.ErrNotFound))
	// Output:
	// <nil>
	// session: changed in between
	// true
}
