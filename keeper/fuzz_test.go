package keeper_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// A060: whatever stands in the cookies, a locked token is found with its lock, or
// not at all; and an unlocked one is found whatever lies beside it.
func FuzzA060Cookies(f *testing.F) {
	for _, text := range []string{"", "=", "NAME=", "NAME=LOCK", "NAME=LOCK; NAME=LOCK", "NAME=x; NAME=LOCK", `NAME="LOCK"`, "NAME=LOCKA", " NAME = LOCK ;", "NAME=LOCK\x00", "name=LOCK", "NAME=HASH"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := newHouse(t)
		b := h.browser()
		token, unlocked := b.logsIn("ada", keeper.ByHeader), h.login()
		said := cookies(text, b.lock().Name, b.lock().Value, shownHash(t, token.Text()))
		r := req("GET", "/", append(inHeader(token.Text()), "Cookie", said)...)
		found, err := h.FindRequest(r)
		switch {
		case found != nil && !brings(r, b.lock()):
			t.Errorf("%q opens the token", said)
		case found == nil && jwt.ReasonOf(err) != jwt.Binding && jwt.ReasonOf(err) != jwt.Ambiguous:
			t.Errorf("%q: %v", said, err)
		}
		if _, err := h.FindRequest(req("GET", "/", append(inHeader(unlocked.Text()), "Cookie", said)...)); err != nil && jwt.ReasonOf(err) != jwt.Ambiguous {
			t.Errorf("%q hurts an unlocked token: %v", said, err)
		}
		h.wantRules()
	})
}

// cookies puts what can be known of a session into a text that a fuzzer makes.
func cookies(text, name, lock, hash string) string {
	return strings.NewReplacer("NAME", name, "LOCK", lock, "HASH", hash).Replace(text)
}

// brings tells whether r has the lock's cookie, with its value alone.
func brings(r *http.Request, lock *http.Cookie) bool {
	list := r.CookiesNamed(lock.Name)
	return len(list) > 0 && !slices.ContainsFunc(list, func(c *http.Cookie) bool { return c.Value != lock.Value })
}
