package migrate_test

import (
	"path/filepath"
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/shellblock"
)

// Each block of Go that a guide quotes stands in a program of this module, line
// by line.
func TestGuidesQuoteTheseProgramsWordForWord(t *testing.T) {
	guides, err := filepath.Glob("../../docs/guides/migrate-from-*.md")
	if err != nil || len(guides) != 4 {
		t.Fatalf("%d guides, want 4: %v", len(guides), err)
	}
	for _, guide := range guides {
		shellblock.Quotes(t, guide, ".")
	}
}
