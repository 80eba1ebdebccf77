package acts_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A path is one way in which a session or a token ends before its time.
type path struct {
	through string // the method that people call
	walk    func(r *rig, p people) error
	writes  string // every transaction, "; " between two of them
	rules   string // what the verifiers hear, in the order of the log
	live    int    // sessions of ada's afterwards
}

// people are who is there when a path begins: ada with two sessions, the
// second of which has a child.
type people struct {
	first, second, child session.Issued
	now                  time.Time
}

// endingPaths is every one of them. Whoever adds another adds a line.
var endingPaths = map[string]path{
	"logout": {through: "Acts.EndSession", writes: "end one", rules: "sid revoke logout", live: 2,
		walk: func(r *rig, p people) error {
			return r.EndSession(r.Context(), p.now, "1", p.first.Session.ID, "logout", "r1")
		}},
	"end one that has a child": {through: "Sessions.End", writes: "end one", rules: "sid revoke ended, sid revoke ended", live: 1,
		walk: func(r *rig, p people) error {
			return r.sessions.End(r.Context(), p.now, "1", p.second.Session.ID, "ended", "r1")
		}},
	"end the others": {through: "Acts.EndOthers", writes: "end others", rules: "sid revoke ended, sid revoke ended", live: 1,
		walk: func(r *rig, p people) error {
			_, err := r.EndOthers(r.Context(), p.now, "1", p.first.Session.ID, "ended", "r1")
			return err
		}},
	"end all": {through: "Acts.EndAll", writes: "end all", rules: "sid revoke logout, sid revoke logout, sid revoke logout, sub revoke logout",
		walk: func(r *rig, p people) error {
			_, err := r.EndAll(r.Context(), p.now, "1", "logout", "r1")
			return err
		}},
	"lock": {through: "Acts.Lock", writes: "account + end all", rules: "sid revoke lock, sid revoke lock, sid revoke lock, sub revoke lock",
		walk: func(r *rig, p people) error { return r.Lock(r.Context(), p.now, 1, "r1") }},
	"a new password": {through: "Acts.ChangePassword", writes: "account + end all + new session", live: 1,
		rules: "sid revoke password, sid revoke password, sid revoke password, sub revoke password",
		walk: func(r *rig, p people) error {
			_, err := r.ChangePassword(r.Context(), p.now, acts.PasswordChange{Session: p.first.Session, Current: good, Next: next, Login: login})
			return err
		}},
	"a right given": {through: "Acts.ChangeAccount", writes: "account + rule sub rotate rights", rules: "sub rotate rights", live: 3,
		walk: func(r *rig, p people) error { return r.rights(p.now, "read") }},
	"a right taken away": {through: "Acts.ChangeAccount", writes: "account + rule sub rotate rights; account + rule sub revoke rights",
		rules: "sub rotate rights, sub revoke rights", live: 3,
		walk: func(r *rig, p people) error {
			if err := r.rights(p.now, "read"); err != nil {
				return err
			}
			return r.rights(p.now, "")
		}},
	"a key compromised": {through: "Acts.CompromiseKey", writes: "key compromised + key active + rule kid revoke key", rules: "kid revoke key", live: 3,
		walk: func(r *rig, p people) error { return r.CompromiseKey(r.Context(), p.now, r.keys.Stats().Signing) }},
	"a pushed session": {through: "Acts.Push", writes: "end one + rule sid revoke stolen", rules: "sid revoke stolen, sid revoke stolen", live: 2,
		walk: func(r *rig, p people) error {
			return r.push(p.now, revocation.Rule{Scope: "sid", ID: p.first.Session.ID, Action: revocation.Revoke, Reason: "stolen"})
		}},
	"a pushed account": {through: "Acts.Push", writes: "end all + rule sub revoke left",
		rules: "sid revoke left, sid revoke left, sid revoke left, sub revoke left, sub revoke left",
		walk: func(r *rig, p people) error {
			return r.push(p.now, revocation.Rule{Scope: "sub", ID: "1", Action: revocation.Revoke, Reason: "left"})
		}},
	"a pushed key": {through: "Acts.Push", writes: "key compromised + key active + rule kid revoke ", rules: "kid revoke ", live: 3,
		walk: func(r *rig, p people) error {
			return r.push(p.now, revocation.Rule{Scope: "kid", ID: r.keys.Stats().Signing, Action: revocation.Revoke})
		}},
	"pushed rules that are about nothing that is kept": {through: "Acts.Push", live: 3,
		writes: "rule jti revoke x + rule tid revoke x + rule iss revoke x", rules: "jti revoke x, tid revoke x, iss revoke x",
		walk: func(r *rig, p people) error {
			return r.push(p.now, pushed("jti", "t"), pushed("tid", "acme"), pushed("iss", issuer))
		}},
	"pushed rules about nobody here": {through: "Acts.Push", live: 3,
		writes: "rule sid revoke x + rule sub revoke x + rule sub revoke x + rule kid revoke x",
		rules:  "sid revoke x, sub revoke x, sub revoke x, kid revoke x",
		walk: func(r *rig, p people) error {
			return r.push(p.now, pushed("sid", "elsewhere"), pushed("sub", "77"), pushed("sub", "somebody"), pushed("kid", "foreign"))
		}},
	"pushed rules that end nothing": {through: "Acts.Push", live: 3,
		writes: "rule sub rotate rights + rule sid revoke tomorrow", rules: "sub rotate rights, sid revoke tomorrow",
		walk: func(r *rig, p people) error {
			return r.push(p.now, revocation.SubjectChanged("1", "rights", time.Time{}),
				revocation.Rule{Scope: "sid", ID: p.first.Session.ID, Action: revocation.Revoke, From: p.now.Add(24 * time.Hour), Reason: "tomorrow"})
		}},
	"a stolen refresh token": {through: "Sessions.Refresh", writes: "end one", rules: "sid revoke reused", live: 2,
		walk: func(r *rig, p people) error {
			stolen := p.first.Refresh
			at, raw := p.now, stolen
			for range 2 {
				at = at.Add(10 * time.Minute)
				issued, err := r.sessions.Refresh(r.Context(), at, raw, session.Request{})
				r.must(err)
				raw = issued.Refresh
			}
			r.diary().take()
			return terminal(r.sessions.Refresh(r.Context(), at.Add(10*time.Minute), stolen, session.Request{}))
		}},
	"an end that the store forgot": {through: "Sessions.Refresh", writes: "end one", rules: "sid revoke logout, sid revoke logout", live: 1,
		walk: func(r *rig, p people) error {
			r.must(r.index.Apply(revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: 9}, At: p.now,
				Rule: revocation.SessionEnded(p.second.Session.ID, "logout", p.now.Add(time.Hour))}))
			return terminal(r.sessions.Refresh(r.Context(), p.now, p.second.Refresh, session.Request{}))
		}},
	"one session too many": {through: "Sessions.Insert", writes: "new session", rules: "sid revoke cap", live: 3,
		walk: func(r *rig, p people) error {
			_, err := r.sessions.Start(r.Context(), p.now.Add(time.Minute), loginAs("1"), 0)
			return err
		}},
	"a login in the same browser": {through: "Acts.LogIn", writes: "account; end one + new session", rules: "sid revoke replaced", live: 3,
		walk: func(r *rig, p people) error {
			_, err := r.LogIn(r.Context(), p.now, acts.LogIn{Username: "ada", Password: good, Login: login, Old: []session.Row{p.first.Session}})
			return err
		}},
	"a sign-up in the same browser": {through: "Acts.SignUp", writes: "end one + new session", rules: "sid revoke replaced", live: 2,
		walk: func(r *rig, p people) error {
			_, err := r.SignUp(r.Context(), p.now, acts.SignUp{Username: "bob", Password: good, Login: login, Old: []session.Row{p.first.Session}})
			return err
		}},
}

// endsNothing is every other method of the rooms with a reason.
var endsNothing = map[string]string{
	"Acts.Recover": "has its own stories in recover_test.go", "Acts.Ping": "looks", "Acts.Verdict": "looks", "Acts.Ask": "looks", "Acts.Unlock": "lets in, takes nothing back",

	"Sessions.EndOthers": "called by Acts.EndOthers", "Sessions.EndAll": "called by Acts.EndAll, Lock, ChangePassword",
	"Sessions.On": "binds", "Sessions.Find": "looks", "Sessions.List": "looks", "Sessions.Stats": "looks", "Sessions.Explain": "looks",
	"Sessions.Look": "looks, ends nothing", "Sessions.Epoch": "looks", "Sessions.Sweep": "deletes what has long been over",
	"Sessions.Prepare": "does no I/O", "Sessions.Issue": "signs", "Sessions.Start": "calls Insert",
	"Sessions.Sight": "confirms a generation; a theft it shows is found by Refresh", "Sessions.Settle": "looks",

	"Ring.Compromise": "called by Acts.CompromiseKey", "Ring.Retire": "the key's tokens are good until they expire",
	"Ring.Rotate": "the old key verifies on", "Ring.Tick": "as Rotate", "Ring.Run": "calls Tick", "Ring.Reload": "looks", "Ring.Missing": "looks",
	"Ring.List": "looks", "Ring.On": "binds", "Ring.Signer": "signs", "Ring.Snapshot": "looks", "Ring.Set": "looks", "Ring.Publish": "looks", "Ring.Stats": "looks",

	"Accounts.Lock": "called by Acts.Lock", "Accounts.Swap": "called by Acts.ChangePassword", "Accounts.SetRights": "called by Acts.ChangeAccount",
	"Accounts.RequireNew": "asks at the next login", "Accounts.Rename": "an account's tokens name its number",
	"Accounts.Unlock": "lets in", "Accounts.On": "binds", "Accounts.Close": "closes", "Accounts.Stats": "looks", "Accounts.Prepare": "does no I/O",
	"Accounts.Insert": "adds", "Accounts.Find": "looks", "Accounts.FindIdentifier": "looks", "Accounts.Available": "looks", "Accounts.List": "looks",
	"Accounts.Authenticate": "counts failures", "Accounts.PrepareChange": "changes nothing",
}

// A method that is in neither list is one that nobody has thought about.
func TestEveryMethodIsAnEndingPathOrHasAReason(t *testing.T) {
	known := maps.Clone(endsNothing)
	for name, p := range endingPaths {
		known[p.through] = name
	}
	for _, room := range []reflect.Type{
		reflect.TypeFor[*acts.Acts](), reflect.TypeFor[*session.Sessions](), reflect.TypeFor[*keyring.Ring](), reflect.TypeFor[*account.Accounts](),
	} {
		for i := range room.NumMethod() {
			name := room.Elem().Name() + "." + room.Method(i).Name
			if known[name] == "" {
				t.Errorf("%s is in neither list: if it ends a session or a token it needs a path in endingPaths, else a reason in endsNothing", name)
			}
			delete(known, name)
		}
	}
	for name := range known {
		t.Errorf("%s is in a list and does not exist", name)
	}
}

// Each path tells the verifiers in the transaction of its cause, and those that
// shut an account call the one EndAll.
func TestEveryEndingPathTellsTheVerifiers(t *testing.T) {
	for name, path := range endingPaths {
		t.Run(name, func(t *testing.T) {
			r, p := gathered(t)
			head, err := r.backend.Set().Revocations.Head(t.Context())
			r.must(err)
			r.diary().take()
			r.must(path.walk(r, p))
			if got := r.diary().take(); got != path.writes {
				t.Errorf("it wrote\n\t%s\nwant\n\t%s", got, path.writes)
			}
			if got := r.heard(head); got != path.rules {
				t.Errorf("verifiers hear\n\t%s\nwant\n\t%s", got, path.rules)
			}
			if got := r.live("1"); got != path.live {
				t.Errorf("%d sessions live, want %d", got, path.live)
			}
		})
	}
}

// A path that is undone at its very end ends nothing and says nothing.
func TestAnEndingPathThatIsLostSaysNothing(t *testing.T) {
	for name, path := range endingPaths {
		if !strings.HasPrefix(path.through, "Acts.") || strings.HasPrefix(path.through, "Acts.End") {
			continue // one call of the session store, which storetest holds to the same
		}
		t.Run(name, func(t *testing.T) {
			r, p := gathered(t)
			head, err := r.backend.Set().Revocations.Head(t.Context())
			r.must(err)
			r.backend.lost = true
			if err := path.walk(r, p); !acts.Unavailable(err) {
				t.Errorf("it says %v, want unavailable", err)
			}
			r.backend.lost = false
			if got := r.heard(head); got != "" || r.live("1") != 3 {
				t.Errorf("%d sessions live, verifiers hear %q", r.live("1"), got)
			}
		})
	}
}

// gathered brings ada's sessions together, in a house for three. The first one
// was seen a minute before the others: it has to go when room is needed.
func gathered(t *testing.T) (*rig, people) {
	t.Helper()
	r := buildOn(t, &diary{Backend: memory.New()}, session.Policy{Max: 3})
	p := people{first: r.signUp("ada"), now: evening.Add(time.Minute)}
	var err error
	p.second, err = r.LogIn(t.Context(), p.now, acts.LogIn{Username: "ada", Password: good, Login: login})
	r.must(err)
	row := r.sessions.Prepare(p.now, loginAs("1"))
	row.Parent = p.second.Session.ID
	rev, err := r.sessions.Insert(t.Context(), row, 0)
	r.must(err)
	p.child, err = r.sessions.Issue(t.Context(), p.now, row, rev)
	r.must(err)
	return r, p
}

func loginAs(account string) session.Login {
	l := login
	l.Account = account
	return l
}

func (r *rig) diary() *diary { return r.backend.Backend.(*diary) }

func (r *rig) rights(now time.Time, scope string) error {
	_, err := r.ChangeAccount(r.Context(), now, 1, acts.Change{Rights: account.Rights{Scope: &scope}})
	return err
}

// heard is what the log says after a cursor.
func (r *rig) heard(after revocation.Cursor) string {
	r.Helper()
	entries, err := r.backend.Set().Revocations.Read(r.Context(), after, 100)
	r.must(err)
	var lines []string
	for _, e := range entries {
		if !e.Rule.Until.After(evening) {
			r.Errorf("%+v is over before it begins", e.Rule)
		}
		lines = append(lines, ruleLine(e.Rule))
	}
	return strings.Join(lines, ", ")
}

// terminal turns the refusal that a path is to end with into success.
func terminal(_ session.Issued, err error) error {
	var e *session.Error
	if errors.As(err, &e) && e.Terminal() {
		return nil
	}
	return errors.Join(errors.New("the refresh should have ended the session"), err)
}

// halves are calls that do one half of an act: the cause without its rules, or
// an end without its cause.
var halves = regexp.MustCompile(`(?i)accounts\.(Lock|Swap|SetRights)\(|keys\.Compromise\(|sessions\.EndOthers\(|Revocations\.Append\(`)

// Whoever stands outside calls the act, never half of it.
func TestNobodyOutsideDoesHalfAnAct(t *testing.T) {
	if !halves.MatchString("\terr := h.accounts.Lock(ctx, id)") || !halves.MatchString("e.cfg.Keys.Compromise(ctx, now, kid)") {
		t.Error("half an act is not seen")
	}
	root := filepath.Join("..", "..")
	files := 0
	for _, room := range []string{"cmd", "authserver"} {
		err := filepath.WalkDir(filepath.Join(root, room), func(name string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			files++
			text, err := os.ReadFile(name)
			for _, half := range halves.FindAllString(string(text), -1) {
				t.Errorf("%s calls %s…): that is half an act, the whole one is in internal/acts", name, half)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 30 {
		t.Errorf("%d files were looked at", files)
	}
}
