package sqlite

import (
	"fmt"
	"os"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
)

// A place is where a file was opened. SQLite goes on with a file that was moved,
// deleted or replaced by another, as if nothing had happened: its changes would
// be acknowledged and gone, and those of a command that opens what stands there
// now would never be heard of.
type place struct {
	path string
	file os.FileInfo
}

func newPlace(path string) (place, error) {
	file, err := os.Stat(path)
	if err != nil {
		return place{}, sqldb.Unavailable(err)
	}
	return place{path, file}, nil
}

// holds fails while another file, or none, stands there. It opens nothing: to
// close it again would drop SQLite's locks (POSIX).
func (p place) holds() error {
	now, err := os.Stat(p.path)
	switch {
	case err != nil:
		return sqldb.Unavailable(fmt.Errorf("the database file is gone; put it back, or start the program again: %w", err))
	case !os.SameFile(now, p.file):
		return sqldb.Unavailable(fmt.Errorf("another file stands in the place of the database %s; start the program again", p.path))
	}
	return nil
}
