package main

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

// A place is a data directory whose database can be put back to a copy.
type place struct {
	*testing.T
	set  *settings
	dir  *dataDir
	told []string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	s := newSettings(environment{"HOME": t.TempDir()})
	s.Issuer = "https://id.example.com"
	s.complete()
	dir, err := openDataDir(s.DataDir, s.home)
	if err != nil {
		t.Fatal(err)
	}
	return &place{T: t, set: s, dir: dir}
}

func (p *place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// open opens the house as a server does that starts.
func (p *place) open() *house {
	p.Helper()
	p.told = nil
	h, err := p.set.open(p.Context(), p.dir, func(text string) { p.told = append(p.told, text) })
	p.must(err)
	return h
}

func (p *place) copyPath() string { return p.set.databasePath() + ".copy" }

// copied backs the closed database up.
func (p *place) copied() {
	p.Helper()
	data, err := os.ReadFile(p.set.databasePath())
	p.must(err)
	p.must(os.WriteFile(p.copyPath(), data, 0o600))
}

// restored puts the copy in the place of the closed database.
func (p *place) restored() {
	p.Helper()
	p.must(os.Rename(p.copyPath(), p.set.databasePath()))
}

func (p *place) signUp(h *house, name string) session.Issued {
	p.Helper()
	issued, err := h.acts.SignUp(p.Context(), time.Now(), acts.SignUp{Username: name, Password: "moss-kettle-orbit-42",
		Login: session.Login{Audience: "app", Methods: []string{"pwd"}}})
	p.must(err)
	return issued
}

func (p *place) verdict(h *house, i session.Issued) revocation.Verdict {
	p.Helper()
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: p.set.Issuer, Audience: []string{"app"}, Keys: h.keys})
	p.must(err)
	token, err := v.Verify(p.Context(), time.Now(), i.Access)
	p.must(err)
	said, err := h.acts.Verdict(p.Context(), time.Now(), token)
	p.must(err)
	return said
}

func (p *place) logOut(h *house, i session.Issued) {
	p.Helper()
	p.must(h.acts.EndSession(p.Context(), time.Now(), i.Session.Account, i.Session.ID, "logout", ""))
	if said := p.verdict(h, i); said.Action != revocation.Revoke {
		p.Fatalf("logged out, and the verdict is %+v", said)
	}
}

func (p *place) refresh(h *house, i session.Issued) (session.Issued, error) {
	return h.sessions.Refresh(p.Context(), time.Now(), i.Refresh, session.Request{})
}

// A rule that comes when a server no longer follows its log is saved with its
// place, or the next start could not tell that its database was put back.
func TestTheRuleOfTheLastMomentIsSavedWithItsPlace(t *testing.T) {
	p := newPlace(t)
	h := p.open()
	ada := p.signUp(h, "ada")
	log := h.backend.Set().Revocations
	_, err := log.Append(t.Context(), time.Now(), revocation.SessionEnded("of another process", "logout", time.Now().Add(time.Hour)))
	p.must(err)
	p.must(h.acts.EndSession(t.Context(), time.Now(), ada.Session.Account, ada.Session.ID, "logout", ""))
	over, stop := context.WithCancel(t.Context())
	stop()
	chores, _ := h.keepUp(over, slog.New(slog.DiscardHandler))
	chores.Wait()
	head, err := log.Head(t.Context())
	p.must(err)
	p.must(h.close())
	saved := revocation.NewIndex(p.set.Issuer)
	p.must(saved.Load(p.dir.file(rulesDir)))
	if saved.Rules() != 2 || saved.Cursor() != head {
		t.Errorf("%d rules were saved at %s, the log ends at %s", saved.Rules(), saved.Cursor(), head)
	}
}

// Nobody is answered before both who checks and who follows would be told of
// every rule.
func TestAServerAnswersOnceItsRulesAreThere(t *testing.T) {
	p := newPlace(t)
	h := p.open()
	defer h.close()
	log := h.backend.Set().Revocations
	var err error
	h.feed, err = feed.NewHandler(feed.HandlerConfig{Issuer: p.set.Issuer, Source: log, Allow: h.allow})
	p.must(err)
	over, stop := context.WithCancel(t.Context())
	stop()
	if h.caughtUp(over) == nil {
		t.Error("it answers, and has read nothing")
	}
	h.index.Heard(time.Now())
	if h.caughtUp(over) == nil {
		t.Error("it answers, and nobody can follow")
	}
	following, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- h.feed.Run(following) }()
	for h.feed.Ready() != nil {
		runtime.Gosched()
	}
	h.index.Heard(time.Now())
	p.must(h.caughtUp(t.Context()))
	leave()
	<-left
}

// A server that starts on a restored copy has lost what it knew, but for how
// far the log had got.
func TestARestoredCopyGivesNoTokenBack(t *testing.T) {
	p := newPlace(t)
	h := p.open()
	ada, bob := p.signUp(h, "ada"), p.signUp(h, "bob")
	p.must(h.close())
	p.copied()
	h = p.open()
	p.logOut(h, ada)
	p.must(h.close())
	if p.told != nil {
		t.Errorf("nothing was restored, and it says %q", p.told)
	}
	p.restored()

	h = p.open()
	defer h.close()
	if len(p.told) != 1 || !strings.Contains(p.told[0], "its log was behind 1:1. Epoch 2 is open") {
		t.Errorf("it says %q", p.told)
	}
	for _, i := range []session.Issued{ada, bob} {
		if said := p.verdict(h, i); said.Action != revocation.Revoke || said.Reason != "restored" {
			t.Errorf("a token from before: %+v", said)
		}
	}
	fresh, err := p.refresh(h, bob)
	p.must(err)
	if said := p.verdict(h, fresh); said.Action != revocation.None {
		t.Errorf("the next token: %+v", said)
	}
	// What a start cannot know: the copy says that ada is logged in.
	if _, err := p.refresh(h, ada); err != nil {
		t.Errorf("the guide says that this session is alive again; it got %v", err)
	}
}

// A command that runs before the server does would give out the lost numbers
// again, and the log would look complete.
func TestACommandOnARestoredCopyLooksFirst(t *testing.T) {
	p := newPlace(t)
	p.must(p.open().close())
	p.copied()
	h := p.open()
	p.logOut(h, p.signUp(h, "ada"))
	p.must(h.close())
	p.restored()

	var said strings.Builder
	command := &program{env: environment{"HOME": p.set.home}, stdout: io.Discard, stderr: &said, flags: map[string]given{}}
	h, err := command.openBeside(t.Context())
	p.must(err)
	defer h.close()
	if !strings.HasPrefix(said.String(), "jotkeeper: the database was put back to an older copy: its log was behind 1:1.") {
		t.Errorf("it says %q", said.String())
	}
	if head, err := h.backend.Set().Revocations.Head(t.Context()); err != nil || head != at(2, 1) {
		t.Errorf("the head is %v, %v", head, err)
	}
}

// What a server saved it still knows after a restart, although a command was
// there first and opened the epoch without it.
func TestARestartedServerKnowsWhatACopyLacks(t *testing.T) {
	for _, first := range []string{"the server", "a command"} {
		p := newPlace(t)
		h := p.open()
		ada, bob := p.signUp(h, "ada"), p.signUp(h, "bob")
		p.must(h.close())
		p.copied()
		h = p.open()
		p.logOut(h, ada)
		p.must(h.index.Save(p.dir.file(rulesDir)))
		p.must(h.close())
		p.restored()
		if first == "a command" {
			command := &program{env: environment{"HOME": p.set.home}, stdout: io.Discard, stderr: io.Discard, flags: map[string]given{}}
			h, err := command.openBeside(t.Context())
			p.must(err)
			p.must(h.close())
		}

		h = p.open()
		if len(p.told) != 1 || !strings.Contains(p.told[0], "1 rules that it lacked were appended again, 1 sessions ended again") {
			t.Errorf("%s was first: it says %q", first, p.told)
		}
		if _, err := p.refresh(h, ada); err == nil {
			t.Errorf("%s was first: a session that had ended was refreshed", first)
		}
		if _, err := p.refresh(h, bob); err != nil {
			t.Errorf("%s was first: a bystander was logged out: %v", first, err)
		}
		p.must(h.close())
		if h = p.open(); p.told != nil {
			t.Errorf("%s was first: the start after that says %q", first, p.told)
		}
		p.must(h.close())
	}
}

// tellings is a log of which a test can wait for a line.
type tellings struct {
	slog.Handler
	lines chan string
}

func (l tellings) Enabled(context.Context, slog.Level) bool { return true }

func (l tellings) Handle(ctx context.Context, r slog.Record) error {
	select {
	case l.lines <- r.Message:
	default:
	}
	return nil
}

// A copy that is restored under a running server, by SQLite's own means: the
// server knows what the copy lacks.
func TestACopyRestoredUnderARunningServerTakesNothingBack(t *testing.T) {
	p := newPlace(t)
	h := p.open()
	defer h.close()
	lines := make(chan string, 16)
	chores, stop := h.keepUp(t.Context(), slog.New(tellings{slog.DiscardHandler, lines}))
	defer chores.Wait()
	defer stop()
	ada, bob := p.signUp(h, "ada"), p.signUp(h, "bob")
	db, err := sql.Open("sqlite", p.set.databasePath())
	p.must(err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `VACUUM INTO ?`, p.copyPath())
	p.must(err)
	p.logOut(h, ada)

	conn, err := db.Conn(t.Context())
	p.must(err)
	defer conn.Close()
	p.must(conn.Raw(func(c any) error {
		restore, err := c.(interface {
			NewRestore(string) (*sqlite.Backup, error)
		}).NewRestore(p.copyPath())
		if err != nil {
			return err
		}
		if _, err := restore.Step(-1); err != nil {
			return err
		}
		return restore.Finish()
	}))
	select {
	case line := <-lines:
		if !strings.Contains(line, "1 rules that it lacked were appended again, 1 sessions ended again") {
			t.Errorf("it says %q", line)
		}
	case <-t.Context().Done():
	}
	if _, err := p.refresh(h, ada); err == nil {
		t.Error("a session that had ended was refreshed")
	}
	fresh, err := p.refresh(h, bob)
	p.must(err)
	if said := p.verdict(h, fresh); said.Action != revocation.None {
		t.Errorf("the next token of another: %+v", said)
	}
}

// The head is noted after the commit and before the answer. Killed in between,
// the note is behind: nothing was lost, and nothing happens. A note that is
// ahead means that a commit is gone, however that came: tokens are refused.
func TestKilledBetweenCommitAndMirror(t *testing.T) {
	for _, c := range []struct {
		noted revocation.Cursor
		epoch uint64
	}{{at(1, 1), 1}, {at(1, 2), 1}, {at(1, 3), 2}} {
		p := newPlace(t)
		h := p.open()
		ada, bob, eve := p.signUp(h, "ada"), p.signUp(h, "bob"), p.signUp(h, "eve")
		p.logOut(h, ada)
		p.logOut(h, bob)
		p.must(h.close())
		m := mirror{p.dir.file(mirrorFile)}
		m.wants(t, at(1, 2))
		p.must(os.Remove(m.path))
		m.keeps(t, c.noted)

		h = p.open()
		head, err := h.backend.Set().Revocations.Head(t.Context())
		p.must(err)
		if head.Epoch != c.epoch || c.epoch == 1 && head.Seq != 2 {
			t.Errorf("noted %v: the head is %v", c.noted, head)
		}
		m.wants(t, head)
		if got, want := p.verdict(h, eve).Action, map[uint64]revocation.Action{1: revocation.None, 2: revocation.Revoke}[c.epoch]; got != want {
			t.Errorf("noted %v: a bystander's token is %v, want %v", c.noted, got, want)
		}
		if _, err := p.refresh(h, eve); err != nil {
			t.Errorf("noted %v: a bystander was logged out: %v", c.noted, err)
		}
		p.must(h.close())
	}
}

// A directory from before there was a mirror gets one; a damaged one is
// believed to have known more.
func TestAMirrorThatIsNotThereOrDamaged(t *testing.T) {
	p := newPlace(t)
	h := p.open()
	p.logOut(h, p.signUp(h, "ada"))
	p.must(h.close())
	m := mirror{p.dir.file(mirrorFile)}
	p.must(os.Remove(m.path))
	p.must(p.open().close())
	m.wants(t, at(1, 1))
	p.must(os.WriteFile(m.path, []byte("dust"), 0o600))
	p.must(p.open().close())
	if len(p.told) != 1 || !strings.Contains(p.told[0], "an unknown place") {
		t.Errorf("it says %q", p.told)
	}
	m.wants(t, at(2, 2))
	p.must(os.WriteFile(m.path, []byte("jotkeeper-head 2 something"), 0o600))
	if _, err := p.set.open(t.Context(), p.dir, func(string) {}); err == nil || !strings.Contains(err.Error(), "newer jotkeeper") {
		t.Errorf("a newer format: %v", err)
	}
}

func TestDoctorSeesALogThatIsBehind(t *testing.T) {
	x := patient(t, time.Now)
	if f := named(x.examine(t.Context()), "revocations"); f.State != well || !strings.Contains(f.Says, "the log stands at 1:0") {
		t.Errorf("%+v", f)
	}
	m := mirror{x.set.DataDir + "/" + mirrorFile}
	m.keeps(t, at(1, 7))
	x.found = nil
	f := named(x.examine(t.Context()), "revocations")
	if f.State != ill || f.Says != "the log stands at 1:0, and has stood at 1:7: the database was put back to an older copy" ||
		!strings.HasPrefix(f.Try, "jotkeeper serve, ") {
		t.Errorf("%+v", f)
	}
	m.wants(t, at(1, 7)) // it only looked
}
