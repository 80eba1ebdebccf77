package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/sqldb"
)

// How long to wait for another process's migration, and between two looks at
// whether it is done.
const (
	patience = 10 * time.Second
	turnOver = 10 * time.Millisecond
)

// migrate brings the schema up to date while nobody else can. A server has the
// directory anyway; a command takes it for that moment, and does not need it
// when the schema is current, so it may work beside a server.
func migrate(ctx context.Context, db *sql.DB, path string, o Options) error {
	over := time.After(patience)
	for {
		s, err := dialect.Version(ctx, db)
		if err != nil || s.Have == s.Want {
			return err
		}
		if o.Server {
			return dialect.Migrate(ctx, db)
		}
		held, err := holdDirectory(path)
		if err == nil {
			err = dialect.Migrate(ctx, db)
			return errors.Join(err, held.Close())
		}
		select {
		case <-ctx.Done():
			return sqldb.Unavailable(ctx.Err())
		case <-over:
			return err // the directory is in use, by a server that does not migrate
		case <-time.After(turnOver):
		}
	}
}
