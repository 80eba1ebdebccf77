package facepage

import (
	"net/http"
	"net/url"

	"github.com/jotkeeper/jotkeeper/api"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// tokensOf reads the answer to a login or a refresh.
func tokensOf(got reply) (api.Tokens, error) {
	var answer api.Result[api.Tokens]
	err := got.into(&answer)
	return answer.Result, err
}

// hold puts a session's tokens into the browser. The access token stays beyond
// its own end: it tells then that there is a session to renew.
func hold(rw http.ResponseWriter, t api.Tokens) {
	give(rw, tokenCookie, t.IDToken, "/", month)
	if t.RefreshToken != "" { // without one the browser keeps the one it has
		give(rw, refreshCookie, t.RefreshToken, "/session", month)
	}
}

// drop takes the session out of the browser.
func drop(rw http.ResponseWriter) {
	take(rw, tokenCookie, "/")
	take(rw, refreshCookie, "/session")
}

// logIn hands name and password to the account server and keeps neither. The
// session that the browser brought along, if any, ends.
func (w *Web) logIn(rw http.ResponseWriter, r *http.Request) {
	a := w.begin(0)
	req, err := w.accounts.logIn(r.Context(), r.UserAgent(), r.PostFormValue("username"), r.PostFormValue("password"))
	got := a.ask(Accounts, "POST /session", req, err)
	tokens, err := tokensOf(got)
	if err != nil {
		a.lost(got)
		a.Said = "The account server knows no such name and password."
		if a.Outcome == unavailable {
			a.Said = "The account server cannot answer now. Try again in a second."
		}
		w.after(rw, r, a, "/", returnTo(r.PostFormValue("return_to")))
		return
	}
	if old := cookie(r, refreshCookie); old != "" {
		req, err := w.accounts.logOut(r.Context(), r.UserAgent(), old)
		a.ask(Accounts, "DELETE /session, the one that was here before", req, err)
	}
	w.visits.anew(rw, r)
	hold(rw, tokens)
	http.Redirect(rw, r, returnTo(r.PostFormValue("return_to")), http.StatusSeeOther)
}

// after shows what came of an act on a page: the answer to a form is always a
// redirect, so that loading the page again does nothing again.
func (w *Web) after(rw http.ResponseWriter, r *http.Request, a *act, to, returnTo string) {
	a.end(r.Context())
	w.visits.keep(rw, r, a)
	if returnTo != "" && returnTo != "/" {
		to += "?return_to=" + url.QueryEscape(returnTo)
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
}

// renew trades the refresh token for a fresh access token, on the way to a page.
// It answers a GET and changes nothing that another site could want: whoever is
// logged in stays so. Trouble is no logout.
func (w *Web) renew(rw http.ResponseWriter, r *http.Request) {
	to := returnTo(r.URL.Query().Get("return_to")) + "?renewed=1"
	_, got, err := w.renewed(r, w.begin(0))
	tokens, terr := tokensOf(got)
	switch {
	case err == nil && terr == nil:
		hold(rw, tokens)
	case ended(got):
		drop(rw)
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
}

// renewed asks for a fresh access token with the refresh token of the request.
func (w *Web) renewed(r *http.Request, a *act) (api.Tokens, reply, error) {
	req, err := w.accounts.refresh(r.Context(), r.UserAgent(), cookie(r, refreshCookie))
	got := a.ask(Accounts, "POST /session/refresh", req, err)
	tokens, err := tokensOf(got)
	return tokens, got, err
}

// ended tells whether a refresh was refused for good.
func ended(got reply) bool {
	switch jwt.Reason(got.Reason) {
	case jwt.Revoked, jwt.Idle, jwt.Absolute, jwt.Reused, jwt.Malformed, jwt.Missing:
		return got.Status == http.StatusUnauthorized
	}
	return false
}

// logOut ends this session. If the account server cannot say that it is over,
// the browser keeps it: a logout that did not happen must not look like one.
func (w *Web) logOut(rw http.ResponseWriter, r *http.Request) {
	a := w.begin(0)
	req, err := w.accounts.logOut(r.Context(), r.UserAgent(), cookie(r, refreshCookie))
	got := a.ask(Accounts, "DELETE /session", req, err)
	a.Said = "You are logged out: this session is over, in every part."
	if !got.OK() {
		a.lost(got)
		a.Said = "The account server could not end the session now, so you are still logged in. Try again."
	} else {
		drop(rw)
	}
	w.after(rw, r, a, "/", "")
}
