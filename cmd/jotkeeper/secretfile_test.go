package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A secret that everybody could read is put in the place of the one that was
// looked at, in just that moment.
func TestTheSecretIsOfTheFileThatWasLookedAt(t *testing.T) {
	mine := filepath.Join(t.TempDir(), "master-key")
	if err := makeSecretFile(mine, "mine"); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(mine)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.WriteFile(mine+".open", []byte("anybody's"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(mine+".open", mine); err != nil {
		t.Fatal(err)
	}
	if text, err := secretIn(f); err != nil || text != "mine" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := readSecretFile(mine); err == nil {
		t.Errorf("the next look takes %q", text)
	}
}
