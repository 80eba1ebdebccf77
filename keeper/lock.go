package keeper

import (
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// lockUp ties a token that is about to be signed to a browser, which Write tells.
// Nothing that a client sent is adopted.
func (t *Token) lockUp() {
	t.lock = binding.NewLock()
	t.claims.Confirmation = t.lock.Confirmation(t.claims.SessionID)
}

// unlock asks whether r brings what t is bound to, and keeps the lock that it
// brought, so that it can be set again. A nil r brings nothing.
func (t *Token) unlock(r *http.Request, p binding.Policy) (err error) {
	sid, cnf := t.claims.SessionID, t.claims.Confirmation
	switch {
	case cnf == nil:
		return p.Check(r, sid, nil)
	case r == nil:
		return refuse(jwt.Binding, "the token is bound by cnf, and no request came along that could show its lock: use FindRequest")
	}
	t.lock, err = binding.LockOf(r, sid, cnf)
	return err
}

// giveLock sets the cookie of t's lock, if t has one.
func (k *Keeper) giveLock(w http.ResponseWriter, t *Token) {
	if t.claims.Confirmation != nil {
		k.setLock(w, t.lock.Cookie(t.claims.SessionID, t.lockExpires()))
	}
}

// takeLock takes it from the browser: the session has ended.
func (k *Keeper) takeLock(w http.ResponseWriter, t *Token) {
	if t.claims.Confirmation != nil {
		k.setLock(w, binding.ClearCookie(t.claims.SessionID))
	}
}

// setLock goes where the token's own cookie goes, other sites' pages included.
func (k *Keeper) setLock(w http.ResponseWriter, c *http.Cookie) {
	if k.cfg.Cookie.SameSite == http.SameSiteNoneMode {
		c.SameSite = http.SameSiteNoneMode
	}
	forget(w.Header(), c.Name)
	http.SetCookie(w, c)
}

// lockExpires gives the lock a life to spare. An answer that arrives after the
// one that brought the next token sets the cookie again, and must not take the
// lock away from that token before its time.
func (t *Token) lockExpires() time.Time {
	c := t.claims
	until := c.Expires + (c.Expires - c.IssuedAt)
	if c.Absolute != 0 {
		until = min(until, c.Absolute)
	}
	return until.Time()
}
