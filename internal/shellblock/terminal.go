package shellblock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// grace is how long a command may take to stop after it was asked to.
const grace = 5 * time.Second

// A terminal is one bash that is typed into.
type terminal struct {
	shell  *exec.Cmd
	keys   io.WriteCloser
	paper  *os.File // the reading end of what it prints
	screen *screen
	folder string // for the files that hold the commands
	typed  int
	marker string // no command can guess it
}

func openTerminal(dir, folder string, env []string) (*terminal, error) {
	paper, ink, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ink.Close()
	shell := exec.Command("bash", "--noprofile", "--norc")
	shell.Dir, shell.Env = dir, env
	shell.Stdout, shell.Stderr = ink, ink // one file: the order of the lines is kept
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	keys, err := shell.StdinPipe()
	if err == nil {
		err = shell.Start()
	}
	if err != nil {
		return nil, errors.Join(err, paper.Close())
	}
	return &terminal{
		shell: shell, keys: keys, paper: paper, screen: watch(paper),
		folder: folder, marker: rand.Text(),
	}, nil
}

// enter types a command. It is kept in a file and sourced, so that it may have
// many lines and cannot eat what is typed after it; the status of the command
// before it is put back for those who ask for $?.
func (t *terminal) enter(command string) error {
	t.screen.clear()
	t.typed++
	file := filepath.Join(t.folder, t.marker+"-"+strconv.Itoa(t.typed))
	if err := os.WriteFile(file, []byte(command+"\n"), 0o600); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.keys, "(exit $__status); . '%s' </dev/null; __status=$?; printf '\\n%%s %%d\\n' %s $__status\n", file, t.marker)
	return err
}

// run enters a command and waits for its end.
func (t *terminal) run(ctx context.Context, command string) (output string, status int, err error) {
	if err := t.enter(command); err != nil {
		return "", 0, err
	}
	err = t.screen.await(ctx, func(text string) bool {
		_, _, ok := t.split(text)
		return ok
	})
	output, status, _ = t.split(t.screen.all())
	return output, status, err
}

// start enters a command that does not end, and returns once it has printed
// enough whole lines.
func (t *terminal) start(ctx context.Context, command string, enough func(lines []string) bool) (output string, err error) {
	if err := t.enter(command); err != nil {
		return "", err
	}
	ended := false
	err = t.screen.await(ctx, func(text string) bool {
		output, _, ended = t.split(text)
		whole := output[:strings.LastIndex(output, "\n")+1]
		return ended || enough(splitLines(whole))
	})
	if ended && err == nil {
		err = errors.New("the command ended")
	}
	return output, err
}

// split separates the output of a command from the line that says how it
// ended.
func (t *terminal) split(text string) (output string, status int, ended bool) {
	output, rest, ended := strings.Cut(text, "\n"+t.marker+" ")
	digits, _, whole := strings.Cut(rest, "\n")
	status, err := strconv.Atoi(digits)
	return t.asTyped(output), status, ended && whole && err == nil
}

// asTyped gives the complaints of bash the form they have at a prompt.
func (t *terminal) asTyped(output string) string {
	file := regexp.QuoteMeta(filepath.Join(t.folder, t.marker)) + `-\d+: line \d+: `
	return regexp.MustCompile(file).ReplaceAllString(output, "bash: ")
}

// close stops everything that was started in the terminal: politely, then not.
func (t *terminal) close() {
	_ = syscall.Kill(-t.shell.Process.Pid, syscall.SIGTERM)
	_ = t.keys.Close()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-t.screen.ended:
	case <-timer.C:
	}
	_ = syscall.Kill(-t.shell.Process.Pid, syscall.SIGKILL)
	_ = t.paper.Close()
	<-t.screen.ended
	_ = t.shell.Wait() // it was killed: its status says nothing
}

func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
