package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

func newID() string { return jwt.NewID() }

// playWriter is another process that appends to the origin's log. It says each
// session that it has ended, and only after the log has acknowledged it.
func playWriter(dir string, pause time.Duration) error {
	backend, err := sqlite.Open(context.Background(), filepath.Join(dir, "log.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer backend.Close()
	for log := backend.Set().Revocations; ; time.Sleep(pause) {
		id := newID()
		switch err := end(log, id); {
		case errors.Is(err, store.ErrUnavailable): // nothing was promised
		case err != nil:
			return err
		default:
			if _, err := fmt.Fprintln(os.Stdout, id); err != nil { // one write: a line is whole or is not there
				return nil // nobody listens any more
			}
		}
	}
}
