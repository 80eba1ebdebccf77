package binding

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// ErrLock is text that is no lock, or a lock that is not written as JSON.
var ErrLock = errors.New("binding: unusable lock")

// base64url has one spelling for each value: Strict refuses stray bits, and the
// length rules out the newlines that it skips.
var base64url = base64.RawURLEncoding.Strict()

const lockSize, lockText = 32, 43

// A Lock is the half of a locked session that its browser keeps: 32 random
// bytes. It never prints. Make one with NewLock at login and keep it for the
// life of the session ID; a zero Lock locks nothing and must not be used.
type Lock struct{ secret [lockSize]byte }

// NewLock makes a lock.
func NewLock() (l Lock) {
	rand.Read(l.secret[:]) // never fails: crypto/rand
	return l
}

// ParseLock reads the value of a lock's cookie, to set it again with a new
// expiry. Anything but exactly 32 bytes in canonical base64url is ErrLock.
func ParseLock(text string) (l Lock, err error) {
	if len(text) != lockText {
		return Lock{}, fmt.Errorf("%w: not %d characters of base64url", ErrLock, lockText)
	}
	n, err := base64url.Decode(l.secret[:], []byte(text))
	if err != nil || n != lockSize {
		return Lock{}, fmt.Errorf("%w: not %d characters of base64url", ErrLock, lockText)
	}
	return l, nil
}

// Confirmation is the half that the token of session sid carries.
func (l Lock) Confirmation(sid string) *jwt.Confirmation {
	hash := l.hash(sid)
	return &jwt.Confirmation{Lock: string(hash[:])}
}

// hash is SHA-256 of "jotkeeper/lock", the session ID and the lock. The lock has
// one length and stands last, so no two inputs run into each other.
func (l Lock) hash(sid string) (text [lockText]byte) {
	const prefix, usual = "jotkeeper/lock", 64
	input := make([]byte, 0, len(prefix)+usual+lockSize) // on the stack, as is all of this
	input = append(append(append(input, prefix...), sid...), l.secret[:]...)
	sum := sha256.Sum256(input)
	base64url.Encode(text[:], sum[:])
	return text
}

// CookieName is the name of the cookie that holds the lock of session sid. Each
// session has its own, so that two of them in one browser do not take each
// other's lock away.
func CookieName(sid string) string {
	name := cookieName(sid)
	return string(name[:])
}

const namePrefix, nameRandom = "__Host-jkl-", 6

func cookieName(sid string) (name [len(namePrefix) + nameRandom/3*4]byte) {
	sum := sha256.Sum256([]byte(sid))
	base64url.Encode(name[copy(name[:], namePrefix):], sum[:nameRandom])
	return name
}

// Cookie holds l for the session sid until it expires, out of reach for scripts
// and plain HTTP. When the session is renewed set it again, with the same lock.
// Where pages of another site send the token, set SameSite to None first.
func (l Lock) Cookie(sid string, expires time.Time) *http.Cookie {
	c := bare(sid)
	c.Value, c.Expires = base64url.EncodeToString(l.secret[:]), expires
	return c
}

// ClearCookie takes the lock of session sid from the browser, at its end: the
// attributes are those it was set with, or the browser would keep it.
func ClearCookie(sid string) *http.Cookie {
	c := bare(sid)
	c.MaxAge = -1
	return c
}

func bare(sid string) *http.Cookie {
	return &http.Cookie{Name: CookieName(sid), Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Format prints that there is a lock, whatever the verb, and not which.
func (l Lock) Format(f fmt.State, _ rune) { io.WriteString(f, "a cookie lock") }

// MarshalJSON refuses: a lock lives in its cookie alone.
func (l Lock) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("%w: it is not written as JSON", ErrLock)
}
