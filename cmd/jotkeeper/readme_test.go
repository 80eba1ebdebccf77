package main

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/shellblock"
)

// Whoever pastes the README's second program and runs it can log in and out.
func TestTheReadmesSessionsWork(t *testing.T) {
	addr := freeAddress(t)
	programs := shellblock.CompileGo(t, filepath.Join(root, "README.md"), "127.0.0.1:8092", addr)
	if len(programs) != 2 || t.Failed() {
		t.Fatalf("%d programs, want 2", len(programs))
	}
	cmd := exec.Command(programs[1])
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill(); <-ended })
	awaitPort(t, addr, ended)
	v := &visitor{t: t, url: "http://" + addr}

	v.want("GET", "/", 303, "/login?return_to=%2F", "")
	v.want("GET", "/login", 200, "", "I am Ada")
	v.want("POST", "/login", 303, "/", "")
	v.want("GET", "/", 200, "", "Hello, ada")
	kept := v.cookie
	v.want("POST", "/logout", 303, "/", "")
	v.cookie = kept
	v.want("GET", "/", 303, "/login?return_to=%2F", "")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// awaitPort returns when the program listens.
func awaitPort(t *testing.T, addr string, ended chan error) {
	t.Helper()
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the program ended: %v", err)
		default:
		}
	}
}

// A visitor is a browser with one cookie.
type visitor struct {
	t           *testing.T
	url, cookie string
}

func (v *visitor) want(method, path string, status int, location, words string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for name, value := range map[string]string{"Accept": "text/html", "Origin": v.url, "Cookie": v.cookie} {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if res.StatusCode != status || res.Header.Get("Location") != location || !strings.Contains(string(body), words) {
		v.t.Errorf("%s %s: %d %q, want %d %q with %q:\n%s", method, path, res.StatusCode, res.Header.Get("Location"), status, location, words, body)
	}
}
