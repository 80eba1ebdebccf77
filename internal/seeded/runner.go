package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A runner plants seeds of the module at root, with its files in work.
type runner struct {
	root, work string

	mu     sync.Mutex // guards out and the counts
	out    io.Writer
	passed int
	failed int
}

// all runs the seeds, one line each. Two at a time keep two cores busy: one
// compiles while the other tests.
func (r *runner) all(ctx context.Context, seeds []seed, parallel int) error {
	turn := make(chan struct{}, max(parallel, 1))
	var wg sync.WaitGroup
	for i, s := range seeds {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			start := time.Now()
			err := r.one(ctx, filepath.Join(r.work, strconv.Itoa(i)), s)
			r.report(s, time.Since(start), err)
		})
	}
	wg.Wait()
	fmt.Fprintf(r.out, "seeded: %d passed, %d failed\n", r.passed, r.failed)
	if r.failed > 0 {
		return errors.New("a check did not notice its seeded bug")
	}
	return nil
}

func (r *runner) report(s seed, took time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.passed++
		fmt.Fprintf(r.out, "ok    %6.1fs  %s\n", took.Seconds(), s.Path)
		return
	}
	r.failed++
	fmt.Fprintf(r.out, "FAIL  %6.1fs  %s: %v\n", took.Seconds(), s.Path, err)
}

// one returns nil when the test goes red on the bug.
func (r *runner) one(ctx context.Context, dir string, s seed) error {
	overlay, err := r.overlay(dir, s)
	if err != nil {
		return err
	}
	args := []string{"test", "-json", "-count=1", "-vet=off", "-timeout=120s", "-run", s.Run}
	if s.Race {
		args = append(args, "-race")
	}
	module, pkg := r.module(s.Package)
	test := exec.CommandContext(ctx, "go", append(args, pkg)...)
	test.Dir = module
	// Through the environment the overlay also reaches the programs that a
	// test builds for itself.
	test.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay)
	out, err := test.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return judge(s, out, err)
}

// module returns the root of the module that a package belongs to, and the
// package as seen from there: examples are modules of their own.
func (r *runner) module(pkg string) (root, rel string) {
	top, from := filepath.Clean(r.root), filepath.Join(r.root, pkg)
	for root = from; root != top; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
	}
	return root, "." + strings.TrimPrefix(from, root)
}

// overlay writes the source with the bug, and the file that tells the go
// command to read it in place of the original.
func (r *runner) overlay(dir string, s seed) (string, error) {
	source, err := s.plant(r.root)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	bug := filepath.Join(dir, "bug.go")
	if err := os.WriteFile(bug, source, 0o600); err != nil {
		return "", err
	}
	replace := map[string]map[string]string{"Replace": {filepath.Join(r.root, s.File): bug}}
	text, err := json.Marshal(replace)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

// judge reads the events of go test -json. Red means that a test ran and the
// package failed; a test that panics, hangs or leaks counts, a bug that does
// not compile proves nothing.
func judge(s seed, out []byte, exit error) error {
	ran, broken, printed := events(out)
	switch {
	case broken:
		return fmt.Errorf("does not compile:\n%s", printed)
	case ran == 0 && exit == nil:
		return fmt.Errorf("%s has no test that matches %s", s.Package, s.Run)
	case ran == 0:
		return fmt.Errorf("no test ran: %w\n%s", exit, printed)
	case exit == nil:
		return fmt.Errorf("%s stays green with the bug in it", s.Run)
	case !strings.Contains(printed, s.Says):
		return fmt.Errorf("goes red without saying %q:\n%s", s.Says, printed)
	}
	return nil
}

// events counts the tests that began, notices a failed build, and joins what
// was printed. Lines that are not events come from the go command itself.
func events(out []byte) (ran int, broken bool, printed string) {
	var b strings.Builder
	for line := range bytes.Lines(out) {
		var e struct{ Action, Output, FailedBuild string }
		if json.Unmarshal(line, &e) != nil {
			b.Write(line)
			continue
		}
		if !strings.HasPrefix(e.Output, "=== ") {
			b.WriteString(e.Output)
		}
		if e.Action == "run" {
			ran++
		}
		broken = broken || e.Action == "build-fail" || e.FailedBuild != ""
	}
	return ran, broken, b.String()
}
