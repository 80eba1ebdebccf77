package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

func rule(id string) revocation.Rule {
	return revocation.Rule{Scope: revocation.ScopeToken, ID: id, Action: revocation.Revoke, Reason: "logout"}
}

func appendRule(t *testing.T, b *sqlite.Backend, id string) revocation.Cursor {
	t.Helper()
	c, err := b.Set().Revocations.Append(t.Context(), evening, rule(id))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEmptyDirectoryBecomesTheNewest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "odd ?name#with%20 é&.db")
	b := reopen(t, file, sqlite.Options{Server: true})
	if got := path(t, b); got != file {
		t.Errorf("the file stands at %q, want %q", got, file)
	}
	appendRule(t, b, "a")
	for _, f := range []string{file, file + "-wal", file + "-shm"} {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", f, info.Mode().Perm())
		}
	}
	for name, want := range map[string]int64{"journal_mode": -1, "synchronous": 2, "schema_version": -1} {
		got, err := b.Pragma(name)
		if want >= 0 && (err != nil || got != want) {
			t.Errorf("%s is %d (%v), want %d", name, got, err, want)
		}
	}
	b.Close()
	if _, err := os.Stat(file + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a journal is left behind after Close: %v", err)
	}
}

func TestCurrentVersionIsLeftAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	reopen(t, file, sqlite.Options{}).Close()
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := reopen(t, file, sqlite.Options{})
	if err := b.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	b.Close()
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("opening a current database changed it")
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	b := reopen(t, file, sqlite.Options{})
	if err := b.Claim(99); err != nil {
		t.Fatal(err)
	}
	b.Close()
	_, err := sqlite.Open(t.Context(), file, sqlite.Options{Server: true})
	if !errors.Is(err, sqlite.ErrNewer) || !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("it was opened with %v", err)
	}
	want := "sqlite: " + file + ": store: unavailable: the database belongs to a newer version of jotkeeper: it has schema 99, this program knows 3; use the version that wrote it, or a newer one"
	if err.Error() != want {
		t.Errorf("it says\n\t%s\nwant\n\t%s", err, want)
	}
}

func TestManyOpenAnEmptyDirectoryAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	var all sync.WaitGroup
	opened := make([]*sqlite.Backend, 8)
	for i := range opened {
		all.Go(func() {
			b, err := sqlite.Open(t.Context(), file, sqlite.Options{Server: i == 0})
			if err != nil {
				// The server may come while a command has the directory for the migration.
				if i != 0 || !errors.Is(err, sqlite.ErrInUse) {
					t.Errorf("number %d: %v", i, err)
				}
				return
			}
			opened[i] = b
			if _, err := b.Set().Revocations.Append(t.Context(), evening, rule(fmt.Sprint(i))); err != nil {
				t.Errorf("number %d: %v", i, err)
			}
		})
	}
	all.Wait()
	for _, b := range opened {
		if b != nil {
			b.Close()
		}
	}
}

func TestOneServerPerDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	server := reopen(t, file, sqlite.Options{Server: true})
	_, err := sqlite.Open(t.Context(), file, sqlite.Options{Server: true})
	if !errors.Is(err, sqlite.ErrInUse) {
		t.Fatalf("a second server was opened with %v", err)
	}
	command := reopen(t, file, sqlite.Options{})
	head := appendRule(t, command, "a")
	if got, err := server.Set().Revocations.Head(t.Context()); err != nil || got != head {
		t.Errorf("the server sees the head %v (%v), want %v", got, err, head)
	}
	command.Close()
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	reopen(t, file, sqlite.Options{Server: true})
}

func TestRefusesToOpen(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file string
		want error
	}{
		{garbage, sqlite.ErrCorrupt},
		{filepath.Join(dir, "missing", "j.db"), os.ErrNotExist},
		{dir, store.ErrUnavailable},
	} {
		for _, o := range []sqlite.Options{{}, {Server: true}} {
			_, err := sqlite.Open(t.Context(), c.file, o)
			if !errors.Is(err, c.want) || !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("opening %s with %+v gave %v, want %v", c.file, o, err, c.want)
			}
		}
	}
}

// A189: a page that is not what was written is reported where it is read.
func TestA189DamagedPages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	b := reopen(t, file, sqlite.Options{})
	for i := range 200 {
		appendRule(t, b, fmt.Sprintf("rule %03d", i))
	}
	b.Close()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	noticed := 0
	for at := 0; at < len(whole); at += page {
		damaged := bytes.Clone(whole)
		for i := at; i < at+200; i++ {
			damaged[i] ^= 0xa5
		}
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := readAll(t, file); err != nil {
			noticed++
			if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, sqlite.ErrCorrupt) {
				t.Errorf("page %d damaged: %v", at/page, err)
			}
		} else if n != 200 {
			t.Errorf("page %d damaged: %d rules are read and nothing is said", at/page, n)
		}
	}
	if noticed < 4 {
		t.Errorf("damage in %d pages was noticed %d times", len(whole)/page, noticed)
	}
}

// readAll opens a file and counts the rules that can be read.
func readAll(t *testing.T, file string) (int, error) {
	t.Helper()
	b, err := sqlite.Open(t.Context(), file, sqlite.Options{})
	if err != nil {
		return 0, err
	}
	defer b.Close()
	list, err := b.Set().Revocations.Read(t.Context(), revocation.Cursor{}, 1000)
	return len(list), err
}

// A189: a journal that was cut off, or bent, gives a prefix of what was
// committed: never a part of a change, never a later one without an earlier.
func TestA189JournalCutOff(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	b := reopen(t, file, sqlite.Options{})
	for i := range 12 {
		if _, err := b.Set().Revocations.Append(t.Context(), evening, rule(fmt.Sprint(i, "a")), rule(fmt.Sprint(i, "b"))); err != nil {
			t.Fatal(err)
		}
	}
	main, journal := contents(t, file), contents(t, file+"-wal")
	b.Close()

	copied := filepath.Join(t.TempDir(), "copy.db")
	last, steps := 0, 0
	for cut := 0; last < 24; cut += 2039 { // a prime: every kind of offset within a frame
		n := survivors(t, copied, main, journal[:min(cut, len(journal))])
		if n < last || n%2 != 0 {
			t.Errorf("cut after %d bytes %d rules are left, %d before", cut, n, last)
		}
		if n > last {
			steps++
		}
		if last = n; cut > len(journal) {
			break
		}
	}
	if steps != 12 || last != 24 {
		t.Errorf("the cuts gave %d different states and %d rules in the end, want 12 and 24", steps, last)
	}
	for at := 0; at < len(journal); at += 9001 {
		bent := bytes.Clone(journal)
		bent[at] ^= 1
		if n := survivors(t, copied, main, bent); n%2 != 0 || n > 24 {
			t.Errorf("bent at %d, %d rules are left", at, n)
		}
	}
}

func contents(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// survivors opens a copy and demands that what it holds is whole and from the start.
func survivors(t *testing.T, file string, main, journal []byte) int {
	t.Helper()
	for name, data := range map[string][]byte{file: main, file + "-wal": journal} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = os.Remove(file + "-shm")
	b := reopen(t, file, sqlite.Options{})
	defer b.Close()
	list, err := b.Set().Revocations.Read(t.Context(), revocation.Cursor{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	head, err := b.Set().Revocations.Head(t.Context())
	if err != nil || head.Seq != uint64(len(list)) {
		t.Errorf("%d rules are left and the head is %v (%v)", len(list), head, err)
	}
	for i, e := range list {
		if want := fmt.Sprint(i/2, string("ab"[i%2])); e.Cursor.Seq != uint64(i+1) || e.Rule.ID != want {
			t.Errorf("entry %d is %v %s, want %s", i, e.Cursor, e.Rule.ID, want)
		}
	}
	return len(list)
}
