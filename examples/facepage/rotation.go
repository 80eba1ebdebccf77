package facepage

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// rotate is problem 9: the signing key is changed while somebody is logged in.
// It stands below /session because it asks for a fresh token afterwards.
func (w *Web) rotate(rw http.ResponseWriter, r *http.Request) {
	p := chapters[8]
	c := w.who(r)
	if !w.admits(rw, r, p, c) {
		return
	}
	a := w.begin(p.N)
	a.Token = show(c.token)
	if w.change(r, a) {
		w.compare(rw, r, a, c)
	}
	w.after(rw, r, a, p.Path(), "")
}

// change rotates, and waits until another key signs. A key that was just made
// does not sign before every verifier has had time to fetch it.
func (w *Web) change(r *http.Request, a *act) bool {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	before, ok := w.keysNow(ctx, a, "keys", nil)
	if !ok {
		return false
	}
	a.fact("keys-before", "key set before", listed(before))
	req, err := w.accounts.desk(ctx, "rotate", url.Values{})
	if got := a.ask(Accounts, "rotate the signing key", req, err); !got.OK() {
		a.lost(got)
		a.Said = "The account server could not rotate its key now."
		return false
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		after, ok := w.keysNow(ctx, a, "keys", nil)
		if !ok {
			return false
		}
		if signing(after) != signing(before) {
			a.fact("keys-after", "key set after", listed(after))
			return true
		}
		select {
		case <-ctx.Done():
			a.Outcome, a.Reason, a.Said = unavailable, "waiting", "The next key does not sign yet: every verifier is given time to fetch it first. Press again in a moment."
			return false
		case <-tick.C:
		}
	}
}

func (w *Web) keysNow(ctx context.Context, a *act, path string, form url.Values) (keys []KeyState, ok bool) {
	req, err := w.accounts.desk(ctx, path, form)
	got := a.quietly(Accounts, deskPrefix+path, req, err)
	if got.into(&keys) != nil {
		a.lost(got)
		a.Said = "The account server could not say which keys it has."
		return nil, false
	}
	return keys, true
}

func signing(keys []KeyState) string {
	for _, k := range keys {
		if k.State == "active" {
			return k.ID
		}
	}
	return ""
}

func listed(keys []KeyState) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.ID+" "+k.State)
	}
	return strings.Join(all, "\n")
}

// compare renews the session, then shows the token from before and the one from
// after to the parts that verify by themselves.
func (w *Web) compare(rw http.ResponseWriter, r *http.Request, a *act, c caller) {
	tokens, got, err := w.renewed(r, a)
	if err != nil {
		a.lost(got)
		a.Said = "The key was rotated; the session could not be renewed at that moment, and goes on."
		return
	}
	hold(rw, tokens)
	a.Fresh = show(tokens.IDToken)
	for _, shown := range []struct{ which, token string }{{"from before", c.token}, {"from after", tokens.IDToken}} {
		for _, at := range w.shownTo(shown.token) {
			if at.Part != API && at.Part != Verifier {
				continue
			}
			req, err := bearing(r.Context(), http.MethodGet, at.Asked, shown.token)
			if got := a.ask(at.Part, "the token "+shown.which, req, err); !got.OK() {
				a.lost(got)
				a.Said = "A token was refused although its key is in the set."
			}
		}
	}
	if a.Outcome == done {
		a.fact("kid-before", "key of the token from before", a.Token.Key)
		a.fact("kid-after", "key of the token from after", a.Fresh.Key)
		a.Said = "The account server signs with another key, and you are still logged in. The token from before is good until it expires, because its key stays in the set for as long."
	}
}
