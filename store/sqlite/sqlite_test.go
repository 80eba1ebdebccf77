package sqlite_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
	"github.com/jotkeeper/jotkeeper/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBackend(t *testing.T) {
	storetest.Backend(t, func(t *testing.T) store.Backend { return open(t, sqlite.Options{}) })
}

func TestBackendOneByOne(t *testing.T) {
	storetest.Backend(t, func(t *testing.T) store.Backend { return open(t, sqlite.Options{Batch: 1}) })
}

// open opens a new file for one test.
func open(t *testing.T, o sqlite.Options) *sqlite.Backend {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "jotkeeper.db"), o)
}

// path returns where the file of a Backend stands.
func path(t *testing.T, b *sqlite.Backend) string {
	t.Helper()
	file, err := b.File()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func reopen(t *testing.T, path string, o sqlite.Options) *sqlite.Backend {
	t.Helper()
	b, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}
