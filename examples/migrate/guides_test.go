package migrate_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each block of Go that a guide quotes stands in a program of this module, line
// by line.
func TestGuidesQuoteTheseProgramsWordForWord(t *testing.T) {
	programs := sources(t)
	guides, err := filepath.Glob("../../docs/guides/migrate-from-*.md")
	if err != nil || len(guides) != 4 {
		t.Fatalf("%d guides, want 4: %v", len(guides), err)
	}
	for _, guide := range guides {
		quotes := blocks(read(t, guide))
		if len(quotes) == 0 {
			t.Errorf("%s quotes nothing", guide)
		}
		for _, quote := range quotes {
			if !strings.Contains(programs, quote) {
				t.Errorf("%s quotes what no program says:\n%s", guide, quote)
			}
		}
	}
}

// sources returns all programs, without indentation.
func sources(t *testing.T) string {
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			all.WriteString(flat(read(t, path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// blocks returns what stands between ```text and ``` on a page.
func blocks(page string) (quotes []string) {
	for _, rest := range strings.Split(page, "\n```text\n")[1:] {
		quote, _, _ := strings.Cut(rest, "```")
		quotes = append(quotes, flat(quote))
	}
	return quotes
}

func flat(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n") + "\n"
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
