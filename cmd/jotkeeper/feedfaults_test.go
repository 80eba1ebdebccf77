package main

import (
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/cable"
)

// An evening is what every fault of the feed meets: ada, who should notice
// little; bob, who logged out before; carol, who logs out during the fault.
type faultyEvening struct {
	*lookout
	ada          *person
	held         string // her refresh token
	young, old   *pass
	carol, later *pass
}

func newFaultyEvening(t *testing.T) *faultyEvening {
	t.Helper()
	l := newLookout(t)
	e := &faultyEvening{lookout: l}
	e.young, e.old = l.signsUp("ada")
	e.ada = l.person(e.young, e.old)
	e.held = e.ada.refreshToken()
	bob, bobOld := l.signsUp("bob")
	e.carol, e.later = l.signsUp("carol")
	l.ends(bob, bobOld)
	l.until("bob is out", func() bool { return l.heard().After(bob.ended) })
	e.ada.visits(http.StatusOK)
	return e
}

// over waits until the service has heard what happened to carol, and holds it
// to what it has to have learnt and ada to where she was.
func (e *faultyEvening) over() {
	e.Helper()
	ended := time.Now()
	e.until("the service hears again", func() bool { return e.heard().After(e.carol.ended) })
	e.Logf("the service heard again %v after the end of the fault", time.Since(ended).Round(10*time.Millisecond))
	e.remote(e.later, "401 revoked")
	e.ada.visits(http.StatusOK)
	e.ada.staysIn()
	if s := e.auth.Stats(); s.Client.Snapshots != 1 {
		e.Errorf("it did not go on from its cursor: %+v", s.Client)
	}
}

// kept demands that ada's client has what it had.
func (e *faultyEvening) kept() {
	e.Helper()
	if e.ada.refreshToken() != e.held {
		e.Error("the client has another refresh token, or none")
	}
}

// A166: the feed is cut, the auth server is there. Nobody notices who has a
// young token, or a client that refreshes.
func TestA166TheFeedIsCut(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	e.feed.Break(t, cable.Fault{Refused: true})
	e.feed.Reset()
	e.ends(e.carol, e.later)
	e.until("the service is cut off", e.cutOff)
	e.remote(e.old, "200")
	e.remote(e.later, "401 revoked")
	e.ada.visits(http.StatusOK) // 401 stale, and one refresh
	if e.ada.refreshToken() == e.held {
		t.Error("the client did not refresh")
	}
	e.feed.Mend(t)
	e.over()
}

// The auth server is killed, and started again where it was.
func TestA166TheOriginIsKilled(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	e.server.kill()
	e.endsBeside(e.carol, e.later)
	e.until("the service is cut off", e.cutOff)
	e.remote(e.old, "503 unavailable")
	e.ada.visits(http.StatusUnauthorized) // stale: the client cannot refresh, and keeps what it has
	e.kept()
	e.server = launch(t, e.home, "--issuer", "http://"+e.issuer.Addr(), "--addr", strings.TrimPrefix(e.server.url, "http://"))
	e.over()
	e.kept()
}

// The auth server stands still: the kernel takes connections, nobody answers.
func TestA166TheOriginIsPaused(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	if err := e.server.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	e.endsBeside(e.carol, e.later)
	e.until("the service is cut off", e.cutOff)
	e.remote(e.old, "503 unavailable") // the question has a deadline
	visited := make(chan struct{})
	go func() {
		defer close(visited)
		e.ada.visits(http.StatusOK) // stale: the client refreshes, which takes its time
	}()
	e.until("nothing is heard", e.cutOff)
	if err := e.server.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	<-visited
	e.over()
}

// What the feed says comes later than news keep: all of it takes five seconds, or
// a proxy begins to collect answers, and hands on what it has in one burst.
func TestA166TheFeedComesTooLate(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]cable.Way{"slow": {Delay: 5 * time.Second}, "held back": {Hold: 64 << 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newFaultyEvening(t)
			e.feed.Break(t, cable.Fault{Down: down})
			e.ends(e.carol, e.later)
			e.until("the service is cut off", e.cutOff)
			e.remote(e.later, "401 revoked")
			e.feed.Mend(t)
			e.over()
		})
	}
}

// The connections are dead and neither side knows: a firewall forgot them. The
// service finds out by itself, and at once finds a way that works.
func TestA166HalfOfEachConnectionIsGone(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	e.feed.Sever()
	e.ends(e.carol, e.later)
	e.over()
	if s := e.auth.Stats().Client; s.Failures != 1 || s.Streams != 2 {
		t.Errorf("it tried more than one dead connection: %+v", s)
	}
}

// Connections are taken and everything said is lost.
func TestA166TheNetworkIsABlackHole(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	hole := cable.Fault{Lost: true}
	e.feed.Break(t, hole)
	e.issuer.Break(t, hole)
	e.ends(e.carol, e.later)
	e.until("the service is cut off", e.cutOff)
	e.remote(e.old, "503 unavailable")
	e.issuer.Mend(t)
	e.feed.Mend(t)
	e.over()
	e.kept()
}

// Somebody's page comes in place of every answer, with 200, with a way to its
// login, with 401: it is not the feed, no key set, no answer to a question, no
// logout. It is not told the credential.
func TestA166APageComesInPlaceOfTheFeed(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	var status atomic.Int64
	var told atomic.Bool
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), feedPrefix) {
			told.Store(true)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Location", "/login")
		w.WriteHeader(int(status.Load()))
		io.WriteString(w, "<!DOCTYPE html><title>Welcome to our café</title>")
	}))
	defer portal.Close()
	status.Store(http.StatusOK)
	addr := strings.TrimPrefix(portal.URL, "http://")
	for _, c := range []*cable.Cable{e.feed, e.issuer} {
		c.To(addr)
		c.Reset()
	}
	e.ends(e.carol, e.later)
	e.until("the service is cut off", e.cutOff)
	for code, says := range map[int]string{200: `"text/html"`, 302: "302 Found", 401: "401 Unauthorized"} {
		status.Store(int64(code))
		e.remote(e.old, "503 unavailable")
		e.ada.visits(http.StatusUnauthorized)
		e.kept()
		e.until("the service is shown "+says, func() bool { return strings.Contains(e.auth.Stats().Client.Trouble, says) })
	}
	if told.Load() {
		t.Error("the page was told the credential of the feed")
	}
	e.plug()
	e.feed.Reset()
	e.issuer.Reset()
	e.over()
	e.kept()
}

// A copy of the database from before carol logged out is put in its place. The
// service keeps what it knows; tokens from before count no more, sessions do.
func TestA166TheOriginIsRestoredFromABackup(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	database := filepath.Join(e.home, ".local/share/jotkeeper/jotkeeper.db")
	db, err := sql.Open("sqlite", database)
	if err == nil {
		_, err = db.ExecContext(t.Context(), `VACUUM INTO ?`, database+".copy")
	}
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	e.ends(e.carol, e.later)
	e.until("carol is out", func() bool { return e.heard().After(e.carol.ended) })
	e.server.kill()
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Remove(database + beside); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(database+".copy", 0o600), os.Rename(database+".copy", database)); err != nil {
		t.Fatal(err)
	}
	e.server = launch(t, e.home, "--issuer", "http://"+e.issuer.Addr(), "--addr", strings.TrimPrefix(e.server.url, "http://"))
	e.ended(e.young, e.old) // a rule of the new epoch ends every token from before
	e.until("the service hears again", func() bool { return e.heard().After(e.old.ended) })
	if s := e.auth.Stats(); s.Client.Snapshots != 2 {
		t.Errorf("another epoch, and %+v", s.Client)
	}
	e.ada.visits(http.StatusOK) // 401 revoked, and one refresh
	e.ada.staysIn()
}

// A196: the auth server is replaced by another, again and again, and people
// log out all the while: before, beside no server at all, after. The service
// goes on from its cursor each time and misses none of them.
func TestA196FollowersGoOnThroughARollingRestart(t *testing.T) {
	t.Parallel()
	l := newLookout(t)
	addr := strings.TrimPrefix(l.server.url, "http://")
	before, _ := l.signsUp("ada")
	for range 2 {
		session := func() *pass {
			_, _, body := asks(t, "POST", l.server.url+"/session", "username=ada", "password="+moss, "transport=body")
			got := read[tokens](t, body).Result
			_, sid, issued := whose(t, got.Access)
			p := &pass{name: "ada", token: got.Access, sid: sid, refresh: got.Refresh, issued: issued}
			l.shown = append(l.shown, p)
			return p
		}
		early, between, late := session(), session(), session()
		l.ends(early)
		if code, err := l.server.stop("TERM"); code != exitOK || err != nil {
			t.Fatalf("exit status %d, %v", code, err)
		}
		l.endsBeside(between)
		l.server = launch(t, l.home, "--issuer", "http://"+l.issuer.Addr(), "--addr", addr)
		l.ends(late)
		l.until("the service hears of all three", func() bool { return l.heard().After(late.ended) })
	}
	s := l.auth.Stats()
	if s.Rules.Rules != 6 || s.Client.Snapshots != 1 {
		t.Errorf("after six logouts: %+v", s)
	}
	if got := l.show("/closed", before.token); got != "200" {
		t.Errorf("who did not log out: %s", got)
	}
}
