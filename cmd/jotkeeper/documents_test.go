package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/needs"
	"github.com/jotkeeper/jotkeeper/internal/shellblock"
)

const root = "../.."

// The README and every page of docs do what they say: their console blocks are
// run and the output compared, their Go programs are compiled.
func TestDocuments(t *testing.T) {
	needs.Tool(t, "curl", "curl")
	needs.Tool(t, "openssl", "openssl")
	needs.Tool(t, "node", "nodejs")
	jotkeeper, resource := compile(t, "./cmd/jotkeeper"), elsewhere(t, compile(t, "./examples/resource"))
	keeper := compile(t, "./examples/keeper")

	for _, path := range shellblock.Documents(t, root) {
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			shellblock.CompileGo(t, path)
			did := shellblock.RunFile(t, path, shellblock.Options{
				Dir:   besideExamples(t),
				Env:   []string{"JOTKEEPER_ADDR=127.0.0.1:8080", "RESOURCE=-addr 127.0.0.1:8090 -issuer http://127.0.0.1:8080"},
				Ports: []string{"8080", "8081", "8088", "8090", "8093"},
				Programs: map[string]string{
					"go run ./cmd/jotkeeper":     jotkeeper,
					"bin/jotkeeper":              jotkeeper,
					"go run ./examples/keeper":   keeper,
					"go run ./examples/resource": resource,
				},
			})
			if name == "README.md" && did.Commands < 13 {
				t.Errorf("ran %d commands of the README, there are 13", did.Commands)
			}
			if did.Skipped > 0 {
				t.Errorf("%d blocks are not run: a page shows only what works", did.Skipped)
			}
		})
	}
}

// besideExamples is an empty folder but for the examples, as in a clone.
func besideExamples(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	examples, err := filepath.Abs(filepath.Join(root, "examples"))
	if err == nil {
		err = os.Symlink(examples, filepath.Join(dir, "examples"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// elsewhere is a program that takes its flags from RESOURCE: the example has no
// other way to be told of the ports that the test found free.
func elsewhere(t *testing.T, program string) string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "resource")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexec "+program+" $RESOURCE \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return script
}

func compile(t *testing.T, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, text)
	}
	return out
}
