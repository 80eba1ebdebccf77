package facepage

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A chapter is one problem of those that the talk was about. Its page explains it, has
// one act, and shows what came of it.
type chapter struct {
	N      int
	Title  string
	Short  string // for the list
	Button string
	Action string // where the form goes; empty: to the page itself
	act    func(*Web, *http.Request, *act, caller)

	anybody bool // nobody has to be logged in for it
}

// chapters are in the order of the talk.
var chapters = []*chapter{
	{N: 1, Title: "One token, two headers", Short: "Two ways to be logged in, one for browsers and one for programs.",
		Button: "Show the same token in both headers", act: (*Web).showHeaders},
	{N: 2, Title: "No look-up per request", Short: "Each request asks a database who is there.",
		Button: "Ask the API for the face, twice a hundred times", act: (*Web).countCalls},
	{N: 3, Title: "No framework's cookie", Short: "Only the framework that wrote the cookie can read it.",
		Button: "Check the cookie by hand", act: (*Web).checkByHand},
	{N: 4, Title: "No shared secret", Short: "Whoever can check a session can also make one.",
		Button: "Forge a token and show it", act: (*Web).forge},
	{N: 5, Title: "A password reset is a token with a scope and a lock", Short: "Password resets are a third way to be let in.",
		Button: "Mail me a link to set a new password", act: (*Web).mailReset, anybody: true},
	{N: 6, Title: "A link in a mail that logs in", Short: "People who come from a mail meet a login form, and leave.",
		Button: "Mail me a link to the survey", act: (*Web).mailSurvey, anybody: true},
	{N: 7, Title: "A separate account server", Short: "The table of users knows everything about everybody.",
		Button: "Type a wrong password, and look at both tables", act: (*Web).lookAtBoth},
	{N: 8, Title: "Log out everywhere", Short: "A token that checks itself is good until it expires.",
		Button: "Log out everywhere", Action: "/session/end-all"},
	{N: 9, Title: "A new key while you are logged in", Short: "Changing the secret logs everybody out.",
		Button: "Rotate the signing key", Action: "/session/rotate"},
}

// Path is where the page is.
func (p *chapter) Path() string { return "/problem/" + strconv.Itoa(p.N) }

// To is where the form goes.
func (p *chapter) To() string { return either(p.Action, p.Path()) }

// Next is the page after this one, nil after the last.
func (p *chapter) Next() *chapter {
	if p.N == len(chapters) {
		return nil
	}
	return chapters[p.N]
}

// problemNumber reads the number of a page, 0 for none of ours.
func problemNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > len(chapters) || strconv.Itoa(n) != text {
		return 0
	}
	return n
}

func problemOf(r *http.Request) *chapter {
	if n := problemNumber(r.PathValue("n")); n > 0 {
		return chapters[n-1]
	}
	return nil
}

// problem shows a page with the last act of this visit.
func (w *Web) problem(rw http.ResponseWriter, r *http.Request, c caller) {
	p := problemOf(r)
	if p == nil {
		w.nothing(rw, r)
		return
	}
	w.render(rw, r, http.StatusOK, "problem", &view{Title: p.Title, Problem: p, Who: c, Act: w.visits.last(r, p.N), Mails: w.mails(r, p.N)})
}

// perform runs the act of a page, then shows the page.
func (w *Web) perform(rw http.ResponseWriter, r *http.Request) {
	p := problemOf(r)
	if p == nil || p.act == nil {
		w.nothing(rw, r)
		return
	}
	c := w.who(r)
	if !p.anybody && !w.admits(rw, r, p, c) {
		return
	}
	a := w.begin(p.N)
	a.Token = show(c.token)
	p.act(w, r, a, c)
	w.after(rw, r, a, p.Path(), "")
}

// admits tells whether an act may go on. It sends a person whose token is no
// longer good back to the page, which renews the token or offers a login.
func (w *Web) admits(rw http.ResponseWriter, r *http.Request, p *chapter, c caller) bool {
	switch {
	case c.Account != "":
		return true
	case c.reason == jwt.Unavailable:
		w.cannotKnow(rw, r)
		return false
	}
	a := w.begin(p.N)
	a.Outcome, a.Reason = refused, "missing"
	a.Said = "Nothing was done: your session was not good at that moment. If you are logged in now, press the button again."
	w.after(rw, r, a, p.Path(), "")
	return false
}

// mails shows the mailbox where links are mailed.
func (w *Web) mails(r *http.Request, n int) []Mail {
	kind := map[int]string{5: resetMail, 6: surveyMail}[n]
	if kind == "" {
		return nil
	}
	var all []Mail
	req, err := w.accounts.desk(r.Context(), "mailbox", nil)
	if w.begin(0).quietly(Accounts, "GET "+deskPrefix+"mailbox", req, err).into(&all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(m Mail) bool { return m.Kind != kind })
}

// Name tells whom a mail is for, capitalised.
func (m Mail) Name() string {
	if m.To == "" {
		return ""
	}
	return strings.ToUpper(m.To[:1]) + m.To[1:]
}
