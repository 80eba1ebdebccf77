package main

import (
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/shellblock"
)

// What the reference pages show is typed and compared.
func TestReferencePagesRun(t *testing.T) {
	if tally := shellblock.RunFile(t, "../../docs/reference/configuration.md", shellblock.Options{}); tally.Commands == 0 {
		t.Error("no command was run")
	}
}
