package account_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func Example() {
	backend := memory.New()
	defer backend.Close()
	accounts, err := account.New(account.Config{Store: backend.Set().Accounts})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer accounts.Close()
	ctx, now := context.Background(), time.Now()

	_, err = accounts.Prepare(ctx, now, "", "12345678")
	fmt.Println(err)

	row, _ := accounts.Prepare(ctx, now, "Ada", "moss-kettle-orbit-42")
	row, _ = accounts.Insert(ctx, row)
	fmt.Println(row.Subject(), row.Identifier, row.Display)

	_, err = accounts.Authenticate(ctx, now, "ada", "not hers")
	fmt.Println(err)
	row, err = accounts.Authenticate(ctx, now, " ADA", "moss-kettle-orbit-42")
	fmt.Println(row.Identifier, err)
	// Output:
	// account: username MISSING is empty; password INSECURE is one character repeated, or neighbours in a row
	// 1 ada Ada
	// account: identifier or password is wrong
	// ada <nil>
}
