package facepage

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// many is how often problem 2 asks for the face.
const many = 100

// countCalls is problem 2: the API answers many requests, and the account server
// says how often it was asked meanwhile. Then the same on a route that asks the
// account server about each token, as a look-up per request would.
func (w *Web) countCalls(r *http.Request, a *act, c caller) {
	if !w.countOn(r.Context(), a, c, "verified", "verified by the API alone", "/face") {
		return
	}
	if !w.countOn(r.Context(), a, c, "asked", "with a question for each request", "/face/asking") {
		return
	}
	a.Said = "The same requests twice: the API verified the token by itself, then it asked the account server each time. The questions were counted by the account server."
}

// countOn asks on one path and measures on both sides.
func (w *Web) countOn(ctx context.Context, a *act, c caller, name, label, path string) bool {
	before, ok := w.received(ctx, a)
	if !ok {
		return false
	}
	began := time.Now()
	for range many {
		req, err := bearing(ctx, http.MethodGet, w.cfg.API+path, c.token)
		if got := a.quietly(API, "GET "+path, req, err); !got.OK() {
			a.lost(got)
			a.Said = "The API refused a request."
			return false
		}
	}
	took := time.Since(began)
	after, ok := w.received(ctx, a)
	if !ok {
		return false
	}
	a.fact(name+"-questions", "questions to the account server during "+strconv.Itoa(many)+" requests, "+label, strconv.Itoa(after[questions]-before[questions]))
	a.fact(name+"-upkeep", "upkeep meanwhile: keys and revocations, however many requests there are", strconv.Itoa(after[upkeep]-before[upkeep]))
	a.fact(name+"-time", "time for all of them, "+label, fmt.Sprintf("%.1f ms", millis(took)))
	return true
}

// received asks the account server how many requests it has had.
func (w *Web) received(ctx context.Context, a *act) (map[string]int, bool) {
	var n map[string]int
	req, err := w.accounts.desk(ctx, "calls", nil)
	if got := a.quietly(Accounts, "GET "+deskPrefix+"calls", req, err); got.into(&n) != nil {
		a.lost(got)
		a.Said = "The account server could not say how often it was asked."
		return nil, false
	}
	return n, true
}
