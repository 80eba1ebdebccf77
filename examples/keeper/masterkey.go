package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jotkeeper/jotkeeper/secret"
)

// masterKey reads the key that encrypts the signing keys in the database. It is
// made with the database and never later: another one would open nothing, and
// everybody would be logged out.
func masterKey(path string, fresh bool) (secret.Ring, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && fresh {
		if err := makeKey(path); err != nil {
			return secret.Ring{}, err
		}
	}
	stat, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return secret.Ring{}, fmt.Errorf("the database is there, and its master key %s is not; put the file back", path)
	case err != nil:
		return secret.Ring{}, err
	case stat.Mode().Perm()&0o077 != 0:
		return secret.Ring{}, fmt.Errorf("%s can be read by others; chmod 600 %[1]s", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return secret.Ring{}, err
	}
	ring, err := secret.ParseRing(string(text))
	if err != nil {
		return ring, fmt.Errorf("%s is no master key; put the right file back: %w", path, err)
	}
	return ring, nil
}

// makeKey writes a new key so that a crash leaves all of it or none, and a second
// program that starts at the same moment the same.
func makeKey(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "new-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, secret.Encode(secret.Generate()))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path) // unlike a rename it replaces nothing
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
