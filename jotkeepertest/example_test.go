package jotkeepertest_test

import (
	"fmt"
	"testing"
	"time"

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
