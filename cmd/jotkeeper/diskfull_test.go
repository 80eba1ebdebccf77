package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/needs"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// What the disk says, and what the person is told.
func TestDiskFullSentence(t *testing.T) {
	s := newSettings(environment{})
	s.DataDir = "/srv/jotkeeper"
	s.complete()
	for _, cause := range []error{
		fmt.Errorf("sqlite: %w: %w", store.ErrUnavailable, sqlite.ErrFull),
		&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC},
	} {
		var told strings.Builder
		if code := report(&told, s.storeFault(cause)); code != exitOutside {
			t.Errorf("%v ends with %d", cause, code)
		}
		want := "jotkeeper: no room is left on the disk of /srv/jotkeeper/jotkeeper.db\n" +
			"  try: df -h /srv/jotkeeper/jotkeeper.db, then free some room and start again; nothing that was acknowledged is lost\n"
		if told.String() != want {
			t.Errorf("%v is told as\n%s", cause, told.String())
		}
	}
}

// onSmallDisk is a command line that runs the program with a data directory on
// a disk of so many KiB, in a namespace of its own.
func onSmallDisk(t *testing.T, home string, kib int) []string {
	t.Helper()
	unshare := needs.Tool(t, "unshare", "util-linux")
	if out, err := exec.Command(unshare, "-rm", "true").CombinedOutput(); err != nil {
		t.Logf("NOT RUN: this kernel lets nobody mount a small disk: %s", out)
		return nil
	}
	disk := filepath.Join(home, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`mount -t tmpfs -o mode=700,size=%dk small %q && exec jotkeeper "$@"`, kib, disk)
	return []string{unshare, "-rm", "sh", "-c", script, "jotkeeper", "serve", "--addr", "127.0.0.1:0", "--data-dir", filepath.Join(disk, "data")}
}

func TestA187NoRoomToStart(t *testing.T) {
	home := t.TempDir()
	line := onSmallDisk(t, home, 64)
	if line == nil {
		return
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitOutside || !strings.Contains(string(out), "jotkeeper: no room is left on the disk of ") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// A disk that fills up under a running server: what does not fit is answered
// 503 and nothing else, what was acknowledged stays, keys are served on.
func TestA187DiskFullWhileServing(t *testing.T) {
	home := t.TempDir()
	line := onSmallDisk(t, home, 640)
	if line == nil {
		return
	}
	s, err := watch(exec.Command(line[0], line[1:]...), []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, home, "")
	answering(t, s, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	acknowledged, status := 0, http.StatusCreated
	for ; status == http.StatusCreated; acknowledged++ {
		var body []byte
		status, _, body, err = ask(ctx, "POST", s.url+"/accounts", []string{
			fmt.Sprintf("username=guest-%d", acknowledged), "password=moss-kettle-orbit-42", "transport=body", "User-Agent: " + strings.Repeat("a", 200)})
		if err != nil {
			t.Fatal(err)
		}
		if status != http.StatusCreated && (status != http.StatusServiceUnavailable || strings.Contains(string(body), "errors")) {
			t.Fatalf("a full disk is answered %d: %s", status, body)
		}
	}
	acknowledged--
	if acknowledged == 0 {
		t.Fatal("the disk was full from the start: this test shows nothing")
	}
	for i := range acknowledged {
		status, _, body, err := ask(ctx, "GET", s.url+"/accounts/available?username="+url.QueryEscape(fmt.Sprintf("guest-%d", i)), nil)
		if err != nil || status != http.StatusUnprocessableEntity || !strings.Contains(string(body), "TAKEN") {
			t.Errorf("guest-%d was acknowledged, and is answered %d %s %v", i, status, body, err)
		}
	}
	if status, _, _, err := ask(ctx, "GET", s.url+"/.well-known/jwks.json", nil); status != http.StatusOK || err != nil {
		t.Errorf("keys are answered %d, %v", status, err)
	}
}
