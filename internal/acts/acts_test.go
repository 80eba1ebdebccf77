package acts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer = "https://id.example.com"
	good   = "moss-kettle-orbit-42"
	next   = "another-kettle-43"
)

var evening = time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC)

// A rig is the rooms on a backend that can be told to fail.
type rig struct {
	*testing.T
	*acts.Acts
	backend  *moody
	accounts *account.Accounts
	sessions *session.Sessions
	keys     *keyring.Ring
	index    *revocation.Index
}

// moody is a backend whose transactions can fail at their end, when all that
// was to be done is done, and that lets a test in between two of them.
type moody struct {
	store.Backend
	lost    bool
	between func()
}

func (b *moody) Together(ctx context.Context, f func(store.Set) error) error {
	if b.between != nil {
		run := b.between
		b.between = nil
		run()
	}
	return b.Backend.Together(ctx, func(tx store.Set) error {
		if err := f(tx); err != nil || !b.lost {
			return err
		}
		return fmt.Errorf("%w: the disk is full", store.ErrUnavailable)
	})
}

func build(t *testing.T) *rig { return buildOn(t, memory.New(), session.Policy{}) }

func buildOn(t *testing.T, b store.Backend, policy session.Policy) *rig {
	t.Helper()
	r := &rig{T: t, backend: &moody{Backend: b}, index: revocation.NewIndex(issuer)}
	set, master := r.backend.Set(), secret.NewRing(secret.Generate())
	var err error
	r.keys, err = keyring.Open(t.Context(), evening, keyring.Config{Store: set.Keys, Master: master})
	r.must(err)
	r.accounts, err = account.New(account.Config{Store: set.Accounts, Hash: account.Params{Memory: 64, Time: 1, Threads: 1}, InsecureHash: true, Workers: 1})
	r.must(err)
	t.Cleanup(r.accounts.Close)
	r.sessions, err = session.New(session.Config{Issuer: issuer, Store: set.Sessions, Master: master, Signer: r.keys.Signer(jwt.KindAccess),
		Checker: r.index, Rights: acts.Rights(r.accounts), Policy: policy})
	r.must(err)
	r.Acts, err = acts.New(acts.Config{Issuer: issuer, Backend: r.backend, Accounts: r.accounts, Sessions: r.sessions, Keys: r.keys, Index: r.index, Life: time.Hour})
	r.must(err)
	return r
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

var login = session.Login{Audience: "app.example.com", Methods: []string{"pwd"}}

func (r *rig) signUp(name string) session.Issued {
	r.Helper()
	issued, err := r.SignUp(r.Context(), evening, acts.SignUp{Username: name, Password: good, Login: login})
	r.must(err)
	return issued
}

func (r *rig) verdict(issued session.Issued) revocation.Action {
	r.Helper()
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: issuer, Audience: []string{"app.example.com"}, Keys: r.keys})
	r.must(err)
	t, err := v.Verify(r.Context(), evening, issued.Access)
	r.must(err)
	said, err := r.Verdict(r.Context(), evening, t)
	r.must(err)
	return said.Action
}

func (r *rig) live(account string) int {
	r.Helper()
	rows, err := r.sessions.List(r.Context(), evening, account)
	r.must(err)
	return len(rows)
}

func (r *rig) everything() string {
	r.Helper()
	set := r.backend.Set()
	accounts, err := set.Accounts.List(r.Context(), 0, 10)
	r.must(err)
	for i := range accounts {
		accounts[i].FailedAt = time.Time{} // counted by whoever checks a password, before any act
	}
	sessions, err := set.Sessions.List(r.Context(), "1", evening)
	r.must(err)
	head, err := set.Revocations.Head(r.Context())
	r.must(err)
	keys, err := set.Keys.Keys(r.Context())
	r.must(err)
	return fmt.Sprintf("%+v %+v %+v %+v", accounts, sessions, head, keys)
}

// Nothing of an act is there until all of it is.
func TestAnActThatIsLostChangesNothing(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	before := r.everything()
	r.backend.lost = true
	scope, name := "read", "eve"
	for what, act := range map[string]func() error{
		"sign-up": func() error {
			_, err := r.SignUp(t.Context(), evening, acts.SignUp{Username: "bob", Password: good, Login: login, Old: []session.Row{first.Session}})
			return err
		},
		"login": func() error {
			_, err := r.LogIn(t.Context(), evening, acts.LogIn{Username: "ada", Password: good, Login: login, Old: []session.Row{first.Session}})
			return err
		},
		"password": func() error {
			_, err := r.ChangePassword(t.Context(), evening, acts.PasswordChange{Session: first.Session, Current: good, Next: next, Login: login})
			return err
		},
		"lock":   func() error { return r.Lock(t.Context(), evening, 1, "") },
		"unlock": func() error { return r.Unlock(t.Context(), 1) },
		"rights": func() error {
			_, err := r.ChangeAccount(t.Context(), evening, 1, acts.Change{Username: &name, Rights: account.Rights{Scope: &scope}})
			return err
		},
		"push": func() error {
			return r.push(evening, pushed("sub", "1"), pushed("kid", r.keys.Stats().Signing))
		},
		"key": func() error { return r.CompromiseKey(t.Context(), evening, r.keys.Stats().Signing) },
	} {
		if err := act(); !acts.Unavailable(err) {
			t.Errorf("%s: got %v, want unavailable", what, err)
		}
		after := r.everything()
		// What Authenticate notes (a login's time) is the account room's and not of the act.
		if what != "login" && after != before {
			t.Errorf("%s left something behind:\n%s\n%s", what, before, after)
		}
		before = after
	}
	if r.live("1") != 1 || r.verdict(first) != revocation.None {
		t.Error("the first session did not survive what never happened")
	}
}

// A new password: every session ends, every token dies, but the new one, whose
// tokens come after the rule.
func TestANewPasswordComesAfterItsRule(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	second, err := r.LogIn(t.Context(), evening, acts.LogIn{Username: "ada", Password: good, Login: login})
	r.must(err)
	fresh, err := r.ChangePassword(t.Context(), evening, acts.PasswordChange{Session: first.Session, Current: good, Next: next, Login: login})
	r.must(err)
	if r.verdict(first) != revocation.Revoke || r.verdict(second) != revocation.Revoke || r.verdict(fresh) != revocation.None {
		t.Errorf("verdicts %v %v %v", r.verdict(first), r.verdict(second), r.verdict(fresh))
	}
	if r.live("1") != 1 {
		t.Errorf("%d sessions live, want the new one", r.live("1"))
	}
	if _, err := r.ChangePassword(t.Context(), evening, acts.PasswordChange{Session: fresh.Session, Current: good, Next: next, Login: login}); !errors.Is(err, account.ErrFailed) {
		t.Errorf("with the old password: %v", err)
	}
}

// A password that is changed while a login checks the old one.
func TestALoginThatIsOvertakenIsCheckedAgain(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	r.backend.between = func() { // after the login's check, before its transaction
		_, err := r.ChangePassword(t.Context(), evening, acts.PasswordChange{Session: first.Session, Current: good, Next: next, Login: login})
		r.must(err)
	}
	if _, err := r.LogIn(t.Context(), evening, acts.LogIn{Username: "ada", Password: good, Login: login}); !errors.Is(err, account.ErrFailed) {
		t.Errorf("the old password opened a session: %v", err)
	}
	r.backend.between = func() { _, err := r.EndAll(t.Context(), evening, "1", "logout", ""); r.must(err) }
	if _, err := r.LogIn(t.Context(), evening, acts.LogIn{Username: "ada", Password: next, Login: login}); err != nil {
		t.Errorf("a login overtaken by a logout of all: %v", err)
	}
	var again func()
	again = func() {
		_, err := r.EndAll(t.Context(), evening, "1", "logout", "")
		r.must(err)
		r.backend.between = again
	}
	r.backend.between = again
	if _, err := r.LogIn(t.Context(), evening, acts.LogIn{Username: "ada", Password: next, Login: login}); !errors.Is(err, session.ErrRetry) {
		t.Errorf("overtaken for ever: %v, want ErrRetry", err)
	}
}

func TestAPasswordChangedTwiceAtOnce(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	change := acts.PasswordChange{Session: first.Session, Current: good, Next: next, Login: login}
	r.backend.between = func() { _, err := r.ChangePassword(t.Context(), evening, change); r.must(err) }
	if _, err := r.ChangePassword(t.Context(), evening, change); !errors.Is(err, account.ErrFailed) {
		t.Errorf("the second of two: %v, want ErrFailed", err)
	}
}

func TestRightsAddedRotateAndRightsTakenRevoke(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	set := func(scope string, claims map[string]json.RawMessage) revocation.Action {
		t.Helper()
		done, err := r.ChangeAccount(t.Context(), evening, 1, acts.Change{Rights: account.Rights{Scope: &scope, Claims: claims}})
		r.must(err)
		return done
	}
	for _, c := range []struct {
		scope  string
		claims map[string]json.RawMessage
		want   revocation.Action
	}{
		{"read", nil, revocation.Rotate},
		{"read", nil, revocation.None},
		{"pay read", nil, revocation.Rotate},
		{"pay read", map[string]json.RawMessage{"plan": json.RawMessage(`"gold"`)}, revocation.Rotate},
		{"pay read", map[string]json.RawMessage{"plan": json.RawMessage(`"lead"`)}, revocation.Revoke},
		{"pay", nil, revocation.Revoke},
	} {
		if got := set(c.scope, c.claims); got != c.want {
			t.Errorf("%q %s: %v, want %v", c.scope, c.claims, got, c.want)
		}
	}
	if r.verdict(first) != revocation.Revoke || r.live("1") != 1 {
		t.Error("taking a right away must end tokens and no session")
	}
}

func TestACompromisedKeySignsNoMore(t *testing.T) {
	r := build(t)
	r.signUp("ada")
	bad := r.keys.Stats().Signing
	r.must(r.CompromiseKey(t.Context(), evening, bad))
	if now := r.keys.Stats().Signing; now == bad || now == "" {
		t.Errorf("signing: %q", now)
	}
	state, err := r.backend.Set().Revocations.State(t.Context(), evening, revocation.ScopeKey, bad)
	if err != nil || state[bad] != revocation.Revoke {
		t.Errorf("no rule for the key: %v, %v", state, err)
	}
	if err := r.CompromiseKey(t.Context(), evening, "nobody's"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestAVerdictIsNotGuessed(t *testing.T) {
	r := build(t)
	first := r.signUp("ada")
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: issuer, Audience: []string{"app.example.com"}, Keys: r.keys})
	r.must(err)
	token, err := v.Verify(t.Context(), evening, first.Access)
	r.must(err)
	r.must(r.backend.Close())
	if _, err := r.Verdict(t.Context(), evening, token); !acts.Unavailable(err) {
		t.Errorf("with the store closed: %v, want unavailable", err)
	}
}

func TestRightsAreRefusedToWhoMayHaveNone(t *testing.T) {
	r := build(t)
	r.signUp("ada")
	rights := acts.Rights(r.accounts)
	r.must(r.Lock(t.Context(), evening, 1, ""))
	for sub, want := range map[string]error{"1": session.ErrLocked, "2": session.ErrNotFound, "one": session.ErrNotFound, "01": session.ErrNotFound} {
		if _, err := rights(t.Context(), sub); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", sub, err, want)
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	if _, err := acts.New(acts.Config{}); !errors.Is(err, acts.ErrConfig) {
		t.Errorf("got %v", err)
	}
}
