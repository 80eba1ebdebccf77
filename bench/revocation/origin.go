package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/jotkeeper/jotkeeper/bench/measure"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// printOriginStart lets an index read a log of all rules from SQLite, as a server
// does before it answers.
func (p plan) printOriginStart(ctx context.Context, w io.Writer, x *revocation.Index) error {
	dir, err := os.MkdirTemp("", "bench-revocation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	backend, err := sqlite.Open(ctx, filepath.Join(dir, "log.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	log := backend.Set().Revocations
	rules := x.Live(start)
	for at := 0; at < len(rules) && err == nil; at += 10_000 {
		_, err = log.Append(ctx, start, rules[at:min(at+10_000, len(rules))]...)
	}
	var seconds []float64
	for n := 0; n < p.starts && err == nil; n++ {
		var used time.Duration
		used, err = readAll(ctx, log, len(rules))
		seconds = append(seconds, used.Seconds())
	}
	if err = errors.Join(err, backend.Close()); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d rules: read from a log in SQLite in %s s of CPU (%d starts)\n", len(rules), measure.SpreadOf(seconds).Text("%.2f"), p.starts)
	return nil
}

// readAll returns the CPU time until an index that knew nothing is up to date.
func readAll(ctx context.Context, log revocation.Source, rules int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	x := revocation.NewIndex(issuer)
	runtime.GC()
	begun := measure.CPU()
	done := make(chan error, 1)
	go func() { done <- revocation.Follow(ctx, log, x) }()
	for x.Stale(time.Now()) && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	used := measure.CPU() - begun
	cancel()
	<-done
	if x.Rules() != rules {
		return used, fmt.Errorf("%d rules of %d were read", x.Rules(), rules)
	}
	return used, nil
}
