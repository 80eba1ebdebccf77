package facepage

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// lookAtBoth is problem 7: somebody types a wrong password, and the two tables
// are shown. The account server counts the failure. The web application has
// nowhere to write it.
func (w *Web) lookAtBoth(r *http.Request, a *act, c caller) {
	before, ok := w.row(r, a, c)
	if !ok {
		return
	}
	req, err := w.accounts.logIn(r.Context(), r.UserAgent(), before.Username, "not the password of anybody")
	wrong := a.ask(Accounts, "POST /session with a wrong password", req, err)
	after, ok := w.row(r, a, c)
	if !ok {
		return
	}
	var mine []string
	for _, u := range w.users.all() {
		mine = append(mine, u.Account)
	}
	a.fact("users", "the web application's whole table of users", "account: "+strings.Join(mine, ", "))
	a.fact("failures-before", "failed logins at the account server, before", fmt.Sprint(before.Failures))
	a.fact("failures-after", "… and after", fmt.Sprint(after.Failures))
	a.fact("username", "your name, known to the account server only", after.Username)
	a.fact("password", "your password's hash, there only", after.Password+", "+fmt.Sprintf("version %d", after.Version))
	a.fact("changed", "last set", after.Changed.UTC().Format(time.RFC3339))
	a.Said = "The account server refused the password, and counted. The web application's row about you is still one account ID."
	if wrong.Status != http.StatusUnprocessableEntity {
		a.lost(wrong)
		a.Said = "The account server did not judge the password."
	}
}

// row asks for the account that the caller's token names, and for no other.
func (w *Web) row(r *http.Request, a *act, c caller) (AccountRow, bool) {
	var row AccountRow
	req, err := w.accounts.desk(r.Context(), "accounts?account="+url.QueryEscape(c.Account), nil)
	got := a.ask(Accounts, "the row of account "+c.Account, req, err)
	if got.into(&row) != nil {
		a.lost(got)
		a.Said = "The account server could not be asked."
		return row, false
	}
	return row, true
}
