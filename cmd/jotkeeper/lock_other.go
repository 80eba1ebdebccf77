//go:build !unix

package main

import (
	"errors"
	"os"
)

// lockFile: without the lock two servers could share one data directory, so
// where there is none no server starts.
func lockFile(*os.File) error { return errors.ErrUnsupported }

func waitForFile(*os.File) error { return errors.ErrUnsupported }
