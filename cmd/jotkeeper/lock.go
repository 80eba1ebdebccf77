package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// A serveLock says that this process is the one server of a data directory.
type serveLock struct{ f *os.File }

// lock takes the data directory for one server.
func (d *dataDir) lock(url string) (*serveLock, error) {
	f, err := os.OpenFile(d.file("serve.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, d.unusable(err)
	}
	if err := lockFile(f); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, d.taken(f)
		}
		return nil, d.unusable(err)
	}
	text := fmt.Sprintf("process %d on %s\n", os.Getpid(), url)
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(d.unusable(err), f.Close())
	}
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return nil, errors.Join(d.unusable(err), f.Close())
	}
	return &serveLock{f}, nil
}

// taken says who has the data directory.
func (d *dataDir) taken(f *os.File) error {
	who := make([]byte, 200)
	n, _ := f.ReadAt(who, 0)
	text := "another server runs on data directory " + d.name()
	if line := strings.TrimSpace(string(who[:n])); line != "" {
		text += " (" + printable(line) + ")"
	}
	return fail(exitOutside, text, "stop that one, or jotkeeper serve --addr 127.0.0.1:8081 --data-dir ./other")
}

func (l *serveLock) release() { l.f.Close() }
