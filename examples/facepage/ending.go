package facepage

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// An ending is how one part heard of a logout.
type ending struct {
	Part   string
	Asked  string
	Before int // what it answered while you were logged in
	After  int
	Reason string
	Took   time.Duration // from the acknowledgement of the logout to its first refusal
}

// Millis is how long the part went on.
func (e ending) Millis() float64 { return millis(e.Took) }

// hears is how long a part is given to hear of a logout.
const hears = 5 * time.Second

// endAll is problem 8. It stands below /session, where the refresh token travels:
// an access token cannot end other sessions.
func (w *Web) endAll(rw http.ResponseWriter, r *http.Request) {
	p := chapters[7]
	c := w.who(r)
	if !w.admits(rw, r, p, c) {
		return
	}
	a := w.begin(p.N)
	a.Token = show(c.token)
	parts := w.shownTo(c.token)
	for i := range parts {
		parts[i].Before, _ = w.shows(r.Context(), a, parts[i], c.token)
	}
	if w.end(r, a) {
		drop(rw)
		w.refusals(r.Context(), a, parts, c.token)
	}
	w.after(rw, r, a, p.Path(), "")
}

// end ends every session of the account: the others, then the one that asks.
func (w *Web) end(r *http.Request, a *act) bool {
	refresh := cookie(r, refreshCookie)
	var n struct{ Result struct{ Ended int } }
	req, err := w.accounts.others(r.Context(), http.MethodDelete, refresh)
	others := a.ask(Accounts, "DELETE /sessions: all others", req, err)
	if others.into(&n) != nil {
		a.lost(others)
		a.Said = "The account server could not end your sessions now, so you are still logged in. Try again."
		return false
	}
	req, err = w.accounts.logOut(r.Context(), r.UserAgent(), refresh)
	own := a.ask(Accounts, "DELETE /session: this one", req, err)
	if !own.OK() {
		a.lost(own)
		a.Said = "Your other sessions are over, this one is not: the account server could not answer. Try again."
		return false
	}
	a.fact("ended", "sessions that were ended", strconv.Itoa(n.Result.Ended+1))
	return true
}

// shownTo is where the token is shown before and after.
func (w *Web) shownTo(token string) []ending {
	return []ending{
		{Part: Accounts, Asked: w.cfg.Orders.Issuer + "/revocation/v1/check"},
		{Part: WebApp, Asked: w.cfg.Orders.Pages + "/me"},
		{Part: API, Asked: w.cfg.API + "/face"},
		{Part: Verifier, Asked: w.cfg.Verifier + "/verify"},
	}
}

// shows shows the token to one part, in the cookie or in the header.
func (w *Web) shows(ctx context.Context, a *act, e ending, token string) (int, string) {
	send := bearing
	if e.Part == WebApp {
		send = carrying
	}
	req, err := send(ctx, http.MethodGet, e.Asked, token)
	got := a.quietly(e.Part, e.Asked, req, err)
	return got.Status, got.Reason
}

// refusals shows the dead token to every part until each has refused it. The
// parts are asked side by side, so that none waits for another.
func (w *Web) refusals(ctx context.Context, a *act, parts []ending, token string) {
	ctx, cancel := context.WithTimeout(ctx, hears)
	defer cancel()
	began := time.Now()
	var asking sync.WaitGroup
	for i := range parts {
		asking.Go(func() {
			parts[i].After, parts[i].Reason = w.until(ctx, a, parts[i], token)
			parts[i].Took = time.Since(began)
		})
	}
	asking.Wait()
	a.Endings = parts
	a.Said = "Every part refuses the token that it took a moment ago, though the token has not expired. The times are from the moment at which the account server had said that it is over."
	for _, e := range parts {
		if e.After != http.StatusUnauthorized {
			a.Outcome, a.Reason = unavailable, e.Reason
			a.Said = "The " + e.Part + " has not refused the token yet."
		}
	}
}

// until asks a part until it refuses, or ctx ends.
func (w *Web) until(ctx context.Context, a *act, e ending, token string) (status int, reason string) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if status, reason = w.shows(ctx, a, e, token); status == http.StatusUnauthorized {
			return status, reason
		}
		select {
		case <-ctx.Done():
			return status, reason
		case <-tick.C:
		}
	}
}
