package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

const other = "another-quiet-lantern"

func TestPasswordIsChanged(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	o.edit(ada.ID, func(r *account.Row) { r.RequireNew = true })
	if _, err := o.logIn("ada", phrase); !errors.Is(err, account.ErrExpired) {
		t.Fatalf("got %v", err)
	}
	ada = o.row(ada.ID)
	later := noon.Add(time.Hour)
	next, err := o.PrepareChange(t.Context(), later, ada, phrase, other)
	if err != nil || next.Credential != ada.Credential+1 || next.RequireNew || !next.PasswordChangedAt.Equal(later) {
		t.Fatalf("got %+v, %v", next, err)
	}
	if o.row(ada.ID).Password != ada.Password {
		t.Fatal("preparing changes the account")
	}
	if err := o.Swap(t.Context(), ada, next); err != nil {
		t.Fatal(err)
	}
	if _, err := o.logIn("ada", phrase); !errors.Is(err, account.ErrFailed) {
		t.Errorf("the old password: %v", err)
	}
	if _, err := o.logIn("ada", other); err != nil {
		t.Errorf("the new password: %v", err)
	}
}

func TestPasswordsThatAreNotChanged(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	change := func(current, next string) error {
		_, err := o.PrepareChange(t.Context(), noon, o.row(ada.ID), current, next)
		return err
	}
	for _, wrong := range []string{"not-her-password", "", strings.Repeat("x", 1<<20)} {
		for _, next := range []string{other, "", "short"} {
			wantFields(t, change(wrong, next), "credentials FAILED") // nothing else before it is known whose it is
		}
	}
	wantFields(t, change(phrase, ""), "password MISSING")
	wantFields(t, change(phrase, "brief"), "password INSECURE")
	wantFields(t, change(phrase, "ada-ada-12"), "password INSECURE")
	wantFields(t, change(phrase, phrase), "password INSECURE")
	if n := o.row(ada.ID).Failures; n != 0 {
		t.Errorf("a right current password is not forgiven: %d", n)
	}
	if _, err := o.Lock(t.Context(), ada.ID); err != nil {
		t.Fatal(err)
	}
	wantFields(t, change("not-her-password", other), "credentials FAILED")
	wantFields(t, change(phrase, other), "account LOCKED")
	o.edit(ada.ID, func(r *account.Row) { r.DeletedAt = noon })
	wantFields(t, change(phrase, other), "credentials FAILED")
	if r := o.row(ada.ID); r.Credential != 2 || !strings.HasPrefix(r.Password, "$argon2id$") {
		t.Errorf("something changed: %+v", r)
	}
}

func TestOfTwoChangesOneWins(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	var rows []account.Row
	for i := range 8 {
		r, err := o.PrepareChange(t.Context(), noon, ada, phrase, fmt.Sprint(other, i))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	var all sync.WaitGroup
	errs := make(chan error, len(rows))
	for _, r := range rows {
		all.Go(func() { errs <- o.Swap(t.Context(), ada, r) })
	}
	all.Wait()
	won := 0
	for range rows {
		if err := <-errs; err == nil {
			won++
		} else if !errors.Is(err, account.ErrConflict) {
			t.Error(err)
		}
	}
	if won != 1 || o.row(ada.ID).Credential != 2 {
		t.Errorf("%d changes won, the version is %d", won, o.row(ada.ID).Credential)
	}
}

// A login between the two halves of a change is no reason to ask again; a lock is.
func TestAChangeSurvivesALoginButNotALock(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	next, err := o.PrepareChange(t.Context(), noon, ada, phrase, other)
	if err != nil {
		t.Fatal(err)
	}
	login, err := o.logIn("ada", phrase)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Swap(t.Context(), ada, next); err != nil {
		t.Fatal(err)
	}
	if r := o.row(ada.ID); r.Password != next.Password || !r.LastLoginAt.Equal(login.LastLoginAt) || r.Credential != 2 {
		t.Errorf("got %+v", r)
	}
	ada = o.row(ada.ID)
	if next, err = o.PrepareChange(t.Context(), noon, ada, other, phrase); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Lock(t.Context(), ada.ID); err != nil {
		t.Fatal(err)
	}
	if err := o.Swap(t.Context(), ada, next); !errors.Is(err, account.ErrConflict) || !o.row(ada.ID).Locked {
		t.Errorf("over a lock: %v, %+v", err, o.row(ada.ID))
	}
	if err := o.Swap(t.Context(), account.Row{ID: 99}, account.Row{ID: 99}); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("nobody's change: %v", err)
	}
}

func TestLockAndUnlock(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	_, _ = o.logIn("ada", "not-her-password")
	r, err := o.Lock(t.Context(), ada.ID)
	if err != nil || !r.Locked || r.Credential != 2 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if again, err := o.Lock(t.Context(), ada.ID); err != nil || again.Credential != 2 || again.Revision != r.Revision {
		t.Errorf("a second lock: %+v, %v", again, err)
	}
	if _, err := o.logIn("ada", phrase); !errors.Is(err, account.ErrLocked) {
		t.Errorf("got %v", err)
	}
	_, _ = o.logIn("ada", "not-her-password")
	if n := o.row(ada.ID).Failures; n != 1 {
		t.Errorf("%d failures on a locked account", n)
	}
	if r, err = o.Unlock(t.Context(), ada.ID); err != nil || r.Locked || r.Failures != 0 || o.row(ada.ID).Failures != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := o.logIn("ada", phrase); err != nil {
		t.Errorf("after the unlock: %v", err)
	}
	for name, act := range map[string]func(context.Context, int64) (account.Row, error){"lock": o.Lock, "unlock": o.Unlock, "require": o.RequireNew} {
		if _, err := act(t.Context(), 99); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%s nobody: %v", name, err)
		}
	}
}

func TestRequireNew(t *testing.T) {
	o := newTown(t)
	ada := o.signUp("ada", phrase)
	for range 2 {
		if r, err := o.RequireNew(t.Context(), ada.ID); err != nil || !r.RequireNew || r.Credential != 2 {
			t.Errorf("got %+v, %v", r, err)
		}
	}
}

func TestRename(t *testing.T) {
	o := newTown(t)
	ada, _ := o.signUp("ada", phrase), o.signUp("grace", phrase)
	r, err := o.Rename(t.Context(), ada.ID, " Lovelace ")
	if err != nil || r.Identifier != "lovelace" || r.Display != "Lovelace" || r.Credential != 2 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if _, err := o.logIn("lovelace", phrase); err != nil {
		t.Errorf("by the new name: %v", err)
	}
	if _, err := o.logIn("ada", phrase); !errors.Is(err, account.ErrFailed) {
		t.Errorf("by the old name: %v", err)
	}
	if r, err = o.Rename(t.Context(), ada.ID, "LOVELACE"); err != nil || r.Display != "LOVELACE" || r.Credential != 2 {
		t.Errorf("another spelling: %+v, %v", r, err)
	}
	if again, err := o.Rename(t.Context(), ada.ID, "LOVELACE"); err != nil || again.Revision != r.Revision {
		t.Errorf("the same: %+v, %v", again, err)
	}
	_, err = o.Rename(t.Context(), ada.ID, "GRACE")
	wantFields(t, err, "username TAKEN")
	_, err = o.Rename(t.Context(), ada.ID, "")
	wantFields(t, err, "username MISSING")
	_, err = o.Rename(t.Context(), ada.ID, "a,b")
	wantFields(t, err, "username FORMAT_INVALID")
	_, err = o.Rename(t.Context(), 99, "nobody")
	wantFields(t, err, "account NOT_FOUND")
}

func TestChangesInATransaction(t *testing.T) {
	backend := memory.New()
	defer backend.Close()
	a, err := account.New(account.Config{Store: backend.Set().Accounts, Hash: cheap, InsecureHash: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	row, err := a.Prepare(t.Context(), noon, "ada", phrase)
	if err != nil {
		t.Fatal(err)
	}
	undone := errors.New("changed my mind")
	for _, want := range []error{undone, nil} {
		err := backend.Together(t.Context(), func(tx store.Set) error {
			ada, err := a.On(tx.Accounts).Insert(t.Context(), row)
			if err != nil {
				return err
			}
			if _, err := a.On(tx.Accounts).Lock(t.Context(), ada.ID); err != nil {
				return err
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Fatalf("got %v", err)
		}
		found, err := a.FindIdentifier(t.Context(), "ada")
		if undone := want != nil; undone != errors.Is(err, account.ErrNotFound) || !undone && !found.Locked {
			t.Errorf("with %v: %+v, %v", want, found, err)
		}
	}
}

func text(s string) *string { return &s }

func raw(pairs ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return m
}

func TestRightsAreSet(t *testing.T) {
	o := newTown(t)
	id := o.signUp("ada", phrase).ID
	from, to, err := o.SetRights(t.Context(), id, account.Rights{Scope: text("  read write\tread "), Claims: raw("plan", ` {"b": 1.50, "a": "<é>"} `)})
	if err != nil || from.Scope != "" || to.Scope != "read write" || string(to.Claims["plan"]) != `{"a":"<é>","b":1.50}` || to.Rights != 2 || to.Credential != 1 {
		t.Fatalf("got %+v, %v", to, err)
	}
	kept := o.row(id)
	if kept.Scope != to.Scope || !maps.EqualFunc(kept.Claims, to.Claims, func(a, b json.RawMessage) bool { return string(a) == string(b) }) || kept.Revision != to.Revision {
		t.Errorf("kept %+v", kept)
	}
	if from, to, err = o.SetRights(t.Context(), id, account.Rights{Scope: text("read"), Claims: nil}); err != nil || len(to.Claims) != 1 || to.Rights != 3 || !account.TakesAway(from, to) {
		t.Errorf("the scope alone: %+v, %v", to, err)
	}
	if from, to, err = o.SetRights(t.Context(), id, account.Rights{Claims: raw("plan", `{"a":"<é>","b":1.50}`)}); err != nil || to.Rights != 3 || to.Revision != from.Revision {
		t.Errorf("the same in other words: %+v, %v", to, err)
	}
	if from, to, err = o.SetRights(t.Context(), id, account.Rights{Claims: raw()}); err != nil || len(to.Claims) != 0 || to.Scope != "read" || !account.TakesAway(from, to) {
		t.Errorf("no claims: %+v, %v", to, err)
	}
	_, _, err = o.SetRights(t.Context(), 99, account.Rights{Scope: text("read")})
	wantFields(t, err, "account NOT_FOUND")
}

func TestRightsThatAreRefused(t *testing.T) {
	o := newTown(t)
	id := o.signUp("ada", phrase).ID
	for _, scope := range []string{`re"ad`, `re\ad`, "lire\u00e9", "re\x00ad", "re\x7fad", strings.Repeat("a", 1025)} {
		_, _, err := o.SetRights(t.Context(), id, account.Rights{Scope: &scope})
		wantFields(t, err, "scope FORMAT_INVALID")
	}
	for name, claims := range map[string]map[string]json.RawMessage{
		"empty name": raw("", "1"), "not UTF-8": raw("a\xff", "1"), "empty value": raw("a", ""), "no JSON": raw("a", "yes"), "two values": raw("a", "1 2"),
		"twins": raw("a", `{"x":1,"x":2}`), "twins spelt differently": raw("a", `{"x":1,"\u0078":2}`), "twins inside": raw("a", `[{"b":{"x":1,"x":2}}]`),
		"unfinished": raw("a", `{"x":`), "unclosed": raw("a", `[1`), "bytes": raw("a", "\"\xff\""), "wrong bracket": raw("a", `{"x":1]`),
		"too long": raw("a", `"`+strings.Repeat("x", 1024)+`"`), "too long together": raw("a", `"`+strings.Repeat("x", 600)+`"`, "b", `"`+strings.Repeat("x", 600)+`"`),
		"far too long": raw("a", strings.Repeat("[", 1<<16)),
	} {
		_, _, err := o.SetRights(t.Context(), id, account.Rights{Claims: claims})
		if fields := messages(err); len(fields) != 1 || fields[0] != "claims FORMAT_INVALID" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "auth_time", "amr", "acr", "azp", "scope", "tid", "gen", "rev", "ver", "sxp", "prv", "cnf", "client_id", "act", "may_act",
		"SUB", "Scope", "ſub", "ſcope",
	} {
		_, _, err := o.SetRights(t.Context(), id, account.Rights{Claims: raw(name, `"x"`)})
		if fields := messages(err); len(fields) != 1 || fields[0] != "claims FORMAT_INVALID" {
			t.Errorf("the claim %q is not reserved: %v", name, err)
		}
	}
	if r := o.row(id); r.Rights != 1 || r.Scope != "" || len(r.Claims) != 0 {
		t.Errorf("something was kept: %+v", r)
	}
	_, _, err := o.SetRights(t.Context(), id, account.Rights{Scope: text(`"`), Claims: raw("sub", `1`)})
	wantFields(t, err, "scope FORMAT_INVALID", "claims FORMAT_INVALID")
}

func TestWhatTakesAway(t *testing.T) {
	plan := func(v string) map[string]json.RawMessage { return raw("plan", v) }
	for name, c := range map[string]struct {
		from, to account.Row
		want     bool
	}{
		"nothing":             {account.Row{Scope: "a b", Claims: plan("1")}, account.Row{Scope: "a b", Claims: plan("1")}, false},
		"another order":       {account.Row{Scope: "a b"}, account.Row{Scope: "b a"}, false},
		"a word more":         {account.Row{Scope: "a"}, account.Row{Scope: "a b"}, false},
		"a word less":         {account.Row{Scope: "a b"}, account.Row{Scope: "a"}, true},
		"one for another":     {account.Row{Scope: "a"}, account.Row{Scope: "b"}, true},
		"part of a word":      {account.Row{Scope: "read"}, account.Row{Scope: "read:own"}, true},
		"a claim more":        {account.Row{}, account.Row{Claims: plan("1")}, false},
		"a claim less":        {account.Row{Claims: plan("1")}, account.Row{}, true},
		"a claim says less":   {account.Row{Claims: plan(`"admin"`)}, account.Row{Claims: plan(`"user"`)}, true},
		"other spaces":        {account.Row{Claims: plan(`{"a":1,"b":2}`)}, account.Row{Claims: plan(`{ "b":2, "a":1 }`)}, false},
		"more in one, less b": {account.Row{Scope: "a", Claims: plan("1")}, account.Row{Scope: "a b"}, true},
	} {
		if got := account.TakesAway(c.from, c.to); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
