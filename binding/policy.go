package binding

import (
	"crypto/subtle"
	"net/http"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// A Policy says what is asked of a verified token beyond its signature. Under
// each of them a locked token needs its lock: what the issuer bound never
// becomes a bearer token again (RFC 7800 §3.1).
type Policy uint8

// The policies.
const (
	WhenLocked Policy = iota // a token that is not locked passes
	Required                 // every token must be locked
)

// What is refused. One text whether the lock is missing, another session's or
// wrong: nobody learns which half he lacks.
var (
	errLock     = &jwt.Error{Reason: jwt.Binding, Detail: "the token is locked to a browser, and its lock did not come along: send the request from where you logged in, with cookies"}
	errUnlocked = &jwt.Error{Reason: jwt.Binding, Detail: "only tokens that are locked to a browser are taken here: log in again to get one"}
	errOther    = &jwt.Error{Reason: jwt.Binding, Detail: "the token is bound by a cnf that this service does not check: only cookie locks (lck)"}
)

// Check asks whether r brings what the token of session sid is bound to by c,
// its cnf claim, nil if it has none. Call it with claims that were verified. A
// refusal is an *jwt.Error with reason binding; the cookies stay as they are.
func (p Policy) Check(r *http.Request, sid string, c *jwt.Confirmation) error {
	switch {
	case c == nil && p == WhenLocked:
		return nil
	case c == nil:
		return errUnlocked
	}
	_, err := LockOf(r, sid, c)
	return err
}

// LockOf returns the lock with which r opens the token of session sid that c
// binds, so that its cookie can be set again. Call it with claims that were
// verified. What Check would refuse it refuses, and a nil c: there is no lock.
func LockOf(r *http.Request, sid string, c *jwt.Confirmation) (Lock, error) {
	switch {
	case c == nil:
		return Lock{}, errUnlocked
	case c.Lock == "" || c.Thumbprint != "" || c.Others():
		return Lock{}, errOther // a second demand that is not kept is none
	case sid == "":
		return Lock{}, errLock
	}
	l, there := brought(r, sid)
	if !there || !l.opens(sid, c.Lock) {
		return Lock{}, errLock
	}
	return l, nil
}

// brought returns the lock in the session's cookie. A cookie that is there twice,
// with different values, is nobody's word; one in quotes is another spelling.
func brought(r *http.Request, sid string) (l Lock, there bool) {
	name := cookieName(sid)
	cookies := r.CookiesNamed(string(name[:]))
	if len(cookies) == 0 {
		return Lock{}, false
	}
	for _, c := range cookies {
		if c.Quoted || c.Value != cookies[0].Value {
			return Lock{}, false
		}
	}
	l, err := ParseLock(cookies[0].Value)
	return l, err == nil
}

// opens compares in constant time: the hash that is wanted can be read by all
// who have the token, the lock must not be found out byte by byte.
func (l Lock) opens(sid, want string) bool {
	hash := l.hash(sid)
	return subtle.ConstantTimeCompare(hash[:], []byte(want)) == 1
}
