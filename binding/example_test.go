package binding_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// At login one half goes into the token, the other into a cookie. A thief who
// has the token alone has nothing.
func Example() {
	claims := &jwt.Access{Registered: jwt.Registered{SessionID: jwt.NewID()}}
	lock := binding.NewLock()
	claims.Confirmation = lock.Confirmation(claims.SessionID)

	w := httptest.NewRecorder()
	http.SetCookie(w, lock.Cookie(claims.SessionID, time.Now().Add(time.Hour)))

	browser := httptest.NewRequest("GET", "/orders", nil)
	browser.AddCookie(w.Result().Cookies()[0])
	thief := httptest.NewRequest("GET", "/orders", nil)
	fmt.Println(binding.Required.Check(browser, claims.SessionID, claims.Confirmation))
	fmt.Println(jwt.ReasonOf(binding.Required.Check(thief, claims.SessionID, claims.Confirmation)))
	// Output:
	// <nil>
	// binding
}

// A session that is renewed keeps its lock: the cookie is set again, with the
// same value and a new expiry. A lock that does not open the token is none.
func ExampleLockOf() {
	sid, lock := jwt.NewID(), binding.NewLock()
	cnf := lock.Confirmation(sid) // of the verified token

	r := httptest.NewRequest("POST", "/renew", nil)
	r.AddCookie(lock.Cookie(sid, time.Now().Add(time.Hour)))
	again, err := binding.LockOf(r, sid, cnf)
	fmt.Println(again == lock, err)

	_, err = binding.LockOf(httptest.NewRequest("POST", "/renew", nil), sid, cnf)
	fmt.Println(jwt.ReasonOf(err))
	// Output:
	// true <nil>
	// binding
}

// What the token says decides: one that is not locked passes where locks are
// optional.
func ExamplePolicy() {
	r := httptest.NewRequest("GET", "/orders", nil)
	fmt.Println(binding.WhenLocked.Check(r, "s-1", nil))
	fmt.Println(jwt.ReasonOf(binding.Required.Check(r, "s-1", nil)))
	// Output:
	// <nil>
	// binding
}

// At the end of a session, and only then, its lock is taken from the browser.
func ExampleClearCookie() {
	fmt.Println(binding.ClearCookie("s-1"))
	fmt.Println(binding.CookieName("s-2")) // stays: it is another session's
	// Output:
	// __Host-jkl-aoQLr12M=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax
	// __Host-jkl-RQIivMNH
}

// A lock has one spelling; everything else is none.
func ExampleParseLock() {
	text := binding.NewLock().Cookie("s-1", time.Now()).Value
	_, err := binding.ParseLock(text)
	fmt.Println(err)
	_, err = binding.ParseLock(text + "=")
	fmt.Println(errors.Is(err, binding.ErrLock))
	// Output:
	// <nil>
	// true
}

// Tokens of the Ruby gem are read until a day that is named, and not after it.
func ExampleInsecureHMACSuffix() {
	const secret, cookie = "a secret of at least thirty-two bytes", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b64 := base64.RawURLEncoding.EncodeToString
	raw := b64([]byte(`{"alg":"HS512"}`)) + "." + b64(fmt.Appendf(nil, `{"jti":"j","iat":%d,"exp":%d,"uid":42}`, now.Unix(), now.Unix()+3600))
	mac := hmac.New(sha512.New, []byte(secret+cookie)) // as the gem signs
	mac.Write([]byte(raw))
	raw += "." + b64(mac.Sum(nil))

	gem := binding.InsecureHMACSuffix{Secret: []byte(secret), Until: now.AddDate(0, 3, 0)}
	claims, err := gem.Verify(now, raw, cookie)
	fmt.Println(string(claims.Private["uid"]), err)
	_, err = gem.Verify(gem.Until, raw, cookie)
	fmt.Println(errors.Is(err, binding.ErrEnded))
	// Output:
	// 42 <nil>
	// true
}
