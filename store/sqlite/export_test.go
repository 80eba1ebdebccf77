package sqlite

import (
	"context"
	"database/sql"
	"strconv"
)

// Meddle makes statements about transactions fail when f says so. Call it
// before anything is written.
func (b *Backend) Meddle(f func(statement string) error) { b.writer.meddle = f }

// Shrink leaves the file room for so many pages more than it has, as a disk
// that is nearly full does.
func (b *Backend) Shrink(pages int) error {
	conn := b.writer.conn
	var have, limit int
	if err := conn.QueryRowContext(context.Background(), `PRAGMA page_count`).Scan(&have); err != nil {
		return err
	}
	return conn.QueryRowContext(context.Background(), `PRAGMA max_page_count = `+strconv.Itoa(have+pages)).Scan(&limit)
}

// Pragma reads one number that the database keeps about itself.
func (b *Backend) Pragma(name string) (n int64, err error) {
	err = b.writer.conn.QueryRowContext(context.Background(), `PRAGMA `+name).Scan(&n)
	return n, err
}

// File returns where the file stands.
func (b *Backend) File() (file string, err error) {
	err = b.reading.QueryRow(`SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file)
	return file, err
}

// Claim says that the file has a schema version that it does not have.
func (b *Backend) Claim(version int) error {
	_, err := b.writer.conn.ExecContext(context.Background(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)`, version)
	return err
}

// Columns returns the columns of every table but the migrations' own, each as
// "name TYPE".
func (b *Backend) Columns() (map[string][]string, error) {
	rows, err := b.reading.Query(`SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%' ORDER BY m.name, c.cid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, name, kind string
		if err := rows.Scan(&table, &name, &kind); err != nil {
			return nil, err
		}
		columns[table] = append(columns[table], name+" "+kind)
	}
	return columns, rows.Err()
}

// Newest returns the version of the schema.
func (b *Backend) Newest() int64 {
	s, err := dialect.Version(context.Background(), b.reading)
	if err != nil || s.Have != s.Want {
		return -1
	}
	return s.Want
}

// Watch returns when somebody watches for the changes of other processes.
func (b *Backend) Watch() error {
	looked, err := b.watch.changed()
	if err == nil {
		<-looked // the first look is news
	}
	return err
}

// Hold takes every connection that reads, until release.
func (b *Backend) Hold(ctx context.Context) (release func(), err error) {
	var held []*sql.Conn
	release = func() {
		for _, c := range held {
			_ = c.Close()
		}
	}
	for range b.reading.Stats().MaxOpenConnections {
		c, err := b.reading.Conn(ctx)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, c)
	}
	return release, nil
}

// Waiting tells how often somebody had to wait for a connection that reads.
func (b *Backend) Waiting() int64 { return b.reading.Stats().WaitCount }
