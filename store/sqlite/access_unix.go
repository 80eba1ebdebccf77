//go:build unix

package sqlite

import (
	"path/filepath"
	"syscall"
)

const mayWrite = 2 // W_OK of access(2)

// writable fails when this process may not change the file, or make the journal
// beside it. SQLite opens such a file as if nothing were wrong, and fails at the
// first change. Nothing is opened here, for the reason that [create] gives.
func writable(path string) error {
	for _, name := range []string{path, filepath.Dir(path)} {
		if err := syscall.Access(name, mayWrite); err != nil {
			return unwritable(err)
		}
	}
	return nil
}
