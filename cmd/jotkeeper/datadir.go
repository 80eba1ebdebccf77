package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A dataDir is the folder of one server: database, master key, admin password.
type dataDir struct {
	path string
	made bool // by us, just now
	home string
}

// openDataDir makes the folder, mode 0700, or looks at the one that is there:
// whoever reads it can sign tokens, so one that others can enter is refused.
func openDataDir(path, home string) (*dataDir, error) {
	d := &dataDir{path: path, home: home}
	stat, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		d.made = true
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, d.unusable(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			return nil, d.unusable(err)
		}
		return d, nil
	}
	if err != nil {
		return nil, d.unusable(err)
	}
	return d, d.look(stat)
}

// existingDataDir is openDataDir for a command, which makes nothing.
func existingDataDir(path, home string) (*dataDir, error) {
	d := &dataDir{path: path, home: home}
	stat, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail(exitConfig, "there is no data directory "+d.name(), "jotkeeper serve, which makes it, or --data-dir DIR where it is")
	}
	if err != nil {
		return nil, d.unusable(err)
	}
	return d, d.look(stat)
}

func (d *dataDir) look(stat fs.FileInfo) error {
	switch {
	case !stat.IsDir():
		return fail(exitConfig, "data directory "+d.name()+" is a file", "--data-dir DIR")
	case stat.Mode().Perm()&0o077 != 0:
		return fail(exitConfig, "data directory "+d.name()+" can be read by others ("+mode(stat)+"), and it holds the keys", "chmod 700 "+shellQuote(d.path))
	}
	f, err := os.Open(d.path)
	if err != nil {
		return d.unusable(err)
	}
	return f.Close()
}

func (d *dataDir) unusable(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return diskFull(d.path, err)
	}
	return &fault{Code: exitConfig, Text: "data directory " + d.name() + " cannot be used: " + cause(err),
		Try: []string{"--data-dir DIR, one that you own and may write to"}, Err: err}
}

// diskFull is the one sentence for a full disk.
func diskFull(path string, err error) error {
	return &fault{Code: exitOutside, Text: "no room is left on the disk of " + path,
		Try: []string{"df -h " + shellQuote(path) + ", then free some room and start again; nothing that was acknowledged is lost"}, Err: err}
}

func mode(stat fs.FileInfo) string { return "mode 0" + string(octal(stat.Mode().Perm())) }

func octal(m fs.FileMode) []byte {
	return []byte{'0' + byte(m>>6&7), '0' + byte(m>>3&7), '0' + byte(m&7)}
}

// name is the folder as a person writes it, home as ~.
func (d *dataDir) name() string { return tilde(d.path, d.home) }

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

// tilde writes a path below home with ~, shell-safe.
func tilde(path, home string) string {
	if rest, ok := strings.CutPrefix(path, home+"/"); ok && home != "" {
		if quoted := shellQuote(rest); quoted == rest {
			return "~/" + rest
		}
	}
	return shellQuote(path)
}

// shellQuote makes a path one word of a shell.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=~", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
