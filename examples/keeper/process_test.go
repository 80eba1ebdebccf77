package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const asProgram = "JOTKEEPER_EXAMPLE_IS_THE_PROGRAM"

// The test's own binary is the program, when it is started so.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// A process is the program, running.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr *bufio.Reader
	url    string // without the last slash
}

func start(t *testing.T, dir string) *process {
	t.Helper()
	return startAt(t, dir, "127.0.0.1:0")
}

func startAt(t *testing.T, dir, addr string) *process {
	t.Helper()
	p := &process{t: t, cmd: program("-addr", addr, "-dir", dir)}
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() })
	p.stderr = bufio.NewReader(pipe)
	line, _ := p.stderr.ReadString('\n')
	said, ok := strings.CutPrefix(line, "keeper: open ")
	if !ok {
		rest, _ := io.ReadAll(p.stderr)
		t.Fatalf("it says %q", line+string(rest))
	}
	p.url = strings.TrimSuffix(said, "/\n")
	return p
}

// stop ends the program as an operator does, and wants it to have said nothing more.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	said, _ := io.ReadAll(p.stderr)
	if err := p.cmd.Wait(); err != nil || len(said) > 0 {
		p.t.Errorf("it ended with %v, and said %q", err, said)
	}
}

// kill ends it as a power cut does.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Wait()
}

// A browser keeps one cookie and opens pages. Unlike Go's jar it brings a Secure
// cookie to 127.0.0.1, as real ones do.
type browser struct {
	t      *testing.T
	cookie string
	from   string // Origin of what it posts; "": the page's own
}

// An answer is what came.
type answer struct {
	status   int
	location string
	body     string
}

func (b *browser) get(p *process, path string) answer {
	b.t.Helper()
	return b.send(p, "GET", path, nil)
}

func (b *browser) post(p *process, path string, fields ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.send(p, "POST", path, strings.NewReader(form.Encode()))
}

func (b *browser) send(p *process, method, path string, body io.Reader) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, p.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if r.Header.Set("Cookie", b.cookie); method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if r.Header.Set("Origin", b.from); b.from == "" {
			r.Header.Set("Origin", p.url)
		}
	}
	res, err := http.DefaultTransport.RoundTrip(r) // redirects are looked at
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if b.cookie = c.Name + "=" + c.Value; c.MaxAge < 0 {
			b.cookie = ""
		}
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("Location"), string(text)}
}

// want compares status and location, and looks for words in the body.
func (a answer) want(t *testing.T, what string, status int, location, words string) {
	t.Helper()
	if a.status != status || a.location != location || !strings.Contains(a.body, words) {
		t.Errorf("%s: %d %q, want %d %q with %q:\n%s", what, a.status, a.location, status, location, words, a.body)
	}
}

// complaint runs a program that cannot start, and returns what it says.
func complaint(t *testing.T, args ...string) string {
	t.Helper()
	out, err := program(args...).CombinedOutput()
	if err == nil {
		t.Fatalf("it ran: %s", out)
	}
	if lines := strings.Count(string(out), "\n"); lines != 1 {
		t.Errorf("%d lines for one trouble:\n%s", lines, out)
	}
	return string(out)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprint(f.Name(), " ", info.Mode().Perm()))
	}
	return strings.Join(names, ", ")
}

func shop(t *testing.T) string { return filepath.Join(t.TempDir(), "data") }
