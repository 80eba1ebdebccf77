package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The stories in testdata/script are evenings with the real program: each is
// a process, each server a real listener.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setStage,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":   cmdServe,
			"halt":    cmdHalt,
			"http":    cmdHTTP,
			"pick":    cmdPick,
			"occupy":  cmdOccupy,
			"mode":    cmdMode,
			"put":     cmdPut,
			"exits":   cmdExits,
			"refused": cmdRefused,
			"newer":   cmdNewer,
			"gone":    cmdGone,
			"bearer":  cmdBearer,
		},
	})
}

// patience is when a story is given up: it says that something hangs, and
// nothing depends on how long anything takes below it.
const patience = 60 * time.Second

type stageKey struct{}

// A stage holds the servers of one story by name.
type stage struct{ servers map[string]*server }

func setStage(env *testscript.Env) error {
	env.Values[stageKey{}] = &stage{servers: map[string]*server{}}
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("NO_PROXY", "*")
	return os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o700)
}

func onStage(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// whichServer takes @name from the front of args.
func whichServer(args []string) (string, []string) {
	if len(args) > 0 && strings.HasPrefix(args[0], "@") {
		return args[0], args[1:]
	}
	return "@", args
}

// serve [@name] [flags]: starts a server on a free port, waits for its banner,
// sets ID (its URL), ADDR (its host:port), BANNER (the file with its stderr).
func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	name, args := whichServer(args)
	if !strings.Contains(strings.Join(args, " "), "--addr") {
		args = append([]string{"--addr", "127.0.0.1:0"}, args...)
	}
	banner := ts.MkAbs("serve" + strings.TrimPrefix(name, "@") + ".err")
	s, err := startServer(ts.Getenv("PATH"), storyEnv(ts), ts.MkAbs("."), banner, args...)
	ts.Check(err)
	onStage(ts).servers[name] = s
	ts.Defer(s.kill)
	ts.Check(s.awaitReady())
	ts.Setenv("ID", s.url)
	ts.Setenv("ADDR", strings.TrimPrefix(strings.TrimPrefix(s.url, "http://"), "https://"))
}

func storyEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"HOME", "PATH", "XDG_DATA_HOME", "JOTKEEPER_MASTER_KEY", "JOTKEEPER_ADMIN_PASSWORD", "TMPDIR"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// halt [@name] SIGNAL CODE: signals the server and demands its exit code. A
// second SIGNAL+ is sent at once after the first.
func cmdHalt(ts *testscript.TestScript, neg bool, args []string) {
	name, args := whichServer(args)
	if len(args) != 2 {
		ts.Fatalf("usage: halt [@name] SIGNAL CODE")
	}
	s := onStage(ts).servers[name]
	code, err := s.stop(args[0])
	ts.Check(err)
	if want, _ := strconv.Atoi(args[1]); code != want {
		ts.Fatalf("the server ended with %d, want %d:\n%s", code, want, s.said())
	}
}

// http [-until] STATUS METHOD URL [Header: value …] [name=value …]: one
// request, a form where there are values. The answer's body goes to the file
// body, the rest to head. With -until it asks again until the status comes.
func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	until := len(args) > 0 && args[0] == "-until"
	if until {
		args = args[1:]
	}
	if len(args) < 3 {
		ts.Fatalf("usage: http [-until] STATUS METHOD URL …")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		got, head, body, err := ask(ctx, args[1], args[2], args[3:])
		ts.Check(err)
		if strconv.Itoa(got) != args[0] && until && ctx.Err() == nil {
			continue
		}
		ts.Check(os.WriteFile(ts.MkAbs("body"), body, 0o600))
		ts.Check(os.WriteFile(ts.MkAbs("head"), head, 0o600))
		if strconv.Itoa(got) != args[0] {
			ts.Fatalf("%s %s answered %d, want %s\n%s\n%s", args[1], args[2], got, args[0], head, body)
		}
		return
	}
}

var headerArg = regexp.MustCompile(`^[A-Za-z-]+: `)

func ask(ctx context.Context, method, address string, args []string) (status int, head, body []byte, err error) {
	header, form := http.Header{}, url.Values{}
	for _, arg := range args {
		if headerArg.MatchString(arg) {
			name, text, _ := strings.Cut(arg, ": ")
			header.Set(name, text)
		} else {
			name, text, _ := strings.Cut(arg, "=")
			form.Add(name, text)
		}
	}
	var content io.Reader
	if len(form) > 0 {
		content = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header = header
	if content != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	var b bytes.Buffer
	res.Header.Write(&b)
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, b.Bytes(), body, err
}

// pick VAR FILE path.to.member: sets a variable from JSON; a number walks a list.
func cmdPick(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: pick VAR FILE PATH")
	}
	var v any
	text := ts.ReadFile(args[1])
	ts.Check(json.Unmarshal([]byte(text), &v))
	for step := range strings.SplitSeq(args[2], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(at) {
				ts.Fatalf("no %s in %s", step, text)
			}
			v = at[n]
		}
	}
	if v == nil {
		ts.Fatalf("no %s in %s", args[2], text)
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// occupy VAR: another program listens on a free port and says nothing of use.
func cmdOccupy(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	other := &http.Server{Handler: http.NotFoundHandler()}
	go other.Serve(l)
	ts.Defer(func() { other.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// mode PERM FILE…: demands the permission bits.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	for _, path := range args[1:] {
		stat, err := os.Stat(ts.MkAbs(path))
		ts.Check(err)
		if got := string(octal(stat.Mode().Perm())); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", path, got, args[0])
		}
	}
}

// put FILE TEXT: writes a line, mode 0600.
func cmdPut(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(args[1]+"\n"), 0o600))
}

// exits CODE PROGRAM ARGS…: runs a program that ends with CODE. Its stdout and
// stderr are there for the next lines, as after exec.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("it ended with %d, want %d\n%s", got, want, ts.ReadFile("stderr"))
	}
}

// newer FILE: pretends that a later version migrated a database.
func cmdNewer(ts *testscript.TestScript, neg bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(`INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES (9999, 1, 0)`)
	ts.Check(err)
}

// gone TEXT URL: asks until the answer no longer holds TEXT.
func cmdGone(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, _, body, err := ask(ctx, "GET", args[1], nil)
		ts.Check(err)
		if !bytes.Contains(body, []byte(args[0])) {
			return
		}
	}
}

// refused CODE [flags]: a server that does not start and ends with CODE. What
// it said is in the file refused.err.
func cmdRefused(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: refused CODE [flags]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if args = args[1:]; !strings.Contains(strings.Join(args, " "), "--addr") {
		args = append([]string{"--addr", "127.0.0.1:0"}, args...)
	}
	s, err := startServer(ts.Getenv("PATH"), storyEnv(ts), ts.MkAbs("."), ts.MkAbs("refused.err"), args...)
	ts.Check(err)
	defer s.kill()
	if s.awaitReady() == nil {
		ts.Fatalf("it started:\n%s", s.said())
	}
	if got := s.cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("it ended with %d, want %d:\n%s", got, want, s.said())
	}
}
