package memory_test

import (
	"context"
	"fmt"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A test of a room needs no database.
func ExampleNew() {
	ctx := context.Background()
	accounts := memory.New().Set().Accounts
	id, err := accounts.Insert(ctx, account.Row{Identifier: "ada"})
	fmt.Println(id, err)
	_, err = accounts.Insert(ctx, account.Row{Identifier: "ada"})
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// account: identifier is taken
}
