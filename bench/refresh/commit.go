package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// A bare is what the disk allows without a server on it.
type bare struct {
	Swaps   float64 // durable compare-and-swaps of a session row a second, by as many hands as clients
	Commits float64 // transactions a second that they shared
	Syncs   float64 // a small write with its sync, a second, one by one
}

func runCommit(dir string, n, clients int) (b bare, err error) {
	return b, play("commit", nil, &b, "-dir", dir, "-each", fmt.Sprint(n), "-clients", fmt.Sprint(clients))
}

// playCommit is the process that commits.
func playCommit(dir string, n, clients int) error {
	dir, err := os.MkdirTemp(dir, "commit-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var b bare
	if b.Syncs, err = syncs(filepath.Join(dir, "file"), n/20); err != nil {
		return err
	}
	if err := b.swap(filepath.Join(dir, "commit.db"), n, clients); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(b)
}

// swap counts durable compare-and-swaps: each hand advances a row of its own.
func (b *bare) swap(path string, n, clients int) error {
	ctx := context.Background()
	backend, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	defer backend.Close()
	store := backend.Set().Sessions
	failed := make([]error, clients)
	rows := make([]session.Row, clients)
	for i := range rows {
		rows[i] = row(i)
		if _, err := store.Insert(ctx, rows[i], 0, session.Cap{}); err != nil {
			return err
		}
		rows[i].Revision = 1
	}
	before, began := backend.Stats().Commits, time.Now()
	var wg sync.WaitGroup
	for i := range rows {
		wg.Go(func() {
			for at := rows[i]; at.Revision <= int64(n/clients) && failed[i] == nil; at.Revision++ {
				to := at
				to.Generation++
				failed[i] = store.Swap(ctx, at, to)
			}
		})
	}
	wg.Wait()
	took := time.Since(began).Seconds()
	b.Swaps = float64(n/clients*clients) / took
	b.Commits = float64(backend.Stats().Commits-before) / took
	return errors.Join(failed...)
}

func row(i int) session.Row {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return session.Row{
		ID: fmt.Sprintf("%022d", i), Account: fmt.Sprint(i), State: session.Active, RotatedAt: now, HeldAt: now,
		AuthTime: now, Methods: []string{"pwd"}, Audience: audience, Idle: now.Add(time.Hour), Absolute: now.Add(time.Hour),
		Agent: "bench", Address: "127.0.0.1", CreatedAt: now, SeenAt: now, Events: []session.Event{{At: now, Kind: "login"}},
	}
}

// syncs counts small writes over the same place, each with a sync of its own.
func syncs(path string, n int) (float64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page := make([]byte, 4096)
	began := time.Now()
	for range n {
		if _, err := f.WriteAt(page, 0); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
