package main

import (
	"io"
	"log/slog"
	"os"
)

// logger writes to stderr: text for a person, JSON for a machine.
func (p *program) logger(format string) *slog.Logger {
	if format == "json" || format == "auto" && !terminalLike(p.stderr) {
		return slog.New(slog.NewJSONHandler(p.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(p.stderr, nil))
}

// terminalLike tells whether a person reads along.
func terminalLike(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	stat, err := f.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice != 0
}
