package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// A Dialect is what one database does differently.
type Dialect struct {
	Name      string                // of the folder of migrations
	Goose     goose.Dialect         // how its table of versions is written
	Duplicate func(err error) bool  // a UNIQUE was violated
	Explain   func(err error) error // wraps ErrCorrupt or ErrFull, if that is what the driver says; nil: nothing to add
}

func (d *Dialect) explain(err error) error {
	if d.Explain == nil {
		return err
	}
	return d.Explain(err)
}

// SQLite is the dialect of SQLite 3.35 and later (RETURNING, STRICT).
func SQLite(duplicate func(error) bool, explain func(error) error) *Dialect {
	return &Dialect{Name: "sqlite", Goose: goose.DialectSQLite3, Duplicate: duplicate, Explain: explain}
}

// Migrations returns the dialect's folder of migrations.
func (d *Dialect) Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations/"+d.Name)
	if err != nil {
		panic("sqldb: " + err.Error()) // only for a name that is no path
	}
	return sub
}

// A Schema tells the version that a database has and the newest known here.
type Schema struct{ Have, Want int64 }

// Version reads the version of a database, 0 for an empty one, and changes
// nothing.
func (d *Dialect) Version(ctx context.Context, db *sql.DB) (Schema, error) {
	p, err := d.provider(db)
	if err != nil {
		return Schema{}, err
	}
	s := Schema{Want: newest(p)}
	table := ""
	err = db.QueryRowContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?`, goose.DefaultTablename).Scan(&table)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err == nil {
		err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+goose.DefaultTablename).Scan(&s.Have)
	}
	if err != nil {
		return Schema{}, Unavailable(d.explain(err))
	}
	if s.Have > s.Want {
		return s, Unavailable(fmt.Errorf("%w: it has schema %d, this program knows %d; use the version that wrote it, or a newer one", ErrNewer, s.Have, s.Want))
	}
	return s, nil
}

// Migrate brings a database to the newest version, forward only. The caller
// sees to it that nobody else does the same.
func (d *Dialect) Migrate(ctx context.Context, db *sql.DB) error {
	p, err := d.provider(db)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return Unavailable(d.explain(err))
	}
	return nil
}

func (d *Dialect) provider(db *sql.DB) (*goose.Provider, error) {
	p, err := goose.NewProvider(d.Goose, db, d.Migrations(), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("sqldb: migrations of %s: %w", d.Name, err)
	}
	return p, nil
}

func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}
