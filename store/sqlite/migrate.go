package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// turnOver is how long to wait between two looks at whether another process
// has finished the migration.
const turnOver = 10 * time.Millisecond

// migrate brings the schema up to date while nobody else can. A server has the
// directory anyway; a command takes it for that moment, and does not need it
// when the schema is current, so it may work beside a server.
func migrate(ctx context.Context, db *sql.DB, path string, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, o.Busy)
	defer cancel()
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
			return err
		case <-time.After(turnOver):
		}
	}
}
