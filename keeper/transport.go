package keeper

import (
	"net/http"
	"slices"
	"strings"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A Way is how a client keeps its token.
type Way string

// The ways.
const (
	ByCookie Way = "cookie" // a browser, in Config.Cookie, out of reach of scripts
	ByHeader Way = "header" // any other client, which sends Authorization: Bearer
)

// Write gives the client a token that a login made, with the cookie of its lock
// if it is locked. Call it before the answer begins. By cookie it ends the session whose cookie r brought, so that nothing
// of before the login lives on; it fails with csrf when another site's page sent
// the login, and with unavailable when the old session could not be ended. After
// an error nothing was given. A token that Renew made goes the same way.
func (k *Keeper) Write(w http.ResponseWriter, r *http.Request, t *Token, how Way) error {
	k.carrier.Personal(w)
	if how == ByHeader {
		k.give(w, arrival{token: t, header: true})
		return nil
	}
	if !k.carrier.SameOrigin(r) || embedded(r) {
		return refuse(jwt.CSRF, "a login that another site's page sent")
	}
	ended, err := k.endEarlier(r, t)
	if err != nil {
		return err
	}
	k.give(w, arrival{token: t, cookie: true})
	if ended != nil {
		k.takeLock(w, ended)
	}
	return nil
}

// Clear logs out: it ends the session of r's token, durably, and then takes the
// token and its lock from the client, with the attributes they were set with. Call
// it before the answer begins. It fails with csrf on a GET, or when another site's
// page sent the request, with binding when a locked token came without its lock,
// and with unavailable when the end is not known to be written; then the client
// keeps what it has and can try again. A token that is not good
// any more has nothing to end; another issuer's is taken away, with ErrForeign.
func (k *Keeper) Clear(w http.ResponseWriter, r *http.Request) error {
	k.carrier.Personal(w)
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return refuse(jwt.CSRF, "a logout changes something; send it with POST or DELETE")
	}
	ended, err := k.endOwn(r)
	if err != nil && err != ErrForeign {
		return err
	}
	h := w.Header()
	forget(h, k.carrier.Cookie.String())
	h.Del("Authorization")
	h.Set("Clear-Site-Data", `"cache"`)
	k.carrier.Cookie.Clear(w)
	if ended != nil {
		k.takeLock(w, ended)
	}
	return err
}

// endOwn ends the session of r's token, and returns that token if there was
// something to end. Who lacks the lock of a token ends nothing with it.
func (k *Keeper) endOwn(r *http.Request) (ended *Token, err error) {
	header, cookie, err := k.read(r)
	switch {
	case jwt.ReasonOf(err) == jwt.Missing && !k.carrier.SameOrigin(r):
		return nil, refuse(jwt.CSRF, "a logout that another site's page sent, which would take the cookie all the same")
	case jwt.ReasonOf(err) == jwt.Missing:
		return nil, nil
	case err != nil:
		return nil, err
	}
	t, err := k.verify(r.Context(), k.cfg.Now(), firstOf(header, cookie))
	switch {
	case jwt.ReasonOf(err) == jwt.Unavailable:
		return nil, err
	case err != nil:
		return nil, nil
	}
	if err := t.unlock(r, binding.WhenLocked); err != nil {
		return nil, err
	}
	return k.end(r, t)
}

// end ends the session of t, and returns t when that is durable.
func (k *Keeper) end(r *http.Request, t *Token) (*Token, error) {
	if err := k.Revoke(r.Context(), t); err != nil {
		return nil, err
	}
	return t, nil
}

// endEarlier ends the session whose cookie came with the login of t, and returns
// its token if it did. One that is locked to another browser is left to that one.
func (k *Keeper) endEarlier(r *http.Request, t *Token) (ended *Token, err error) {
	_, cookie, err := k.carrier.Read(r)
	if err != nil || cookie == "" {
		return nil, nil // nobody's cookie is no session
	}
	now := k.cfg.Now()
	earlier, err := k.verify(r.Context(), now, cookie)
	if err != nil || earlier.foreign || sameSession(earlier.claims, t.claims) || earlier.unlock(r, binding.WhenLocked) != nil {
		return nil, nil
	}
	if q := earlier.query(); k.index.Look(now, &q).Action == revocation.Revoke {
		return nil, nil
	}
	return k.end(r, earlier)
}

// embedded tells whether another site's page made the request without leaving:
// an image, a frame, a script.
func embedded(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

// give puts the token into the headers of an answer, once, and its lock.
func (k *Keeper) give(w http.ResponseWriter, a arrival) {
	h := w.Header()
	if a.header {
		h.Set("Authorization", "Bearer "+a.token.text)
		expose(h)
		h.Set("Cache-Control", "no-store")
	}
	if a.cookie {
		forget(h, k.carrier.Cookie.String())
		k.carrier.Cookie.Set(w, a.token.text, a.token.Expires())
	}
	k.giveLock(w, a.token)
}

// forget takes a cookie out of an answer that has not left, lest it say two
// things.
func forget(h http.Header, cookie string) {
	ours := cookie + "="
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, ours) })
}
