package binding_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// carrying is a request with these cookies.
func carrying(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "https://api.example.com/", nil)
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

func named(name, value string) *http.Cookie { return &http.Cookie{Name: name, Value: value} }

// bound demands that err is the refusal binding, or nil.
func bound(t *testing.T, what string, err error, refused bool) {
	t.Helper()
	if refused && jwt.ReasonOf(err) != jwt.Binding || !refused && err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// A060: the token and the lock of its own session, and nothing less.
func TestA060BothHalvesOrNothing(t *testing.T) {
	mine, other := binding.NewLock(), binding.NewLock()
	cnf := mine.Confirmation("s-1")
	own := mine.Cookie("s-1", noon)
	for name, c := range map[string]struct {
		cookies []*http.Cookie
		refused bool
	}{
		"both halves":                         {[]*http.Cookie{own}, false},
		"beside other cookies":                {[]*http.Cookie{other.Cookie("s-2", noon), named("x", "y"), own}, false},
		"the same cookie twice":               {[]*http.Cookie{own, own}, false},
		"no cookie":                           {nil, true},
		"another session's":                   {[]*http.Cookie{other.Cookie("s-2", noon)}, true},
		"another session's, in our cookie":    {[]*http.Cookie{named(own.Name, other.Cookie("s-1", noon).Value)}, true},
		"our lock, in another's cookie":       {[]*http.Cookie{named(binding.CookieName("s-2"), own.Value)}, true},
		"empty":                               {[]*http.Cookie{named(own.Name, "")}, true},
		"the hash itself":                     {[]*http.Cookie{named(own.Name, cnf.Lock)}, true},
		"31 bytes":                            {[]*http.Cookie{named(own.Name, own.Value[:42])}, true},
		"33 bytes":                            {[]*http.Cookie{named(own.Name, own.Value+"A")}, true},
		"padded":                              {[]*http.Cookie{named(own.Name, own.Value+"=")}, true},
		"in capitals":                         {[]*http.Cookie{named(own.Name, strings.ToUpper(own.Value))}, true},
		"twice, with different values":        {[]*http.Cookie{own, named(own.Name, other.Cookie("s-1", noon).Value)}, true},
		"twice, with different values, first": {[]*http.Cookie{named(own.Name, "x"), own}, true},
	} {
		for _, p := range []binding.Policy{binding.WhenLocked, binding.Required} {
			bound(t, name, p.Check(carrying(c.cookies...), "s-1", cnf), c.refused)
		}
	}
}

// A060: what the token says decides, not what comes along.
func TestA060EmptyIsNotEmpty(t *testing.T) {
	r := carrying(named(binding.CookieName("s-1"), ""), named(binding.CookieName(""), ""))
	bound(t, "an empty lck and an empty cookie", binding.WhenLocked.Check(r, "s-1", &jwt.Confirmation{}), true)
	bound(t, "an empty sid", binding.WhenLocked.Check(carrying(binding.NewLock().Cookie("", noon)), "", binding.NewLock().Confirmation("")), true)
	lock := binding.NewLock()
	bound(t, "a good lock for no sid", binding.WhenLocked.Check(carrying(lock.Cookie("", noon)), "", lock.Confirmation("")), true)
	bound(t, "lck of another session with the same lock", binding.WhenLocked.Check(carrying(lock.Cookie("s-1", noon)), "s-1", lock.Confirmation("s-2")), true)
}

// A035: a demand that is not kept is no demand: neither alone nor beside a lock.
func TestA035OtherBindingsAreRefused(t *testing.T) {
	lock := binding.NewLock()
	r := carrying(lock.Cookie("s-1", noon))
	lck := lock.Confirmation("s-1").Lock
	for _, cnf := range []string{
		`{"jkt":"x"}`, `{}`, `{"x5t#S256":"x"}`, `{"lck":""}`,
		`{"lck":"` + lck + `","jkt":"x"}`, `{"lck":"` + lck + `","x5t#S256":"x"}`, `{"LCK":"` + lck + `"}`,
	} {
		bound(t, cnf, binding.WhenLocked.Check(r, "s-1", confirmation(t, cnf)), true)
	}
	bound(t, "the lock alone", binding.WhenLocked.Check(r, "s-1", confirmation(t, `{"lck":"`+lck+`"}`)), false)
}

// confirmation reads a cnf as a Verifier does: out of a signed token.
func confirmation(t *testing.T, cnf string) *jwt.Confirmation {
	t.Helper()
	seen := verified(t, `"sid":"s-1","cnf":`+cnf)
	return seen.Confirmation
}

// B8: an unlocked token passes where locks are optional, with any cookie beside
// it (B7), and nowhere else.
func TestUnlockedTokens(t *testing.T) {
	stale := binding.NewLock().Cookie("s-1", noon)
	for _, r := range []*http.Request{carrying(), carrying(stale)} {
		bound(t, "optional", binding.WhenLocked.Check(r, "s-1", nil), false)
		bound(t, "required", binding.Required.Check(r, "s-1", nil), true)
	}
}

// B7: two sessions in one browser do not take each other's lock away.
func TestTwoSessionsInOneBrowser(t *testing.T) {
	ada, bob := binding.NewLock(), binding.NewLock()
	r := carrying(ada.Cookie("s-1", noon), bob.Cookie("s-2", noon))
	bound(t, "ada", binding.Required.Check(r, "s-1", ada.Confirmation("s-1")), false)
	bound(t, "bob", binding.Required.Check(r, "s-2", bob.Confirmation("s-2")), false)
	bound(t, "ada's token with bob's half", binding.Required.Check(r, "s-2", ada.Confirmation("s-2")), true)
	if binding.CookieName("session-one-1") == binding.CookieName("session-one-2") {
		t.Error("sessions whose IDs begin alike share a cookie")
	}
}

// What opened a token is there to be set again; what did not is nothing.
func TestLockOfARequest(t *testing.T) {
	mine, other := binding.NewLock(), binding.NewLock()
	cnf := mine.Confirmation("s-1")
	if l, err := binding.LockOf(carrying(mine.Cookie("s-1", noon)), "s-1", cnf); l != mine || err != nil {
		t.Errorf("its own: %v", err)
	}
	for name, c := range map[string]struct {
		cookies []*http.Cookie
		cnf     *jwt.Confirmation
	}{
		"no cookie":          {nil, cnf},
		"another lock":       {[]*http.Cookie{other.Cookie("s-1", noon)}, cnf},
		"no lock":            {[]*http.Cookie{named(binding.CookieName("s-1"), "x")}, cnf},
		"another demand":     {[]*http.Cookie{mine.Cookie("s-1", noon)}, &jwt.Confirmation{Lock: cnf.Lock, Thumbprint: "x"}},
		"an unlocked token":  {[]*http.Cookie{mine.Cookie("s-1", noon)}, nil},
		"a cookie too often": {[]*http.Cookie{mine.Cookie("s-1", noon), other.Cookie("s-1", noon)}, cnf},
	} {
		l, err := binding.LockOf(carrying(c.cookies...), "s-1", c.cnf)
		if bound(t, name, err, true); l != (binding.Lock{}) {
			t.Errorf("%s: a lock beside the refusal", name)
		}
	}
}

// Reading the cookie is all that a check costs of memory: two pieces, net/http's.
func TestAllocationsOfACheck(t *testing.T) {
	sid, lock := jwt.NewID(), binding.NewLock()
	cnf, r := lock.Confirmation(sid), carrying(named("other", "x"), lock.Cookie(sid, noon))
	if got := testing.AllocsPerRun(200, func() {
		if binding.Required.Check(r, sid, cnf) != nil {
			t.Error("refused")
		}
	}); got != 2 {
		t.Errorf("%v allocations, want 2", got)
	}
}

// A lock that is missing and one that is wrong get the same answer.
func TestOneAnswerForEveryWrongLock(t *testing.T) {
	lock := binding.NewLock()
	missing := binding.Required.Check(carrying(), "s-1", lock.Confirmation("s-1"))
	wrong := binding.Required.Check(carrying(binding.NewLock().Cookie("s-1", noon)), "s-1", lock.Confirmation("s-1"))
	if missing != wrong || !strings.Contains(missing.Error(), "send the request from where you logged in") {
		t.Errorf("missing: %v; wrong: %v", missing, wrong)
	}
}

// A055, A069: the exact cookie, and the one that takes it away again.
func TestA055LockCookie(t *testing.T) {
	lock := binding.NewLock()
	set, clear := lock.Cookie("s-1", noon), binding.ClearCookie("s-1")
	if want := set.Name + "=" + set.Value + "; Path=/; Expires=Sun, 01 Mar 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax"; set.String() != want {
		t.Errorf("sets   %s\nwanted %s", set, want)
	}
	if want := set.Name + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; clear.String() != want {
		t.Errorf("clears %s\nwanted %s", clear, want)
	}
	if !strings.HasPrefix(set.Name, "__Host-jkl-") || len(set.Name) != 19 || len(set.Value) != 43 {
		t.Errorf("%s=%s", set.Name, set.Value)
	}
}

// Renewal sets the cookie again with the same lock: tabs stay together.
func TestARenewedSessionKeepsItsLock(t *testing.T) {
	lock := binding.NewLock()
	again, err := binding.ParseLock(lock.Cookie("s-1", noon).Value)
	if err != nil || again != lock {
		t.Fatalf("%v", err)
	}
	later := again.Cookie("s-1", noon.Add(time.Hour))
	bound(t, "renewed", binding.Required.Check(carrying(later), "s-1", lock.Confirmation("s-1")), false)
	for _, bad := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("A", 42) + "B", strings.Repeat("A", 42) + "=", strings.Repeat("A", 42) + "\n"} {
		if l, err := binding.ParseLock(bad); !errors.Is(err, binding.ErrLock) || l != (binding.Lock{}) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestLocksNeverPrint(t *testing.T) {
	lock := binding.NewLock()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		if text := fmt.Sprintf(verb, lock); text != "a cookie lock" {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if out, err := json.Marshal(lock); !errors.Is(err, binding.ErrLock) {
		t.Errorf("written as JSON: %s %v", out, err)
	}
	if a, b := binding.NewLock(), binding.NewLock(); a == b {
		t.Error("two locks are one")
	}
}
