package needs

import (
	"os"
	"testing"
	"time"
)

// Folder is t.TempDir for a program whose helpers outlive it by a moment and go
// on writing, as a browser's do: what they leave is removed too. It gives up
// after a minute, and the test fails.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "jotkeeper-test-*")
	if err != nil {
		t.Fatalf("no folder: %v", err)
	}
	t.Cleanup(func() {
		for give := time.Now().Add(time.Minute); ; {
			err := os.RemoveAll(dir)
			if err == nil {
				return
			}
			if time.Now().After(give) {
				t.Errorf("%s is still written to: %v", dir, err)
				return
			}
		}
	})
	return dir
}
