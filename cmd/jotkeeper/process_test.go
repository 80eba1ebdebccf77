package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A server is a jotkeeper serve in a process of its own.
type server struct {
	cmd    *exec.Cmd
	url    string
	ready  chan string   // the URL of the banner, closed at the end of stderr
	ended  chan struct{} // the process has ended
	banner string        // a file for what it said

	mu     sync.Mutex
	text   strings.Builder // what it said on stderr
	more   chan struct{}   // closed when it says more
	stdout strings.Builder // which stays empty
}

// startServer starts one. The binary is found in path, where testscript has
// put this test under the program's name.
func startServer(path string, env []string, dir, banner string, args ...string) (*server, error) {
	binary, err := findIn(path, "jotkeeper")
	if err != nil {
		return nil, err
	}
	return watch(exec.Command(binary, append([]string{"serve"}, args...)...), env, dir, banner)
}

// watch runs a command line that becomes a server.
func watch(cmd *exec.Cmd, env []string, dir, banner string) (*server, error) {
	s := &server{cmd: cmd, ready: make(chan string, 1), ended: make(chan struct{}), more: make(chan struct{}), banner: banner}
	s.cmd.Env, s.cmd.Dir, s.cmd.Stdout = env, dir, &s.stdout
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go s.follow(stderr)
	return s, nil
}

func findIn(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if stat, err := os.Stat(file); err == nil && stat.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", errors.New(name + " is not in " + path)
}

var readyLine = regexp.MustCompile(`^jotkeeper: ready on (\S+) in `)

// follow reads what the server says until it ends.
func (s *server) follow(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		s.mu.Lock()
		fmt.Fprintln(&s.text, lines.Text())
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			s.ready <- m[1]
		}
	}
	close(s.ready)
	_ = s.cmd.Wait()
	if s.stdout.Len() > 0 {
		panic("a server wrote to stdout: " + s.stdout.String())
	}
	if s.banner != "" {
		_ = os.WriteFile(s.banner, []byte(s.said()), 0o600)
	}
	close(s.ended)
}

func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// awaitReady waits for the banner.
func (s *server) awaitReady() error {
	select {
	case url, ok := <-s.ready:
		if !ok {
			<-s.ended
			return fmt.Errorf("the server ended with %d:\n%s", s.cmd.ProcessState.ExitCode(), s.said())
		}
		s.url = url
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the server is not ready:\n%s", s.said())
	}
}

var signals = map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}

// stop signals the server, waits for its end, returns its exit code.
func (s *server) stop(signal string) (int, error) {
	if err := s.cmd.Process.Signal(signals[signal]); err != nil {
		return 0, err
	}
	select {
	case <-s.ended:
		return s.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		return 0, fmt.Errorf("the server goes on after SIG%s:\n%s", signal, s.said())
	}
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// await waits until the server has said text.
func (s *server) await(t *testing.T, text string) {
	t.Helper()
	give := time.After(patience)
	for {
		s.mu.Lock()
		said, more := strings.Contains(s.text.String(), text), s.more
		s.mu.Unlock()
		if said {
			return
		}
		select {
		case <-more:
		case <-give:
			t.Fatalf("the server never said %q:\n%s", text, s.said())
		}
	}
}

// ranOut tells whether a 503 was answered because the server's patience with
// its own rooms was over: that is how long they took, not what they know.
func (s *server) ranOut(answer string) bool {
	return strings.Contains(s.trouble(answer), context.DeadlineExceeded.Error())
}

// trouble waits for the cause that the log gives for an answer of 500 or more.
func (s *server) trouble(answer string) (cause string) {
	var a struct {
		RequestID string `json:"request_id"`
	}
	if json.Unmarshal([]byte(answer), &a) != nil || a.RequestID == "" {
		return ""
	}
	ended, give := s.ended, time.After(patience)
	for {
		s.mu.Lock()
		text, more := s.text.String(), s.more
		s.mu.Unlock()
		if cause, ok := causeOf(text, a.RequestID); ok || ended == nil {
			return cause
		}
		select {
		case <-more:
		case <-ended:
			ended = nil // it has said everything: once more
		case <-give:
			return ""
		}
	}
}

func causeOf(log, requestID string) (string, bool) {
	for line := range strings.Lines(log) {
		var l struct {
			Msg, Cause string
			RequestID  string `json:"request_id"`
		}
		if strings.Contains(line, requestID) && json.Unmarshal([]byte(line), &l) == nil && l.Msg == "trouble" && l.RequestID == requestID {
			return l.Cause, true
		}
	}
	return "", false
}
