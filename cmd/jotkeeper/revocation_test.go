package main

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A push that waits and is not confirmed ends with 1, and says what is the case.
func TestAPushThatNobodyConfirmsEndsWith1(t *testing.T) {
	home := t.TempDir()
	s := launch(t, home)
	dir := &dataDir{path: filepath.Join(home, ".local/share/jotkeeper"), home: home}
	follow := made(t, dir, feed.Grant{Scopes: []string{"follow"}}, false)
	made(t, dir, feed.Grant{Scopes: []string{"append"}}, false)

	// A stream whose reader has no name can confirm nothing.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", s.url+"/revocation/v1/stream?after=1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+follow)
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()

	var out, talk strings.Builder
	args := []string{"revocation", "push", "tid", "acme", "--url", s.url, "--token-file", dir.file("feed-token-append")}
	code := run(append(args, "--wait", "1s"), []string{"HOME=" + home}, strings.NewReader(""), &out, &talk)
	for _, want := range []string{"added as 1:1; 0 of 1 connected services refuse, 0 absent, after 1", "the rule is in the log, and not every service has said that it refuses", "try: jotkeeper revocation stats --url "} {
		if code != exitOther || !strings.Contains(talk.String(), want) {
			t.Errorf("exit code %d, want 1 and %q:\n%s", code, want, talk.String())
		}
	}
	if code := run(args, []string{"HOME=" + home}, strings.NewReader(""), &out, &talk); code != exitOK {
		t.Errorf("without waiting: exit code %d\n%s", code, talk.String())
	}
}

// A179: a rule is one line, whatever somebody pushed as its ID or its reason.
func TestA179ARuleIsOneLine(t *testing.T) {
	at := time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC)
	got := ruleOf(revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: 7}, At: at, Rule: revocation.Rule{
		Scope: "tid", ID: "a\r\nb\x1b[31m\u202e", Action: revocation.Rotate, From: at.Add(time.Hour), Reason: "x\ny",
	}}).line()
	want := `1:7  2026-05-01 20:00:00Z  rotate  tid  a\u000d\u000ab\u001b[31m\u202e  from 2026-05-01T21:00:00Z  (x\u000ay)`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Each rule once and in order, also when a snapshot tells of it again, and none
// that was there before when nobody asked for those.
func TestATailPrintsEachRuleOnce(t *testing.T) {
	entries := func(epoch uint64, seqs ...uint64) (list []revocation.Entry) {
		for _, s := range seqs {
			list = append(list, revocation.Entry{Cursor: revocation.Cursor{Epoch: epoch, Seq: s}, Rule: revocation.Rule{Scope: "sid", ID: "x", Action: revocation.Revoke}})
		}
		return list
	}
	var out strings.Builder
	stopped := 0
	tl := &tail{p: &program{stdout: &out}, last: revocation.Cursor{Epoch: 1, Seq: 2}, count: 4, stop: func() { stopped++ }}
	tl.print(entries(1, 1, 2, 3, 5))
	tl.print(entries(1, 5))
	tl.print(entries(1, 3, 5, 6))
	if stopped != 0 {
		t.Error("it stops too early")
	}
	tl.print(entries(2, 1, 2))
	want := "1:3  -  revoke  sid  x\n1:5  -  revoke  sid  x\n1:6  -  revoke  sid  x\n2:1  -  revoke  sid  x\n"
	if out.String() != want || stopped != 1 {
		t.Errorf("stopped %d times, printed\n%s", stopped, out.String())
	}
}

// Over HTTP a tail begins with a snapshot, of which it prints nothing.
func TestATailBeginsWithWhatComesNext(t *testing.T) {
	home := t.TempDir()
	s := launch(t, home)
	dir := &dataDir{path: filepath.Join(home, ".local/share/jotkeeper"), home: home}
	follow := made(t, dir, feed.Grant{Scopes: []string{"follow"}}, false)
	push := func(id string) {
		t.Helper()
		var talk strings.Builder
		if code := run([]string{"revocation", "push", "tid", id}, []string{"HOME=" + home}, strings.NewReader(""), &talk, &talk); code != exitOK {
			t.Fatalf("exit code %d: %s", code, talk.String())
		}
	}
	push("before")
	origin, err := feed.NewOrigin(feed.OriginConfig{Issuer: s.url, Token: follow})
	if err != nil {
		t.Fatal(err)
	}
	for head := (revocation.Cursor{}); head.Seq == 0; { // until the server has heard of it
		if head, _, err = origin.Followers(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	out, talk := &strings.Builder{}, &strings.Builder{}
	args := []string{"revocation", "tail", "--count", "1", "--url", s.url, "--token-file", dir.file("feed-token")}
	ended := make(chan int, 1)
	go func() { ended <- run(args, []string{"HOME=" + home}, strings.NewReader(""), out, talk) }()
	for n := 0; ; n++ { // whenever it has come, the next one is printed
		push("after")
		select {
		case code := <-ended:
			if code != exitOK || !strings.Contains(out.String(), "tid  after") || strings.Contains(out.String(), "before") {
				t.Errorf("exit code %d, printed %q, said %q", code, out.String(), talk.String())
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
		if n > 500 {
			t.Fatalf("nothing was printed; it said %q", talk.String())
		}
	}
}

// A tally counts what is in force or will be, by what it does.
func TestATallyCountsWhatIsInForce(t *testing.T) {
	now := time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC)
	rule := func(seq uint64, scope revocation.Scope, until time.Time) revocation.Entry {
		return revocation.Entry{Cursor: revocation.Cursor{Epoch: 2, Seq: seq}, At: now, Rule: revocation.Rule{Scope: scope, ID: "x", Action: revocation.Revoke, Until: until}}
	}
	var y tally
	y.add(now, []revocation.Entry{rule(3, "sid", now.Add(-time.Second)), rule(4, "sid", now), rule(7, "sub", time.Time{})})
	y.add(now, []revocation.Entry{rule(9, "sub", now.Add(time.Hour))})
	got := y.stats(revocation.Cursor{Epoch: 2, Seq: 9})
	want := []countJSON{{"sub", "revoke", 2}, {"sid", "revoke", 1}}
	if !slices.Equal(got.Rules, want) || got.Kept != 4 || got.Over != 1 || got.Compacted != 5 || got.Oldest.Cursor != "2:3" || got.Head != "2:9" || got.Epoch != 2 {
		t.Errorf("got %+v", got)
	}
}
