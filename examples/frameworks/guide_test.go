package frameworks_test

import (
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/shellblock"
)

// The guide shows these programs.
func TestTheGuideQuotesThesePrograms(t *testing.T) {
	shellblock.Quotes(t, "../../docs/guides/frameworks.md", ".")
}
