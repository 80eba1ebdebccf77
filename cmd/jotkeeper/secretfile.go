package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/jotkeeper/jotkeeper/secret"
)

// readSecretFile reads a file that only its owner may read. It returns
// fs.ErrNotExist, wrapped, when there is none.
func readSecretFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", secretFileFault(path, err)
	}
	defer f.Close()
	return secretIn(f)
}

// secretIn reads the file that it looks at: by now another may have its name.
func secretIn(f *os.File) (string, error) {
	stat, err := f.Stat()
	if err != nil {
		return "", secretFileFault(f.Name(), err)
	}
	if err := onlyOwner(f.Name(), stat); err != nil {
		return "", err
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return "", secretFileFault(f.Name(), err)
	}
	return strings.TrimSpace(string(data)), nil
}

// onlyOwner refuses a file that others can read. What is no file (a pipe of
// the shell, say) has no mode that tells anything.
func onlyOwner(path string, stat fs.FileInfo) error {
	if stat.Mode().IsRegular() && stat.Mode().Perm()&0o077 != 0 {
		return fail(exitConfig, path+" can be read by others ("+mode(stat)+")", "chmod 600 "+shellQuote(path))
	}
	return nil
}

// onlyOwners is onlyOwner for files that need not be there.
func onlyOwners(paths ...string) error {
	for _, path := range paths {
		if stat, err := os.Stat(path); err == nil {
			if err := onlyOwner(path, stat); err != nil {
				return err
			}
		}
	}
	return nil
}

func secretFileFault(path string, err error) error {
	return &fault{Code: exitConfig, Text: path + " cannot be read: " + cause(err),
		Try: []string{"ls -l " + shellQuote(path)}, Err: err}
}

// makeSecretFile writes a new secret, mode 0600, so that a crash leaves all of
// it or nothing.
func makeSecretFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return makeFault(path, err)
	}
	_, err = f.WriteString(text + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path) // unlike a rename it never replaces
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return makeFault(path, err)
	}
	return syncDir(filepath.Dir(path))
}

func makeFault(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return diskFull(path, err)
	}
	return &fault{Code: exitConfig, Text: path + " cannot be made: " + cause(err),
		Try: []string{"a folder that you own and may write to"}, Err: err}
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// masterKeys reads the master keys, or makes the first one where mayMake says
// that nothing is sealed under another yet.
func (s *settings) masterKeys(mayMake bool) (secret.Ring, error) {
	text, where := s.MasterKey, envName("master-key")
	if text == "" {
		where = s.MasterKeyFile
		var err error
		text, err = readSecretFile(where)
		if errors.Is(err, fs.ErrNotExist) {
			if !mayMake {
				return secret.Ring{}, fail(exitConfig, "the database is there, and its master key "+where+" is not",
					"put the file back, or --master-key-file FILE where it is now")
			}
			text = secret.Encode(secret.Generate())
			err = makeSecretFile(where, text)
		}
		if err != nil {
			return secret.Ring{}, err
		}
	}
	return parseMasterKeys(where, text)
}

func parseMasterKeys(where, text string) (secret.Ring, error) {
	ring, err := secret.ParseRing(text)
	if err != nil {
		return ring, &fault{Code: exitConfig, Text: where + " holds no master key: " + err.Error(),
			Try: []string{"openssl rand -base64 32, one key a line"}, Err: err}
	}
	if exampleSecret(text) {
		return secret.Ring{}, fail(exitConfig, where+" holds an example, not a secret", "openssl rand -base64 32")
	}
	return ring, nil
}

// adminPassword reads the password of the private routes, or makes one.
func (s *settings) adminPassword() (string, error) {
	text, where := s.AdminPassword, envName("admin-password")
	if text == "" {
		where = s.AdminPasswordFile
		var err error
		text, err = readSecretFile(where)
		if errors.Is(err, fs.ErrNotExist) {
			text = rand.Text()
			err = makeSecretFile(where, text)
		}
		if err != nil {
			return "", err
		}
	}
	if n := minSecret("admin-password"); len(text) < n {
		return "", fail(exitConfig, fmt.Sprintf("%s holds a password of fewer than %d bytes", where, n), "openssl rand -base64 24")
	}
	if exampleSecret(text) {
		return "", fail(exitConfig, where+" holds an example, not a secret", "openssl rand -base64 24")
	}
	return text, nil
}

// exampleSecret tells a secret that stands in somebody's documentation, or
// that nobody drew at random: words of examples, or hardly any characters.
func exampleSecret(text string) bool {
	lower := strings.ToLower(text)
	for _, word := range []string{"changeme", "change-me", "change me", "example", "password", "secret", "0123456789abcdef", "your-"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	letters := []byte(lower)
	slices.Sort(letters)
	return len(slices.Compact(letters)) < 8
}
