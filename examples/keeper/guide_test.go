package main

import (
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/shellblock"
)

// The guide shows this program.
func TestTheGuideQuotesThisProgram(t *testing.T) {
	shellblock.Quotes(t, "../../docs/guides/keep-sessions-in-go.md", ".")
}
