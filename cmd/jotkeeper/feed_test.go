package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// cmdBearer puts the credential that a file holds into a variable.
func cmdBearer(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: bearer NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// A service that follows does not keep a server from stopping, and hears again
// when another one runs.
func TestAServerStopsWhileItIsFollowed(t *testing.T) {
	home := t.TempDir()
	s := launch(t, home)
	dir := &dataDir{path: filepath.Join(home, ".local/share/jotkeeper"), home: home}
	p := &program{stderr: &strings.Builder{}, stdout: &strings.Builder{}}
	if err := p.makeFeedToken(dir, feed.Grant{Scopes: []string{feed.FollowScope}}, false); err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(dir.file("feed-token"))
	if err != nil {
		t.Fatal(err)
	}
	index := revocation.NewIndex(s.url)
	client, err := feed.NewClient(feed.ClientConfig{Issuer: s.url, Token: strings.TrimSpace(string(token)), Index: index})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	done := make(chan error, 1)
	go func() { done <- client.Follow(ctx) }()
	defer func() { cancel(); <-done }()
	until := func(what string, so func() bool) {
		t.Helper()
		for !so() {
			select {
			case <-ctx.Done():
				t.Fatalf("%s: never; %+v", what, client.Stats())
			case <-time.After(time.Millisecond):
			}
		}
	}
	until("following", func() bool { return !index.Stale(time.Now()) })
	began := time.Now()
	if code, err := s.stop("TERM"); code != 0 || err != nil {
		t.Fatalf("exit status %d, %v", code, err)
	}
	if took := time.Since(began); took >= drainTimeout {
		t.Errorf("it waited %v for its follower", took)
	}
	until("noticing", func() bool { return index.Stale(time.Now()) })
	launch(t, home, "--addr", strings.TrimPrefix(s.url, "http://"))
	until("following again", func() bool { return !index.Stale(time.Now()) })
	if n := client.Stats().Snapshots; n != 1 {
		t.Errorf("%d snapshots: a restart made it read everything again", n)
	}
	http.DefaultClient.CloseIdleConnections()
}
