package revocation

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The two files of a directory. The cursor stands beside the snapshot so that
// an old snapshot, put back by whoever restores a backup, is known for what it is.
const (
	snapshotFile = "rules.snapshot"
	cursorFile   = "rules.cursor"
	cursorMagic  = "jotkeeper-revocation-cursor-1"
)

// Save writes the rules into a directory that belongs to this index alone, and
// creates it (0700; the files are 0600). When it returns without error the rules
// are durable. Checks go on meanwhile; Apply waits for at most a 256th of the
// work.
//
// An index that has followed less far than what is there already is
// ErrOldSnapshot: let it follow its source first.
func (x *Index) Save(dir string) error {
	x.saving.Lock()
	defer x.saving.Unlock()
	at := x.Cursor()
	if x.incomplete() {
		return fmt.Errorf("%w: a wrong clock took some of this index's away, and they are being read again", ErrOldSnapshot)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("revocation: saving the rules: %w", err)
	}
	// A cursor that cannot be read has no say: Load refused its snapshot as well.
	if saved, err := readCursor(dir, x.issuer); err == nil && at.Before(saved) {
		return fmt.Errorf("%w: up to %s, this index has followed to %s; let it follow its source first", ErrOldSnapshot, saved, at)
	}
	err := replaceFile(dir, snapshotFile, func(w io.Writer) error { return x.writeTo(w, at) })
	if err == nil {
		err = replaceFile(dir, cursorFile, func(w io.Writer) error {
			_, err := io.WriteString(w, cursorLine(x.issuer, at))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("revocation: saving the rules: %w", err)
	}
	return nil
}

// Load merges what [Index.Save] wrote into the index, which then follows from
// where the other stood. Call it before Follow.
//
// It never gives back what was revoked. Files that are cut off, changed, of
// another issuer or not both there are ErrBadSnapshot, a snapshot older than the
// cursor beside it is ErrOldSnapshot: the index then has to read everything from
// its source, which Follow does. Where nothing was ever saved the error is
// fs.ErrNotExist. A loaded index is stale until it has heard from its source.
func (x *Index) Load(dir string) error {
	saved, noCursor := readCursor(dir, x.issuer)
	data, err := os.ReadFile(filepath.Join(dir, snapshotFile))
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.Is(noCursor, fs.ErrNotExist):
		return fmt.Errorf("revocation: nothing was saved: %w", err)
	case err != nil:
		return bad(err.Error())
	case errors.Is(noCursor, ErrBadSnapshot):
		return noCursor
	case noCursor != nil:
		return bad(noCursor.Error())
	}
	s, err := openSnapshot(data, x.issuer)
	if err != nil {
		return err
	}
	if s.cursor.Before(saved) {
		return fmt.Errorf("%w: the snapshot ends at %s, the cursor beside it says %s; was a backup restored?", ErrOldSnapshot, s.cursor, saved)
	}
	return x.merge(s)
}

func (x *Index) incomplete() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.holey
}

// cursorLine spells a cursor with a sum over it and the issuer.
func cursorLine(issuer string, at Cursor) string {
	sum := sha256.Sum256([]byte(cursorMagic + "\n" + issuer + "\n" + at.String()))
	return cursorMagic + " " + at.String() + " " + hex.EncodeToString(sum[:]) + "\n"
}

func readCursor(dir, issuer string) (Cursor, error) {
	data, err := os.ReadFile(filepath.Join(dir, cursorFile))
	if err != nil {
		return Cursor{}, err
	}
	line := string(data)
	fields := strings.Split(line, " ")
	if len(fields) != 3 {
		return Cursor{}, bad("the cursor file is malformed")
	}
	at, err := ParseCursor(fields[1])
	if err != nil || line != cursorLine(issuer, at) {
		return Cursor{}, bad("the cursor file's checksum is wrong, or it is another issuer's")
	}
	return at, nil
}

// syncFile is a door for tests, which count.
var syncFile = (*os.File).Sync

// replaceFile writes a file that is either the old one or the new one, whole and
// durable, whatever happens in between.
func replaceFile(dir, name string, write func(io.Writer) error) error {
	path := filepath.Join(dir, name)
	_ = os.Remove(path + ".tmp") // of a process that was killed
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<16)
	if err = write(out); err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = syncFile(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".tmp"))
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(syncFile(d), d.Close())
}
