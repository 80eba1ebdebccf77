package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
)

// create makes an empty file that only its owner can read; SQLite gives the
// same mode to the files beside it. A file that exists is not even opened: to
// close it would drop the locks of whoever has it open in this process (POSIX).
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// connect returns a pool of n connections. Nothing is opened yet.
func connect(path string, busy time.Duration, readOnly bool, n int) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, sqldb.Unavailable(err)
	}
	connector, err := sqlite.NewConnector(dsn(abs, busy, readOnly))
	if err != nil {
		return nil, sqldb.Unavailable(fmt.Errorf("open: %w", err))
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// dsn names a file with the pragmas that every connection to it needs:
// a log that readers need not wait for, and a sync of the disk in every commit.
func dsn(abs string, busy time.Duration, readOnly bool) string {
	q := url.Values{"_pragma": {
		"busy_timeout(" + strconv.FormatInt(busy.Milliseconds(), 10) + ")", // first: the others may have to wait
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"trusted_schema(OFF)",
		"cell_size_check(ON)", // damage is noticed where it is read
	}}
	if readOnly {
		q.Add("_pragma", "query_only(ON)")
	}
	name := (&url.URL{Path: filepath.ToSlash(abs)}).EscapedPath()
	return "file:" + strings.ReplaceAll(name, "?", "%3F") + "?" + q.Encode()
}
