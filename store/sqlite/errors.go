package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
)

var dialect = sqldb.SQLite(duplicate, explain)

// code returns SQLite's extended result code, 0 for another error.
func code(err error) int {
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func duplicate(err error) bool {
	c := code(err)
	return c == lib.SQLITE_CONSTRAINT_UNIQUE || c == lib.SQLITE_CONSTRAINT_PRIMARYKEY
}

// explain names what a person can do something about.
func explain(err error) error {
	switch code(err) & 0xff {
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w; free some space, nothing acknowledged is lost: %w", sqldb.ErrFull, err)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w; stop, keep a copy of the file with its -wal, restore a backup: %w", sqldb.ErrCorrupt, err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("another process holds the database: %w", err)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN:
		return unwritable(err)
	}
	return err
}

func unwritable(err error) error {
	return fmt.Errorf("the database cannot be opened for writing; check owner and mode of the file and its directory: %w", err)
}

// disk tells whether the disk itself failed. What was not synced once may be
// gone although a second sync succeeds, so there is no second one.
func disk(err error) bool { return code(err)&0xff == lib.SQLITE_IOERR }
