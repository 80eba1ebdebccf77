//go:build !unix

package sqlite

import (
	"os"
	"path/filepath"
)

// holdDirectory locks nothing where there is no flock. The port that a second
// server cannot bind is the only guard there.
func holdDirectory(path string) (*os.File, error) { return os.Open(filepath.Dir(path)) }
