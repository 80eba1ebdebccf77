//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
)

// holdDirectory locks the directory of a file until the returned file is
// closed or the process ends, however it ends.
func holdDirectory(path string) (*os.File, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, sqldb.Unavailable(err)
	}
	err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return dir, nil
	}
	dir.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, sqldb.Unavailable(fmt.Errorf("%w; stop it, or choose another directory", ErrInUse))
	}
	return nil, sqldb.Unavailable(fmt.Errorf("lock directory: %w", err))
}
