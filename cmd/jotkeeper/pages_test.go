package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The reference pages are made from the program: a setting without its
// paragraph, or a paragraph without its setting, is red.
func TestPages(t *testing.T) {
	for name, want := range map[string]string{
		"configuration.md": configurationPage(),
		"exit-codes.md":    exitCodesPage(),
		"cli.md":           cliPage(),
	} {
		path := filepath.Join("../../docs/reference", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s is not what the program says (%v)\n\ttry: go test ./cmd/jotkeeper -run Pages -update", path, err)
		}
	}
}
