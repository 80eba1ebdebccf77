package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The stories run this test binary as the program.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == wrongly {
		wrongVerifier()
		return
	}
	testscript.Main(m, map[string]func(){"jotkeeper": mainWithRoom, "verifier": wrongVerifier})
}

// A terminal is a process that is a test: what was said, what was written, how
// it ended.
type terminal struct {
	Out, Err string
	Code     int
}

// jotkeeper runs the program with a home of its own and the variables in env.
func jotkeeper(t *testing.T, env []string, stdin string, args ...string) terminal {
	t.Helper()
	var out, errs bytes.Buffer
	environ := append([]string{"HOME=" + t.TempDir()}, env...)
	code := run(args, environ, strings.NewReader(stdin), &out, &errs)
	return terminal{out.String(), errs.String(), code}
}

// wants fails unless the program ended with code and stderr holds each text.
func (r terminal) wants(t *testing.T, code int, texts ...string) terminal {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.Code, code, r.Out, r.Err)
	}
	for _, text := range texts {
		if !strings.Contains(r.Err, text) {
			t.Errorf("stderr lacks %q:\n%s", text, r.Err)
		}
	}
	return r
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
