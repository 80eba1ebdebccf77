package jotkeepertest_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jotkeepertest"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// In a test of yours, t is the test's own.
func ExampleNewIssuer() {
	_ = func(t *testing.T) {
		iss := jotkeepertest.NewIssuer(t)
		verifier, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{
			Issuer: iss.URL, Audience: []string{jotkeepertest.DefaultAudience}, Keys: iss.Keys(),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = verifier.Verify(t.Context(), time.Now(), iss.Token(t, jotkeepertest.Expired()))
		fmt.Println(jwt.ReasonOf(err)) // expired
	}
}

// A thief who has a token that is locked to a browser has nothing.
func ExampleIssuer_LockedToken() {
	_ = func(t *testing.T) {
		iss := jotkeepertest.NewIssuer(t)
		auth, err := jotkeeper.New(jotkeeper.Config{Issuer: iss.URL, Audience: jotkeepertest.DefaultAudience})
		if err != nil {
			t.Fatal(err)
		}
		defer auth.Close()
		token, lock := iss.LockedToken(t)
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		_, err = auth.Authenticate(r)
		fmt.Println(jwt.ReasonOf(err)) // binding
		r.AddCookie(lock)
		_, err = auth.Authenticate(r)
		fmt.Println(err) // <nil>
	}
}
