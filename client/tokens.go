package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Tokens is what a client holds of its session. The zero value is no session.
type Tokens struct {
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token"`
	Renew   time.Time `json:"renew"`   // about half the access token's life, by this machine's clock
	Expires time.Time `json:"expires"` // of the access token, by this machine's clock
}

// A TokenStore keeps a client's tokens. Save returns when they are durable:
// a refresh token that is lost after its first use looks stolen when the one
// before it comes back.
type TokenStore interface {
	Load(ctx context.Context) (Tokens, error) // the zero Tokens when there are none
	Save(ctx context.Context, t Tokens) error // in place of those from before
}

// Memory keeps tokens as long as the program runs.
func Memory() TokenStore { return &memory{} }

type memory struct {
	mu sync.Mutex
	t  Tokens
}

func (m *memory) Load(context.Context) (Tokens, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.t, nil
}

func (m *memory) Save(_ context.Context, t Tokens) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.t = t
	return nil
}

// File keeps tokens in a file that only its owner can read. It is replaced as a
// whole and synced, so that a crash leaves the old tokens or the new ones.
func File(path string) TokenStore { return file(path) }

type file string

func (f file) Load(context.Context) (Tokens, error) {
	var t Tokens
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("client: reading the session: %w", err)
	}
	return t, nil
}

func (f file) Save(_ context.Context, t Tokens) error {
	text, err := json.Marshal(t)
	if err == nil {
		err = replace(string(f), text)
	}
	if err != nil {
		return fmt.Errorf("client: storing the session: %w", err)
	}
	return nil
}

func replace(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".jotkeeper-*") // made 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
