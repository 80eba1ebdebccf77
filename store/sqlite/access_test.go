//go:build unix

package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// childOpen says what Open says.
func childOpen(file, _ string) {
	b, err := sqlite.Open(context.Background(), file, sqlite.Options{})
	if fmt.Println(err); err == nil {
		must(0, b.Close())
	}
}

// A file that may only be read would answer, and refuse the first change hours
// later. It is refused when it is opened.
func TestAFileThatMayOnlyBeRead(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "j.db")
	reopen(t, file, sqlite.Options{}).Close()
	for _, c := range []struct {
		file, dir os.FileMode
		says      string
	}{
		{0o600, 0o700, "<nil>"},
		{0o400, 0o700, "store: unavailable: the database cannot be opened for writing; check owner and mode of the file and its directory: permission denied"},
		{0o600, 0o500, "store: unavailable: the database cannot be opened for writing; check owner and mode of the file and its directory: permission denied"},
	} {
		chmod(t, file, c.file)
		chmod(t, dir, c.dir)
		said, err := asOwner(t, child(t, "open", file, ""), dir, file).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(said)); !strings.HasSuffix(got, c.says) {
			t.Errorf("file %v, directory %v: %q, want %q", c.file, c.dir, got, c.says)
		}
	}
	chmod(t, dir, 0o700) // so that it can be cleaned up
}

func chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

// asOwner makes cmd a process that modes count for: root, who may do anything,
// gives the files to nobody, and a copy of the program to run.
func asOwner(t *testing.T, cmd *exec.Cmd, files ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		return cmd
	}
	const nobody = 65534
	for _, f := range files {
		if err := os.Chown(f, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(cmd.Path, text, 0o700); err != nil {
		t.Fatal(err)
	}
	chmod(t, cmd.Path, 0o755)
	chmod(t, filepath.Dir(filepath.Dir(cmd.Path)), 0o755) // which the testing package made
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}
