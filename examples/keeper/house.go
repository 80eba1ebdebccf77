package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// site names who signs the tokens and for whom. It stays when the address changes.
const site = "https://shop.example.com"

// A house is what the program opens at its start and closes at its end.
type house struct {
	db       *sqlite.Backend
	keys     *keyring.Ring
	keeper   *keeper.Keeper
	accounts *account.Accounts

	leave    context.CancelFunc
	watching sync.WaitGroup
}

func open(ctx context.Context, dir string) (*house, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path, key := filepath.Join(dir, "shop.db"), filepath.Join(dir, "master-key")
	_, err := os.Stat(path)
	master, err := masterKey(key, errors.Is(err, fs.ErrNotExist))
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	switch {
	case errors.Is(err, sqlite.ErrCorrupt):
		return nil, fmt.Errorf("%s is damaged; put a good copy in its place, or begin anew with another -dir: %w", path, err)
	case err != nil:
		return nil, err // which says what to do
	}
	h := &house{db: db}
	switch err := h.furnish(ctx, master); {
	case errors.Is(err, keyring.ErrMasterKey):
		return nil, errors.Join(fmt.Errorf("%s is not the key of %s; put the right one back", key, path), db.Close())
	case err != nil:
		return nil, errors.Join(err, db.Close())
	}
	h.watch()
	return h, nil
}

func (h *house) furnish(ctx context.Context, master secret.Ring) (err error) {
	set := h.db.Set()
	h.keys, err = keyring.Open(ctx, time.Now(), keyring.Config{Store: set.Keys, Master: master})
	if err != nil {
		return err
	}
	h.keeper, err = keeper.New(keeper.Config{
		Issuer: site, Audience: site,
		Signer: h.keys.Signer(jwt.KindSession), Keys: h.keys,
		Store: set.Keepers, Revocations: set.Revocations,
		Kept: func(_ context.Context, err error) { log.Print(err) },
	})
	if err != nil {
		return err
	}
	if h.accounts, err = account.New(account.Config{Store: set.Accounts}); err != nil {
		return err
	}
	return h.keeper.CatchUp(ctx) // before the first request
}

// watch turns the signing keys when it is time, and follows the log: several of
// these programs may share one database.
func (h *house) watch() {
	ctx, leave := context.WithCancel(context.Background())
	h.leave = leave
	h.watching.Go(func() { h.keys.Run(ctx) })
	h.watching.Go(func() { _ = h.keeper.Run(ctx) }) // ends with ctx, and only then
}

func (h *house) close() error {
	h.leave()
	h.watching.Wait()
	h.accounts.Close()
	return h.db.Close()
}
