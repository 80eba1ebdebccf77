package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

const (
	issuer     = "http://127.0.0.1:8080"
	audience   = "localhost"
	perAccount = 4 // sessions
	hands      = 128
)

// A home is a data directory with its program.
type home struct {
	program, dir string
	sids         []string
}

// database is where serve keeps its own, so that it finds what was seeded.
func (h *home) database() string { return filepath.Join(h.dir, "jotkeeper.db") }

// seed puts n sessions into a new store and returns their first refresh tokens.
// The accounts have no password: nobody logs in here.
func (h *home) seed(n int) ([]string, error) {
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		return nil, err
	}
	text := secret.Encode(secret.Generate())
	if err := os.WriteFile(filepath.Join(h.dir, "master-key"), []byte(text+"\n"), 0o600); err != nil {
		return nil, err
	}
	master, err := secret.ParseRing(text)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	backend, err := sqlite.Open(ctx, h.database(), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer backend.Close()
	key, err := jwt.GenerateKey(jwt.EdDSA) // of the first access tokens, which nobody uses
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(session.Config{
		Issuer: issuer, Store: backend.Set().Sessions, Master: master, Checker: revocation.NewIndex(issuer),
		Signer: jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess),
	})
	if err != nil {
		return nil, err
	}
	tokens := make([]string, n)
	h.sids = make([]string, n)
	return tokens, together(n/perAccount, func(person int) error {
		now := time.Now()
		id, err := backend.Set().Accounts.Insert(ctx, account.Row{
			Identifier: fmt.Sprintf("person-%d", person), Display: fmt.Sprintf("Person-%d", person), CreatedAt: now, PasswordChangedAt: now,
		})
		if err != nil {
			return err
		}
		for i := person * perAccount; i < (person+1)*perAccount; i++ {
			issued, err := sessions.Start(ctx, now, session.Login{
				Account: strconv.FormatInt(id, 10), Audience: audience, Methods: []string{"pwd"}, Agent: "bench", Address: "127.0.0.1",
			}, 0)
			if err != nil {
				return err
			}
			tokens[i], h.sids[i] = issued.Refresh, issued.Session.ID
		}
		return nil
	})
}

// verify looks into the store of a server that has ended: each of the sessions
// was rotated once, and that is on the disk.
func (h *home) verify(n int) error {
	ctx := context.Background()
	backend, err := sqlite.Open(ctx, h.database(), sqlite.Options{})
	if err != nil {
		return err
	}
	defer backend.Close()
	return together(n, func(i int) error {
		row, _, err := backend.Set().Sessions.Find(ctx, h.sids[i])
		if err == nil && row.Generation != 1 {
			err = fmt.Errorf("session %s is at generation %d in the store, want 1", row.ID, row.Generation)
		}
		return err
	})
}

// together does n things with many hands and returns the first error.
func together(n int, do func(i int) error) error {
	var wg sync.WaitGroup
	work := make(chan int)
	failed := make(chan error, hands)
	for range hands {
		wg.Go(func() {
			for i := range work {
				if err := do(i); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
	close(failed)
	return <-failed
}
