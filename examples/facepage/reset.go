package facepage

import (
	"net/http"
	"net/url"
	"strconv"
)

// mailReset is problem 5, its first half.
func (w *Web) mailReset(r *http.Request, a *act, _ caller) { w.sendLink(r, a, resetMail) }

// sendLink has a link mailed. What is said does not tell whether there is such
// an account.
func (w *Web) sendLink(r *http.Request, a *act, kind string) {
	a.Token = nil // nobody has to be logged in for that
	req, err := w.accounts.desk(r.Context(), "mail", url.Values{"kind": {kind}, "username": {r.PostFormValue("username")}})
	got := a.ask(Accounts, "a mail with a link", req, err)
	a.Said = "If there is an account of that name, a mail is on its way to it. The mailbox is on this page."
	if !got.OK() {
		a.lost(got)
		a.Said = "No mail could be sent now. Try again."
	}
}

// resetPage answers the link of a mail.
func (w *Web) resetPage(rw http.ResponseWriter, r *http.Request) {
	w.linkPage(rw, r, linkDoor{page: "/reset", cookie: resetLink, kind: resetMail, template: "reset", title: "Set a new password", problem: chapters[4]})
}

// A linkDoor is where the links of one kind lead.
type linkDoor struct {
	page, cookie, kind, template, title string
	problem                             *chapter
}

// linkPage answers a GET, which uses nothing up: scanners of mail follow links.
// The token leaves the address at once, for a cookie that goes to this page
// alone: an address is kept in histories, sent as a referrer, read over
// shoulders (A117). It is never put into another address (A083).
func (w *Web) linkPage(rw http.ResponseWriter, r *http.Request, d linkDoor) {
	if query := r.URL.Query(); query.Has("token") {
		rw.Header().Set("Referrer-Policy", "no-referrer")
		give(rw, d.cookie, url.QueryEscape(query.Get("token")), d.page, int(linkLife.Seconds()))
		http.Redirect(rw, r, d.page, http.StatusSeeOther)
		return
	}
	a := w.begin(d.problem.N)
	got := w.redeem(r, a, d.cookie, "look", url.Values{"kind": {d.kind}})
	v := &view{Title: d.title, Problem: d.problem, Act: a, Who: w.who(r)}
	if !got.OK() {
		w.deadLink(rw, a, got, d)
		w.render(rw, r, statusOf(a), "refused", v)
		return
	}
	w.render(rw, r, http.StatusOK, d.template, v)
}

// noLink is the reason of a page that was opened without a link.
const noLink = "missing"

// redeem shows the link's token, which is in a cookie now, to the desk.
func (w *Web) redeem(r *http.Request, a *act, name, path string, form url.Values) reply {
	token, err := url.QueryUnescape(cookie(r, name))
	if err != nil || token == "" {
		return reply{Part: Accounts, Status: http.StatusBadRequest, Reason: noLink}
	}
	a.Token = show(token)
	form.Set("token", token)
	req, err := w.accounts.desk(r.Context(), path, form)
	return a.ask(Accounts, "the link's token", req, err)
}

// deadLink says why a link opens nothing, and forgets it, unless it cannot be
// known now.
func (w *Web) deadLink(rw http.ResponseWriter, a *act, got reply, d linkDoor) {
	a.lost(got)
	switch {
	case a.Outcome == unavailable:
		a.Said = "It cannot be known at this moment whether the link is good. It was not used: try again."
		return
	case a.Reason == usedLink:
		a.Said = "The link was used already, or replaced by later ones. A link opens its door once. Ask for a new one."
	case a.Reason == changedLink:
		a.Said = "The password was changed after the link was sent, so the link opens nothing any more. Ask for a new one."
	case a.Reason == "expired":
		a.Said = "The link has expired. Ask for a new one."
	case a.Reason == noLink:
		a.Said = "This page is opened by a link in a mail, and there is none here. Ask for one."
	default:
		a.Said = "This is no link of ours, or it was cut on its way. Ask for a new one."
	}
	take(rw, d.cookie, d.page)
}

func statusOf(a *act) int {
	switch {
	case a.Outcome == unavailable:
		return http.StatusServiceUnavailable
	case a.Reason == usedLink, a.Reason == changedLink, a.Reason == "expired":
		return http.StatusGone
	}
	return http.StatusBadRequest
}

// reset answers the form: it uses the link up.
func (w *Web) reset(rw http.ResponseWriter, r *http.Request) {
	p := chapters[4]
	a := w.begin(p.N)
	got := w.redeem(r, a, resetLink, "reset", url.Values{"password": {r.PostFormValue("password")}})
	var n wasReset
	switch {
	case got.into(&n) == nil:
		req, err := bearing(r.Context(), http.MethodGet, w.cfg.API+"/face", a.Token.Raw)
		elsewhere := a.ask(API, "the face, with the link's token", req, err)
		a.fact("face", "what everybody else says to that token", strconv.Itoa(elsewhere.Status)+" "+elsewhere.Reason)
		take(rw, resetLink, "/reset")
		if w.who(r).Account == n.Account {
			drop(rw) // the session of this browser is one of those that ended
		}
		a.fact("ended", "sessions that the new password ended", strconv.Itoa(n.Ended))
		a.Said = "The new password is set, and every session of the account is over. Log in with it. Then open the same link once more, or an older one: both are dead."
	case got.Status == http.StatusUnprocessableEntity:
		w.weak(rw, r, a, got)
		return
	default:
		w.deadLink(rw, a, got, linkDoor{page: "/reset", cookie: resetLink})
	}
	w.after(rw, r, a, p.Path(), "")
}

// weak shows the form again: the password may not be chosen, and the link is as
// good as before.
func (w *Web) weak(rw http.ResponseWriter, r *http.Request, a *act, got reply) {
	var why refusal
	_ = unmarshal(got.body, &why)
	a.Outcome, a.Reason, a.Said = refused, "invalid", "That password will not do: "+why.Detail+". The link is still good."
	w.render(rw, r, http.StatusUnprocessableEntity, "reset", &view{Title: "Set a new password", Problem: chapters[4], Act: a, Who: w.who(r)})
}
