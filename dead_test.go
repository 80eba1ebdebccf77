package jotkeeper_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/jotkeeper/jotkeeper"
	tcp "github.com/jotkeeper/jotkeeper/internal/cable"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// The connection to the issuer dies and neither side is told. Over HTTP/2 every
// later question would go down the same one.
func TestAQuestionFindsAWayAroundADeadConnection(t *testing.T) {
	t.Parallel()
	c, trust := tcp.LayHTTP2(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"active":true}`) }))
	h := newHouse(t, func(cfg *jotkeeper.Config) { cfg.Issuer = "https://" + c.Addr() })
	h.auth.Trust(trust)
	ask := func() error {
		_, err := h.auth.Authenticate(get("Authorization", "Bearer "+h.token()), jotkeeper.Revalidate())
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	c.Sever()
	failed := 0
	for err := ask(); err != nil; err = ask() {
		if jwt.ReasonOf(err) != jwt.Unavailable {
			t.Fatalf("a lost question is no verdict: %v", err)
		}
		if failed++; failed == 5 {
			t.Fatalf("five questions went down %d connections: %v", c.Accepted(), err)
		}
	}
	if n := c.Accepted(); n != 2 {
		t.Errorf("%d connections", n)
	}
}
