package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"
)

// fullDisk in the environment lets the program run on a disk without room: the
// database file stays as large as it is, and SQLite says that it is full.
const fullDisk = "JOTKEEPER_TEST_FULL_DISK"

func mainWithRoom() {
	if os.Getenv(fullDisk) != "" {
		sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error {
			_, err := c.ExecContext(context.Background(), "PRAGMA max_page_count=1", nil) // SQLite takes the present size for it
			return err
		})
	}
	main()
}

// A187 over HTTP and on the command line: no room is trouble, never a logout,
// never a success; what was acknowledged before is there, and the server goes
// on when there is room again. This runs on every machine; diskfull_test.go
// fills a real disk where the kernel lets it mount one.
func TestA187FullDisk(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	ada, s := adaWithRoom(t, home)
	s.kill()

	s = launchFull(t, home)
	known := signUpUntilFull(t, s)
	for _, asked := range []struct {
		what, method, path string
		args               []string
	}{
		{"login", "POST", "/session", []string{"username=ada", "password=" + moss, "transport=body"}},
		{"sign-up", "POST", "/accounts", []string{"username=late", "password=" + moss, "transport=body"}},
	} {
		status, head, body := asks(t, asked.method, s.url+asked.path, asked.args...)
		if status != http.StatusServiceUnavailable || !strings.Contains(body, `"code":"unavailable"`) || !strings.Contains(head, "Retry-After: ") {
			t.Errorf("%s on a full disk answered %d\n%s\n%s", asked.what, status, head, body)
		}
	}
	// What needs no room goes on.
	if status, _, body := asks(t, "GET", s.url+"/revocation/v1/check", "Authorization: Bearer "+ada.Result.Access); status != http.StatusOK {
		t.Errorf("a living token is answered %d %s", status, body)
	}
	if status, _, body := asks(t, "GET", s.url+"/jwks"); status != http.StatusOK {
		t.Errorf("the key set is answered %d %s", status, body)
	}
	if code, err := s.stop("TERM"); code != exitOK || err != nil {
		t.Errorf("the server ended with %d, %v\n%s", code, err, s.said())
	}

	s = launch(t, home, "--issuer", killIssuer)
	for _, name := range append(known, "ada", "late") {
		path, args := "/session", []string{"username=" + name, "password=" + moss, "transport=body"}
		if name == "late" { // it was refused, so the name is free
			path = "/accounts"
		}
		if status, _, body := asks(t, "POST", s.url+path, args...); status != http.StatusCreated {
			t.Errorf("%s, with room again: %d %s", name, status, body)
		}
	}
	if status, _, body := asks(t, "POST", s.url+"/session/refresh", "refresh_token="+ada.Result.Refresh); status != http.StatusCreated {
		t.Errorf("the session from before: %d %s", status, body)
	}
}

const moss = "moss-kettle-orbit-42"

// adaWithRoom starts a server and signs ada up.
func adaWithRoom(t *testing.T, home string) (tokens, *server) {
	s := launch(t, home, "--issuer", killIssuer)
	status, _, body := asks(t, "POST", s.url+"/accounts", "username=ada", "password="+moss, "transport=body")
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	return read[tokens](t, body), s
}

// signUpUntilFull signs people up until the disk is full and returns who is in.
func signUpUntilFull(t *testing.T, s *server) (known []string) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		name := fmt.Sprintf("guest%d", len(known))
		status, _, body := asks(t, "POST", s.url+"/accounts", "username="+name, "password="+moss, "transport=body")
		switch status {
		case http.StatusCreated:
			known = append(known, name)
		case http.StatusServiceUnavailable:
			return known
		default:
			t.Fatalf("sign-up answered %d %s", status, body)
		}
	}
	t.Fatal("the disk is never full")
	return nil
}

func launchFull(t *testing.T, home string) *server {
	t.Helper()
	env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), fullDisk + "=1"}
	s, err := startServer(os.Getenv("PATH"), env, home, "", "--addr", "127.0.0.1:0", "--issuer", killIssuer)
	return answering(t, s, err)
}

// On the command line: the first start, a command.
func TestA187FullDiskOnTheCommandLine(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	full := func(args ...string) (int, string) {
		binary, err := findIn(os.Getenv("PATH"), "jotkeeper")
		if err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), binary, args...)
		c.Env = []string{"HOME=" + home, fullDisk + "=1"}
		var said strings.Builder
		c.Stderr = &said
		var ended *exec.ExitError
		if err := c.Run(); err != nil && !errors.As(err, &ended) {
			t.Fatal(err)
		}
		return c.ProcessState.ExitCode(), said.String()
	}
	const sentence = "jotkeeper: no room is left on the disk of "
	if code, said := full("serve", "--addr", "127.0.0.1:0"); code != exitOutside || !strings.Contains(said, sentence) || !strings.Contains(said, "\n  try: df -h ") {
		t.Errorf("the first start ended with %d: %s", code, said)
	}
	_, s := adaWithRoom(t, home)
	s.kill()
	password := write(t, filepath.Join(home, "password"), moss)
	for n := 0; ; n++ {
		code, said := full("account", "create", fmt.Sprintf("guest%d", n), "--password-file", password, "--claim", "note="+strings.Repeat("x", 900))
		if code == exitOutside && strings.HasPrefix(said, sentence) {
			return
		}
		if code != exitOK || n > 50 {
			t.Fatalf("command %d ended with %d: %s", n, code, said)
		}
	}
}

// asks sends one request as the stories do.
func asks(t *testing.T, method, address string, args ...string) (status int, head, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	status, h, b, err := ask(ctx, method, address, args)
	if err != nil {
		t.Fatal(err)
	}
	return status, string(h), string(b)
}

func read[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
