package binding_test

import (
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
