package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// A house is every room, wired to one store.
type house struct {
	set      *settings
	dir      *dataDir
	beside   bool // a command's, perhaps beside a server
	master   secret.Ring
	backend  *sqlite.Backend
	keys     *keyring.Ring
	index    *revocation.Index
	accounts *account.Accounts // nil: not furnished
	sessions *session.Sessions
	acts     *acts.Acts
	clock    *session.Clock
	feed     *feed.Handler // nil: nobody follows
	mirror   mirror
	disk     *revocation.Disk  // of the index; a server's
	seen     revocation.Cursor // the furthest head of the log that this process knows of
}

// open wires the rooms for a server, which makes what is missing. told hears
// what a person should know.
func (s *settings) open(ctx context.Context, dir *dataDir, told func(string)) (*house, error) {
	_, err := os.Stat(s.databasePath())
	fresh := errors.Is(err, fs.ErrNotExist)
	h, err := s.build(ctx, dir, fresh, sqlite.Options{Server: true})
	if err != nil {
		return nil, err
	}
	h.disk = revocation.OpenDisk(dir.file(rulesDir), h.index)
	if why := h.disk.Stats().Refused; why != "" {
		told(why + "; all rules are read from the database")
	}
	if h, err = h.furnished(ctx); err != nil {
		return nil, err
	}
	return h.recovered(ctx, told)
}

// rulesDir keeps the server's index between two runs: a million rules are there
// in a third of a second, and in four from the database. After a restore it also
// knows what the database has lost.
const rulesDir = "rules"

// openBeside wires the rooms for a command, which works beside a server.
func (p *program) openBeside(ctx context.Context) (*house, error) {
	s, err := p.loadBeside()
	if err != nil {
		return nil, err
	}
	h, err := s.openStore(ctx)
	if err != nil {
		return nil, err
	}
	if h, err = h.furnished(ctx); err != nil {
		return nil, err
	}
	return h.recovered(ctx, func(text string) { p.say("%s", text) })
}

// openStore opens the database of a server that was there before, and no room.
func (s *settings) openStore(ctx context.Context) (*house, error) {
	dir, err := existingDataDir(s.DataDir, s.home)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(s.databasePath()); err != nil {
		return nil, &fault{Code: exitConfig, Text: "there is no database " + s.databasePath() + ": " + cause(err),
			Try: []string{"jotkeeper serve, which makes it, or --data-dir DIR where it is"}, Err: err}
	}
	h, err := s.build(ctx, dir, false, sqlite.Options{Readers: 1})
	if err == nil {
		h.beside = true
	}
	return h, err
}

// build opens the database with its master keys.
func (s *settings) build(ctx context.Context, dir *dataDir, fresh bool, o sqlite.Options) (*house, error) {
	if err := onlyOwners(s.databasePath()); err != nil {
		return nil, err
	}
	master, err := s.masterKeys(fresh)
	if err != nil {
		return nil, err
	}
	m := mirror{dir.file(mirrorFile)}
	o.Mirror = func(epoch, seq uint64) error { return m.keep(revocation.Cursor{Epoch: epoch, Seq: seq}) }
	backend, err := sqlite.Open(ctx, s.databasePath(), o)
	if err != nil {
		return nil, s.storeFault(err)
	}
	return &house{set: s, dir: dir, master: master, backend: backend, index: revocation.NewIndex(s.Issuer), mirror: m}, nil
}

// furnished opens every room, or closes the house again.
func (h *house) furnished(ctx context.Context) (*house, error) {
	if err := h.furnish(ctx); err != nil {
		return nil, errors.Join(h.set.storeFault(err), h.close())
	}
	return h, nil
}

// furnish opens the rooms that need the store.
func (h *house) furnish(ctx context.Context) (err error) {
	set := h.backend.Set()
	life, err := h.dir.longestLife(h.set.AccessTTL)
	if err != nil {
		return err
	}
	h.keys, err = keyring.Open(ctx, time.Now(), keyring.Config{
		Store: set.Keys, Master: h.master, Algorithm: jwt.Algorithm(h.set.SigningAlg),
		Rotation: h.set.KeyRotation, MaxAge: h.set.JWKSMaxAge, TokenLife: life, Visitor: h.beside,
		Typ: map[jwt.Kind]string{jwt.KindAccess: h.set.TokenTyp},
	})
	if err != nil {
		return err
	}
	if h.accounts, err = account.New(account.Config{Store: set.Accounts}); err != nil {
		return err
	}
	allows, err := authserver.Audiences(h.set.Issuer, h.set.AppDomains)
	if err != nil {
		return err
	}
	h.sessions, err = session.New(session.Config{
		Issuer: h.set.Issuer, Store: set.Sessions, Master: h.master, Signer: h.keys.Signer(jwt.KindAccess),
		Checker: h.index, Rights: acts.Rights(h.accounts), Allows: allows, Policy: h.set.policy(), Life: life,
	})
	if err != nil {
		return err
	}
	h.acts, err = acts.New(acts.Config{
		Issuer:  h.set.Issuer,
		Backend: h.backend, Accounts: h.accounts, Sessions: h.sessions, Keys: h.keys, Index: h.index, Life: life,
	})
	if err != nil {
		return err
	}
	// A file has no clock but its machine's; what the Clock still finds out is
	// that somebody sets it while the server runs.
	h.clock = session.NewClock(func(context.Context) (time.Time, error) { return time.Now(), nil })
	return h.clock.Probe(ctx)
}

func (s *settings) policy() session.Policy {
	return session.Policy{AccessTTL: s.AccessTTL, Idle: s.RefreshIdle, Absolute: s.RefreshAbsolute, Grace: s.RefreshGrace, Max: s.MaxSessions}
}

// storeFault turns what a store or the keyring says into a sentence with its
// remedy. What is a fault already stays as it is.
func (s *settings) storeFault(err error) error {
	var known *fault
	var wrong *wrongSettings
	path := s.databasePath()
	say := func(code int, text, try string) error {
		return &fault{Code: code, Text: text, Try: []string{try}, Err: err}
	}
	switch {
	case err == nil, errors.As(err, &known), errors.As(err, &wrong):
		return err
	case errors.Is(err, sqlite.ErrFull), errors.Is(err, syscall.ENOSPC):
		return diskFull(path, err)
	case errors.Is(err, sqlite.ErrNewer):
		return say(exitOutside, "the database "+path+" is from a newer jotkeeper than this one", "the newer jotkeeper, or a backup from before it ran")
	case errors.Is(err, sqlite.ErrCorrupt):
		return say(exitOutside, "the database "+path+" is damaged", "keep a copy of it with its -wal and -shm, then restore a backup")
	case errors.Is(err, sqlite.ErrInUse):
		return say(exitOutside, "another server runs on the folder of "+path, "stop that one, or --data-dir ./other")
	case errors.Is(err, keyring.ErrMasterKey), errors.Is(err, secret.ErrUnknownKey), errors.Is(err, secret.ErrSealed):
		return say(exitConfig, "the master key "+s.masterPlace()+" does not open the signing keys in "+path, "the master key that belongs to this database: --master-key-file FILE")
	case errors.Is(err, store.ErrUnavailable):
		return say(exitOutside, "the database "+path+" cannot be used: "+err.Error(), "ls -l "+shellQuote(path)+"; jotkeeper doctor")
	}
	return err
}

func (s *settings) masterPlace() string {
	if s.MasterKey != "" {
		return "in " + envName("master-key")
	}
	return "in " + tilde(s.MasterKeyFile, s.home)
}

// close waits for what is under way, then closes the store.
func (h *house) close() error {
	if h.accounts != nil {
		h.accounts.Close()
	}
	return h.backend.Close()
}
