//go:build unix

package main

import (
	"os"
	"syscall"
)

// lockFile takes the lock of an open file, or says that another process has
// it. The lock ends with the process, however it ends.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// waitForFile takes the lock of an open file as soon as whoever has it is done.
func waitForFile(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return err
		}
	}
}
