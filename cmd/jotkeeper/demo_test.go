package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const demoPassword = "moss-kettle-orbit-42"

// launchDemo starts a demonstration on a free port, whose temporary directory is
// one of the test. At the end it is killed, and its parts put everything away.
func launchDemo(t *testing.T) *server {
	t.Helper()
	binary, err := findIn(os.Getenv("PATH"), "jotkeeper")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Cleanup(func() { until(t, "everything is put away", func() bool { return len(kept(t, dir)) == 0 }) })
	s, err := watch(exec.Command(binary, "demo", "--addr", "127.0.0.1:0"), []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}, dir, "")
	return answering(t, s, err)
}

// left is what a demonstration has on the disk.
func (s *server) left(t *testing.T) []string { return kept(t, s.cmd.Dir) }

func kept(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "jotkeeper-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A demonstration says one address, keeps what it needs in one directory, and
// leaves nothing behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	s := launchDemo(t)
	if n := strings.Count(s.said(), "http"); n != 1 {
		t.Errorf("it says %d addresses, want one:\n%s", n, s.said())
	}
	if len(s.left(t)) != 1 {
		t.Errorf("it keeps %v", s.left(t))
	}
	parts := s.processes(t)
	if code, err := s.stop("INT"); code != exitOK || err != nil {
		t.Errorf("it ended with %d, %v:\n%s", code, err, s.said())
	}
	for name, p := range parts {
		if p.answers(t) {
			t.Errorf("the %s goes on", name)
		}
	}
	if left := s.left(t); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// A demonstration that is killed takes its parts and its directory along: they
// hear that their input has ended.
func TestDemoLeavesNoOrphans(t *testing.T) {
	t.Parallel()
	s := launchDemo(t)
	parts := s.processes(t)
	if len(parts) != 4 {
		t.Fatalf("%d processes, want 4", len(parts))
	}
	for _, p := range parts {
		t.Cleanup(func() { p.end(t) })
	}
	s.kill()
	for name, p := range parts {
		until(t, "the "+name+" ends", func() bool { return !p.answers(t) })
	}
	until(t, "the directory is gone", func() bool { return len(s.left(t)) == 0 })
}

// A part that is killed is started again where it was; whoever is logged in
// stays so. The page and the terminal say what happened.
func TestDemoOutlivesItsParts(t *testing.T) {
	t.Parallel()
	s := launchDemo(t)
	ada := s.visitor(t)
	if page := ada.post("/session/login", "username", "ada", "password", demoPassword); !strings.Contains(page, `data-account="1"`) {
		t.Fatal(page)
	}
	for name, p := range s.processes(t) {
		if name == "web application" {
			continue
		}
		process, err := os.FindProcess(p.id)
		if err == nil {
			err = process.Kill()
		}
		if err != nil {
			t.Fatal(err)
		}
		s.await(t, "jotkeeper: the "+name+" died (signal: killed) and is started again\n")
		until(t, "the "+name+" answers again", func() bool {
			again := s.processes(t)[name]
			return again.id != p.id && again.starts == 2 && again.url == p.url && again.answers(t)
		})
		until(t, "the pages work", func() bool {
			return strings.Contains(ada.post("/problem/1"), `data-outcome="done"`) && strings.Contains(ada.post("/problem/4"), `data-outcome="done"`)
		})
	}
}

// until asks until something is so, and gives up only when it hangs.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for give := time.Now().Add(patience / 2); !so(); {
		if time.Now().After(give) {
			t.Fatalf("never: %s", what)
		}
	}
}

// A seat is one of the four processes, as the pages tell.
type seat struct {
	id, starts int
	url        string
}

var seats = regexp.MustCompile(`data-process="([^"]*)" data-pid="(\d+)" data-starts="(\d+)">.*<code>([^<]*)</code>`)

// processes are the four processes by name.
func (s *server) processes(t *testing.T) map[string]seat {
	t.Helper()
	all := map[string]seat{}
	for _, m := range seats.FindAllStringSubmatch(s.visitor(t).get("/"), -1) {
		id, _ := strconv.Atoi(m[2])
		starts, _ := strconv.Atoi(m[3])
		all[m[1]] = seat{id, starts, m[4]}
	}
	return all
}

// end kills a process that outlived its test.
func (p seat) end(t *testing.T) {
	if !p.answers(t) {
		return
	}
	process, err := os.FindProcess(p.id)
	if err == nil {
		err = process.Kill()
	}
	t.Logf("process %d was killed by its test (%v)", p.id, err)
}

// answers tells whether anybody listens.
func (p seat) answers(t *testing.T) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, p.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return true
}

// A caller is somebody with a browser without JavaScript.
type caller struct {
	t    *testing.T
	site string
	http *http.Client
}

func (s *server) visitor(t *testing.T) *caller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	return &caller{t, s.url, &http.Client{Jar: jar, Transport: own}}
}

func (c *caller) get(path string) string {
	c.t.Helper()
	return c.ask(http.MethodGet, path, nil)
}

func (c *caller) post(path string, fields ...string) string {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return c.ask(http.MethodPost, path, form)
}

func (c *caller) ask(method, path string, form url.Values) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", c.site)
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}
