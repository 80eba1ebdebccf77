package shellblock

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Quotes checks that the Markdown document at path quotes programs word for
// word: the lines of each text block must stand, one after another, in a Go file
// below the folder sources. Indentation does not count, tests are no programs,
// and a document without a quotation is a failure.
func Quotes(t testing.TB, path, sources string) {
	t.Helper()
	programs, quoted := programsBelow(t, sources), false
	for _, f := range fencesOf(t, path) {
		if f.lang != "text" {
			continue
		}
		quoted = true
		if quote := flat(strings.Join(f.lines, "\n")); !strings.Contains(programs, quote) {
			t.Errorf("%s:%d: no program says%s", path, f.line, quote)
		}
	}
	if !quoted {
		t.Errorf("%s quotes nothing", path)
	}
}

// programsBelow returns all programs, without indentation.
func programsBelow(t testing.TB, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.WriteString(flat(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// flat begins and ends each line with a new line, so that none is half a match.
func flat(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}
