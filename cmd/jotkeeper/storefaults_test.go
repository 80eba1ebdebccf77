package main

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func (l *lookout) database() string {
	return filepath.Join(l.home, ".local/share/jotkeeper/jotkeeper.db")
}

// unanswered demands that nothing that has to be kept is acknowledged, and
// nobody told that a session is over.
func (l *lookout) unanswered(p *pass) {
	l.Helper()
	for _, asked := range [][]string{
		{"POST", "/session/refresh", "refresh_token=" + p.refresh},
		{"POST", "/session", "username=ada", "password=" + moss, "transport=body"},
		{"POST", "/accounts", "username=late", "password=" + moss, "transport=body"},
		{"DELETE", "/session", "refresh_token=" + p.refresh},
		{"DELETE", "/sessions/" + p.sid, "Authorization: Bearer " + p.refresh},
		{"DELETE", "/sessions", "Authorization: Bearer " + p.refresh},
	} {
		status, head, body := asks(l.T, asked[0], l.server.url+asked[1], asked[2:]...)
		if status != http.StatusServiceUnavailable || !strings.Contains(body, `"code":"unavailable"`) || !strings.Contains(head, "Retry-After: ") {
			l.Errorf("%s %s answered %d\n%s\n%s", asked[0], asked[1], status, head, body)
		}
	}
}

// A185: the database is taken away under the server. Tokens are verified on, as
// far as the policy goes; nothing is acknowledged into a file that nobody will
// find; when it is back, so is everything.
func TestA185TheStoreIsGone(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	if err := os.Rename(e.database(), e.database()+".away"); err != nil {
		t.Fatal(err)
	}
	e.unanswered(e.young)
	if got := e.show("/ride", e.young.token); got != "200" {
		t.Errorf("a service answers %s to a living token", got)
	}
	if status, _, body := asks(t, "GET", e.server.url+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("it calls itself ready: %d %s", status, body)
	}
	jotkeeper(t, []string{"HOME=" + e.home}, "", "session", "end", "--", e.carol.sid).wants(t, exitConfig, "there is no database")
	e.until("the feed is silent", e.cutOff)
	if err := os.Rename(e.database()+".away", e.database()); err != nil {
		t.Fatal(err)
	}
	e.until("the service hears again", e.fresh)
	e.ends(e.carol, e.later) // it was not ended when the store could not know
	e.over()
	e.kept()
}

// A186: another process holds the database and does not let go. Who has to wait
// is told so in time, who only reads goes on, nothing is left behind, and the
// server goes on by itself.
func TestA186TheStoreIsHeldByAnother(t *testing.T) {
	t.Parallel()
	e := newFaultyEvening(t)
	before := e.goroutines()
	db, err := sql.Open("sqlite", e.database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	held, err := db.Conn(t.Context())
	if err == nil {
		_, err = held.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	}
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		status int
		body   []byte
		err    error
	}
	told := make(chan answer, 16)
	for range cap(told) {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			status, _, body, err := ask(ctx, "DELETE", e.server.url+"/session", []string{"refresh_token=" + e.carol.refresh, "Connection: close"})
			told <- answer{status, body, err}
		}()
	}
	for range cap(told) {
		for answered := false; !answered; {
			select {
			case a := <-told:
				if answered = true; a.err != nil || a.status != http.StatusServiceUnavailable {
					t.Errorf("logout answered %d %s, %v", a.status, a.body, a.err)
				}
			case <-time.After(20 * time.Millisecond):
				e.look() // reading goes on, and so does the feed
			}
		}
	}
	if e.stale() {
		t.Errorf("the feed has fallen silent: %+v", e.auth.Stats())
	}
	if status, _, body := asks(t, "GET", e.server.url+"/revocation/v1/check", "Authorization: Bearer "+e.carol.token); status != http.StatusOK {
		t.Errorf("whose logout was not acknowledged is answered %d %s", status, body)
	}
	if _, err := held.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	held.Close()
	e.ends(e.carol, e.later)
	e.over()
	e.until("nothing is left behind", func() bool { return e.goroutines() <= before })
}

var goroutinesLine = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

// goroutines asks the server how many it has, the asking one included.
func (l *lookout) goroutines() int {
	l.Helper()
	password, err := os.ReadFile(filepath.Join(l.home, ".local/share/jotkeeper/admin-password"))
	if err != nil {
		l.Fatal(err)
	}
	r, err := http.NewRequestWithContext(l.Context(), "GET", l.server.url+"/metrics", nil)
	if err != nil {
		l.Fatal(err)
	}
	r.SetBasicAuth("admin", strings.TrimSpace(string(password)))
	_, _, body := asks(l.T, "GET", r.URL.String(), "Authorization: "+r.Header.Get("Authorization"), "Connection: close")
	m := goroutinesLine.FindStringSubmatch(body)
	if m == nil {
		l.Fatalf("no figure of goroutines:\n%s", body)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		l.Fatal(err)
	}
	return n
}
