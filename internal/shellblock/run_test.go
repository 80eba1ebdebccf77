package shellblock

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A ledger is a testing.TB that keeps failures instead of failing.
type ledger struct {
	testing.TB
	t         *testing.T
	complaint strings.Builder
	log       strings.Builder
}

func (l *ledger) Helper()                   {}
func (l *ledger) TempDir() string           { return l.t.TempDir() }
func (l *ledger) Logf(f string, a ...any)   { fmt.Fprintf(&l.log, f+"\n", a...) }
func (l *ledger) Errorf(f string, a ...any) { fmt.Fprintf(&l.complaint, f+"\n", a...) }
func (l *ledger) Fatalf(f string, a ...any) { l.Errorf(f, a...); runtime.Goexit() }
func (l *ledger) Fatal(a ...any)            { l.Errorf("%s", fmt.Sprint(a...)); runtime.Goexit() }
func (l *ledger) try(f func(testing.TB)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(l)
	}()
	<-done
}

// write makes a module that has nothing but the document.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "README.md")
	for name, content := range map[string]string{"README.md": doc(text), "go.mod": "module example.com/doc\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func runDoc(t *testing.T, text string, opts Options) (*ledger, Tally) {
	t.Helper()
	var tally Tally
	l, path := &ledger{t: t}, write(t, text)
	l.try(func(tb testing.TB) { tally = RunFile(tb, path, opts) })
	return l, tally
}

func TestRunFileGreen(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"output and complaints together", "$ echo a; echo b >&2; echo c\na\nb\nc"},
		{"no newline at the end", "$ printf a\na\n$ echo b\nb"},
		{"no output", "$ true\n$ echo b\nb"},
		{"variables carry over", "$ ID=$(echo 42)\n'''\ntext\n'''console\n$ echo $ID\n42"},
		{"the folder carries over", "$ mkdir x && cd x\n'''\n'''console\n$ basename $PWD\nx"},
		{"the status carries over", "$ false\nexit status 1\n$ echo $?\n1"},
		{"many lines", "$ for i in 1 2; do\n>   echo $i\n> done\n1\n2"},
		{"a document inside", "$ cat <<END\n> a\n> END\na"},
		{"a command that reads", "$ cat\n$ echo after\nafter"},
		{"a home of its own", "$ ls ~ | grep -c README\n0\nexit status 1"},
		{"a failure that was announced", "$ (echo no; exit 7)\nno\nexit status 7"},
		{"a failure that go run prints", "$ (echo no; echo exit status 7 >&2; exit 1)\nno\nexit status 7"},
		{"bash complains as at a prompt", "$ nonsense\nbash: nonsense: command not found\nexit status 127"},
		{"a command left in the background", "$ sleep 1000 &\n$ echo next\nnext"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, tally := runDoc(t, "'''console\n"+c.text+"\n'''\n", Options{})
			if l.complaint.Len() > 0 {
				t.Error(l.complaint.String())
			}
			if tally.Commands == 0 {
				t.Error("no command was run")
			}
		})
	}
}

func TestRunFileRed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"another line", "$ echo b\na", "README.md:2: $ echo b\nthe output differs (\"-\" is wanted, \"+\" came):\n- a\n+ b\n"},
		{"an unwanted complaint", "$ echo a >&2", "+ a\n"},
		{"missing output", "$ true\na", "- a\n"},
		{"an unannounced failure", "$ false", "it ended with exit status 1, the document says 0"},
		{"another failure", "$ (exit 3)\nexit status 4", "it ended with exit status 3, the document says 4"},
		{"another failure of go run", "$ (echo exit status 3; exit 1)\nexit status 4", "it ended with exit status 3, the document says 4"},
		{"an announced failure that succeeds", "$ true\nexit status 1", "it ended with exit status 0, the document says 1"},
		{"both mismatches of a document", "$ echo a\nx\n$ echo b\ny", "README.md:4: $ echo b"},
		{"the end of the terminal", "$ exit 3", "(the terminal ended)"},
		{"a block that cannot be read", "a", "line 2: a console block begins with"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, _ := runDoc(t, "'''console\n"+c.text+"\n'''\n", Options{})
			if !strings.Contains(l.complaint.String(), c.want) {
				t.Errorf("complaint:\n%s\nwant:\n%s", l.complaint.String(), c.want)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	l, _ := runDoc(t, "'''console\n$ echo begun; sleep 1000\n'''\n", Options{Timeout: 300 * time.Millisecond})
	if want := "did not end within 300ms"; !strings.Contains(l.complaint.String(), want) {
		t.Errorf("complaint:\n%s\nwant: %s", l.complaint.String(), want)
	}
}

func TestSkipIsCounted(t *testing.T) {
	l, tally := runDoc(t, "<!-- shellblock: skip reason=\"needs a mail server\" -->\n'''console\n$ false\n'''\n", Options{})
	if l.complaint.Len() > 0 || tally != (Tally{Skipped: 1}) {
		t.Errorf("tally %+v, complaint %s", tally, l.complaint.String())
	}
	if want := "README.md:2: skipped: needs a mail server"; !strings.Contains(l.log.String(), want) {
		t.Errorf("log %q, want %q", l.log.String(), want)
	}
}

const background = "<!-- shellblock: background -->\n'''console\n"

func TestBackground(t *testing.T) {
	// The command talks on, more than a pipe holds; it must not block.
	l, _ := runDoc(t, background+`$ echo $$ > pid; echo "listening on :1"; yes | head -c 200000; echo done > drained; exec sleep 1000
listening on …
'''
'''console
$ until [ -e drained ]; do :; done
$ kill -0 $(cat pid)
$ cp pid ~/pid
'''
`, Options{})
	if l.complaint.Len() > 0 {
		t.Fatal(l.complaint.String())
	}
}

// The command holds the writing end of a pipe for as long as it lives.
func TestBackgroundIsStopped(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	alive, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	l, _ := runDoc(t, background+"$ sleep 1000 > $FIFO & echo $! > $FIFO; echo ready; wait\nready\n'''\n",
		Options{Env: []string{"FIFO=" + fifo}})
	if l.complaint.Len() > 0 {
		t.Fatal(l.complaint.String())
	}
	if err := alive.SetReadDeadline(time.Now().Add(grace)); err != nil {
		t.Fatal(err)
	}
	pid, err := io.ReadAll(alive)
	if err != nil {
		t.Errorf("the command still runs: %v", err)
		if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
}

func TestBackgroundGoesRed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"it ends", "$ echo hello; false\nready", "the command ended before it had printed what the document shows"},
		{"it says something else", "$ echo hello; exec sleep 1000\nready", "- ready\n… hello\n"},
		{"it dies", "$ echo hello; exit\nready", "the terminal ended before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, _ := runDoc(t, background+c.text+"\n'''\n", Options{Timeout: time.Second})
			if !strings.Contains(l.complaint.String(), c.want) {
				t.Errorf("complaint:\n%s\nwant:\n%s", l.complaint.String(), c.want)
			}
		})
	}
}

func TestSubstitution(t *testing.T) {
	program := filepath.Join(t.TempDir(), "it's here")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"got $*\"\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, _ := runDoc(t, `'''console
$ go run ./cmd/jotkeeper token  # ends badly
got token
exit status 7
$ bin/jotkeeper token
got token
exit status 7
$ echo 127.0.0.1:8080 $LISTEN 18080
127.0.0.1:8080 :8080 18080
$ case 8080 in 80[8]0) echo the real port;; *) echo a free port;; esac
a free port
$ echo $((8081 - 8080)) $((8090 - 8080))
1 10
$ echo go run ./cmd/jotkeeper-edge
go run ./cmd/jotkeeper-edge
'''
`, Options{
		Ports: []string{"8080", "8081", "8090"}, Env: []string{"LISTEN=:8080"},
		Programs: map[string]string{"go run ./cmd/jotkeeper": program, "bin/jotkeeper": program},
	})
	if l.complaint.Len() > 0 {
		t.Error(l.complaint.String())
	}
}

func TestEnvironmentIsOurOwn(t *testing.T) {
	t.Setenv("JOTKEEPER_ISSUER", "https://elsewhere.example")
	l, _ := runDoc(t, "'''console\n$ echo \"issuer $JOTKEEPER_ISSUER\"\nissuer\n'''\n", Options{})
	if l.complaint.Len() > 0 {
		t.Error(l.complaint.String())
	}
}

func TestDocuments(t *testing.T) {
	path := write(t, "# Title")
	root := filepath.Dir(path)
	guide := filepath.Join(root, "docs", "guides", "first.md")
	if err := os.MkdirAll(filepath.Dir(guide), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(guide, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Documents(t, root); len(got) != 2 || got[0] != path || got[1] != guide {
		t.Errorf("documents: %q", got)
	}
	l := &ledger{t: t}
	l.try(func(tb testing.TB) { Documents(tb, filepath.Join(root, "docs")) })
	if !strings.Contains(l.complaint.String(), "no document below") {
		t.Errorf("complaint: %s", l.complaint.String())
	}
}

func TestCompileGo(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		count            int
	}{
		{"a program", "// Shows it.\npackage main\n\nfunc main() { println(1) }", "", 1},
		{"a test", "package doc_test\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) { t.Log(1) }", "", 1},
		{"a fragment", "x := undefined()", "", 0},
		{"a program that does not compile", "package main\n\nfunc main() { undefined() }", "README.md:1: the program does not compile", 1},
		{"a test that does not compile", "package doc_test\n\nfunc f() { undefined() }", "undefined: undefined", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, path, count := &ledger{t: t}, write(t, "'''go\n"+c.text+"\n'''\n"), 0
			l.try(func(tb testing.TB) { count = len(CompileGo(tb, path)) })
			got := l.complaint.String()
			if count != c.count || !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("compiled %d, complaint:\n%s\nwant %d, %s", count, got, c.count, c.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 2 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestCompileGoMakesAProgram(t *testing.T) {
	path := write(t, "'''go\npackage main\n\nfunc main() { print(\"old\") }\n'''\n")
	programs := CompileGo(t, path, "old", "new")
	if len(programs) != 1 {
		t.Fatalf("programs: %q", programs)
	}
	if out, err := exec.Command(programs[0]).CombinedOutput(); string(out) != "new" || err != nil {
		t.Errorf("it says %q, %v", out, err)
	}
}

func TestQuotes(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"a.go": "func a() {\n\treturn\n}\n", "a_test.go": "func tested() {}\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, text, want string }{
		{"a quotation", "'''text\nfunc a() {\n    return\n'''\n", ""},
		{"another word", "'''text\nfunc b() {\n'''\n", "README.md:1: no program says"},
		{"of a test", "'''text\nfunc tested() {}\n'''\n", "README.md:1: no program says"},
		{"half a line", "'''text\nfunc a()\n'''\n", "README.md:1: no program says"},
		{"none", "words", "README.md quotes nothing"},
	} {
		l, path := &ledger{t: t}, write(t, c.text)
		l.try(func(tb testing.TB) { Quotes(tb, path, folder) })
		if got := l.complaint.String(); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s: complaint %q, want %q", c.name, got, c.want)
		}
	}
}

func TestScreenNeverMissesTheEnd(t *testing.T) {
	s := watch(strings.NewReader("all of it"))
	err := s.await(context.Background(), func(text string) bool { return text == "all of it" })
	if err != nil {
		t.Errorf("await: %v", err)
	}
	if err := s.await(context.Background(), func(string) bool { return false }); err != errEnded {
		t.Errorf("await after the end: %v", err)
	}
}

// The page that explains console blocks shows some, and they must be true.
func TestContributingIsTrue(t *testing.T) {
	if tally := RunFile(t, "../../CONTRIBUTING.md", Options{}); tally.Commands == 0 {
		t.Error("CONTRIBUTING.md shows no command")
	}
}
