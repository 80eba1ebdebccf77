package facepage

import (
	"slices"
	"sync"
)

// A User is a row of the web application's table of people. It is all that the
// application knows of anybody: no name, no address, no password.
type User struct {
	Account string
}

// users is that table. A row is made when its account is first seen.
type users struct {
	mu   sync.Mutex
	rows []User
}

func (u *users) meet(account string) User {
	u.mu.Lock()
	defer u.mu.Unlock()
	row := User{account}
	if !slices.Contains(u.rows, row) {
		u.rows = append(u.rows, row)
	}
	return row
}

func (u *users) all() []User {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.rows)
}
