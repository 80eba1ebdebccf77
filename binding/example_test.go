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
