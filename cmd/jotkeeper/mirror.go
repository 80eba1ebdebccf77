package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// mirrorFile notes outside the database how far its log has got. A database
// that is behind it was put back to an older copy.
const mirrorFile = "revocation-head"

// A mirror keeps the furthest head that this data directory has seen. Processes
// share it: each takes the file's lock, looks, and writes only what is further.
//
// The file has two places, written in turn, so that one is whole whenever the
// process or the machine dies. Each holds one line of 80 bytes: a word with the
// format's version, epoch, number, CRC-32 of what stands before.
type mirror struct{ path string }

const (
	mirrorWord    = "jotkeeper-head"
	mirrorVersion = "1"
	mirrorLine    = 80
	mirrorApart   = 4096 // the places are in different sectors
)

// errMirrorNewer is a mirror that a newer program wrote.
var errMirrorNewer = errors.New("it is from a newer jotkeeper")

// read returns what was noted. Without a file that is nothing. A file that
// tells nothing is damaged: what it knew may be anything, so it counts as all
// there can be, and the log that is compared with it is behind.
func (m mirror) read() (revocation.Cursor, error) {
	f, err := os.Open(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return revocation.Cursor{}, nil
	}
	if err != nil {
		return revocation.Cursor{}, err
	}
	defer f.Close()
	seen, _, err := readMirror(f)
	return seen, err
}

// unknownHead is what a damaged mirror says.
var unknownHead = revocation.Cursor{Seq: math.MaxUint64}

// keep notes a head, unless a further one is noted. It is durable when keep
// returns nil.
func (m mirror) keep(head revocation.Cursor) error {
	f, err := os.OpenFile(m.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // ends the lock
	if err := waitForFile(f); err != nil {
		return err
	}
	seen, place, err := readMirror(f)
	if err != nil || seen != unknownHead && !seen.Before(head) {
		return err
	}
	if _, err := f.WriteAt([]byte(mirrorText(head)), int64(place)*mirrorApart); err != nil {
		return err
	}
	return f.Sync()
}

// readMirror returns the furthest head of the two places, and the place to
// write next: the other one.
func readMirror(f io.ReaderAt) (seen revocation.Cursor, next int, err error) {
	valid, blank := 0, true
	for place := range 2 {
		line := make([]byte, mirrorLine)
		n, err := f.ReadAt(line, int64(place)*mirrorApart)
		if err != nil && err != io.EOF {
			return seen, 0, err
		}
		text := strings.TrimRight(string(line[:n]), "\x00")
		blank = blank && text == ""
		c, ok, err := parseMirror(text)
		if err != nil {
			return seen, 0, err
		}
		if !ok {
			continue
		}
		if valid++; valid == 1 || seen.Before(c) {
			seen, next = c, 1-place
		}
	}
	if valid == 0 && !blank {
		return unknownHead, 0, nil
	}
	return seen, next, nil
}

func mirrorText(head revocation.Cursor) string {
	text := fmt.Sprintf("%s %s %d %d ", mirrorWord, mirrorVersion, head.Epoch, head.Seq)
	text += fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text)))
	return fmt.Sprintf("%-*s\n", mirrorLine-1, text)
}

func parseMirror(text string) (head revocation.Cursor, ok bool, err error) {
	var word, version string
	if n, _ := fmt.Sscanf(text, "%s %s", &word, &version); n == 2 && word == mirrorWord && version != mirrorVersion {
		return head, false, errMirrorNewer
	}
	if n, _ := fmt.Sscanf(text, "%s %s %d %d", &word, &version, &head.Epoch, &head.Seq); n != 4 || text != mirrorText(head) {
		return revocation.Cursor{}, false, nil
	}
	return head, true, nil
}
