package shellblock

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A substitution turns the text of a document into what is run: free ports
// and programs that are built already.
type substitution struct {
	ports, programs []replacement
}

type replacement struct {
	old *regexp.Regexp
	new string
}

func substitute(opts Options, folder string) (substitution, error) {
	var s substitution
	free, err := freePorts(opts.Ports)
	if err != nil {
		return s, err
	}
	for i, port := range opts.Ports {
		s.ports = append(s.ports, replacement{regexp.MustCompile(`\b` + regexp.QuoteMeta(port) + `\b`), free[i]})
	}
	// The right end matters: go run ./cmd/jotkeeper is not go run ./cmd/jotkeeper-edge.
	for i, words := range slices.Sorted(maps.Keys(opts.Programs)) {
		program := opts.Programs[words]
		if strings.HasPrefix(words, "go run ") {
			wrapper := filepath.Join(folder, fmt.Sprintf("go-run-%d", i))
			if err := os.WriteFile(wrapper, []byte(asGoRun(program)), 0o700); err != nil {
				return s, err
			}
			program = wrapper
		}
		old := regexp.MustCompile(`(?m)` + regexp.QuoteMeta(words) + `([\s;|&)"'` + "`" + `]|$)`)
		s.programs = append(s.programs, replacement{old, strings.ReplaceAll(quote(program), "$", "$$") + "$1"})
	}
	return s, nil
}

// asGoRun is a script that fails as go run does: it says the status of the
// program, and ends with 1.
func asGoRun(program string) string {
	return "#!/bin/sh\n" + quote(program) + ` "$@"
status=$?
[ $status = 0 ] && exit
echo "exit status $status" >&2
exit 1
`
}

func quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// freePorts finds a free port for each of a document's. They keep their
// distances: a program that proposes the next port proposes the document's.
func freePorts(ports []string) ([]string, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	var offsets []int
	for _, p := range ports {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, fmt.Errorf("a port of the document: %w", err)
		}
		offsets = append(offsets, n)
	}
	var last error
	for range 100 {
		free, err := tryPorts(offsets)
		if err == nil {
			return free, nil
		}
		last = err
	}
	return nil, fmt.Errorf("found no free ports at the distances of the document's: %w", last)
}

// tryPorts holds a port and then its neighbours; all are let go when it returns,
// with an error if one of them is taken. It looks below the ports that systems
// give to outgoing connections: those would starve it, and take what it let go.
func tryPorts(ports []int) ([]string, error) {
	var free []string
	base := 10_000 + rand.IntN(20_000)
	for _, p := range ports {
		port := strconv.Itoa(base + p - ports[0])
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, err
		}
		defer l.Close()
		free = append(free, port)
	}
	return free, nil
}

func (s substitution) command(text string) string {
	for _, r := range s.programs {
		text = r.old.ReplaceAllString(text, r.new)
	}
	return s.line(text)
}

func (s substitution) line(text string) string {
	for _, r := range s.ports {
		text = r.old.ReplaceAllString(text, r.new)
	}
	return text
}

func (s substitution) lines(texts []string) []string {
	var list []string
	for _, text := range texts {
		list = append(list, s.line(text))
	}
	return list
}

// environment is ours without what differs between machines. The go command
// keeps its caches, which it would otherwise look for in the new HOME.
func environment(home string, extra []string) ([]string, error) {
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		return nil, err
	}
	dirs := strings.Split(string(caches), "\n")
	var env []string
	for _, v := range os.Environ() {
		if key, _, _ := strings.Cut(v, "="); key != "HOME" && key != "BASH_ENV" && !strings.HasPrefix(key, "JOTKEEPER_") {
			env = append(env, v)
		}
	}
	env = append(env, "HOME="+home, "TERM=dumb", "LC_ALL=C.UTF-8",
		"GOCACHE="+dirs[0], "GOMODCACHE="+dirs[1], "GOPATH="+dirs[2])
	return append(env, extra...), nil
}

// moduleRoot is the nearest folder above path that has a go.mod.
func moduleRoot(path string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s: no go.mod above it", path)
		}
	}
}
