package shellblock

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Options say how the commands of a document are run.
type Options struct {
	// Dir is where the first command runs: the root of the module that the
	// document belongs to, if empty.
	Dir string
	// Env is added to the environment, which otherwise loses HOME and every
	// JOTKEEPER_ variable.
	Env []string
	// Ports are port numbers of the document. Free ports at the same distances
	// take their places, in commands, in wanted output and in Env.
	Ports []string
	// Programs maps words of a command, "go run ./cmd/jotkeeper", to a program
	// that was built before. Where the words begin with "go run", its failure
	// is printed and passed on as go run does.
	Programs map[string]string
	// Timeout is the longest that one command may take, a minute if zero.
	Timeout time.Duration
}

// A Tally counts what was done with a document.
type Tally struct {
	Commands int // run
	Skipped  int // blocks
}

// RunFile runs the console blocks of the Markdown document at path. It goes
// on after a mismatch, so that one run shows all of them, and gives up when a
// terminal is lost.
func RunFile(t testing.TB, path string, opts Options) Tally {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := Parse(string(text))
	if err != nil {
		t.Fatalf("%s:\n%v", path, err)
	}
	ty, err := newTypist(path, opts, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer ty.close()
	var tally Tally
	for _, b := range blocks {
		if b.Skip != "" {
			tally.Skipped++
			t.Logf("%s:%d: skipped: %s", path, b.Line, b.Skip)
			continue
		}
		if err := ty.play(b, func(mismatch error) { t.Errorf("%s:%v", path, mismatch) }); err != nil {
			t.Fatalf("%s:%v", path, err)
		}
		tally.Commands += len(b.Steps)
	}
	return tally
}

// Documents lists what a user of the module at root reads: README.md and the
// Markdown files below docs. Finding none is a failure.
func Documents(t testing.TB, root string) []string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(root, "README.md")) // the pattern is well-formed
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("no document below %s", root)
	}
	return found
}

// A typist sits at the terminals of one document.
type typist struct {
	substitution
	dir     string
	folder  string
	env     []string
	timeout time.Duration
	main    *terminal
	others  []*terminal
}

func newTypist(path string, opts Options, folder string) (*typist, error) {
	sub, err := substitute(opts, folder)
	if err != nil {
		return nil, err
	}
	ty := &typist{substitution: sub, dir: opts.Dir, folder: folder, timeout: opts.Timeout}
	if ty.timeout == 0 {
		ty.timeout = time.Minute
	}
	if ty.dir == "" {
		if ty.dir, err = moduleRoot(path); err != nil {
			return nil, err
		}
	}
	if ty.env, err = environment(folder, sub.lines(opts.Env)); err != nil {
		return nil, err
	}
	ty.main, err = openTerminal(ty.dir, folder, ty.env)
	return ty, err
}

// close stops the background commands first to last, then the main terminal.
func (ty *typist) close() {
	for _, t := range ty.others {
		t.close()
	}
	ty.main.close()
}

// play runs one block. A mismatch is reported and the document goes on; an
// error means that it cannot.
func (ty *typist) play(b Block, report func(error)) error {
	at := ty.main
	if b.Background {
		t, err := openTerminal(ty.dir, ty.folder, ty.env)
		if err != nil {
			return err
		}
		ty.others = append(ty.others, t)
		at = t
	}
	for i, step := range b.Steps {
		stays := b.Background && i == len(b.Steps)-1
		if err := ty.step(at, step, stays, report); err != nil {
			return err
		}
	}
	return nil
}

func (ty *typist) step(at *terminal, s Step, stays bool, report func(error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), ty.timeout)
	defer cancel()
	command, want := ty.command(s.Command), ty.lines(s.Want)
	where := fmt.Sprintf("%d: $ %s", s.Line, command)
	if stays {
		want = append(want, anything) // it may go on talking
		output, err := at.start(ctx, command, func(lines []string) bool { return compare(want, lines) == "" })
		if err != nil {
			return fmt.Errorf("%s\n%w before it had printed what the document shows (%s):\n%s", where, err, legend, compare(want, splitLines(output)))
		}
		return nil
	}
	output, status, err := at.run(ctx, command)
	if err != nil {
		return fmt.Errorf("%s\ndid not end within %v (%w); so far it printed:\n%s", where, ty.timeout, err, output)
	}
	if mismatch := judge(want, splitLines(output), status); mismatch != "" {
		report(fmt.Errorf("%s\n%s", where, mismatch))
	}
	return nil
}

const legend = `"-" is wanted, "+" came`

// judge compares a command that ended with what the document says, and returns
// what is wrong or "".
func judge(want, got []string, status int) string {
	want, got = tidy(want), tidy(got)
	claimed, ok := exitStatus(want)
	if printed, alsoPrinted := exitStatus(got); ok && alsoPrinted {
		// go run ends with 1 and prints the status of the program.
		status, got = printed, got[:len(got)-1]
	}
	if ok {
		want = want[:len(want)-1]
	}
	var wrong []string
	if diff := compare(want, got); diff != "" {
		wrong = append(wrong, "the output differs ("+legend+"):\n"+diff)
	}
	if status != claimed {
		wrong = append(wrong, fmt.Sprintf("it ended with exit status %d, the document says %d", status, claimed))
	}
	return strings.Join(wrong, "\n")
}

// exitStatus reads a last line "exit status N".
func exitStatus(lines []string) (status int, ok bool) {
	if len(lines) == 0 {
		return 0, false
	}
	last := lines[len(lines)-1]
	n, err := fmt.Sscanf(last, "exit status %d", &status)
	return status, n == 1 && err == nil && last == fmt.Sprintf("exit status %d", status)
}
