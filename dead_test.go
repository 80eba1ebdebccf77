package jotkeeper_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	tcp "github.com/jotkeeper/jotkeeper/internal/cable"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// The connection to the issuer dies and neither side is told. Over HTTP/2 every
// later question would go down the same one.
func TestAQuestionFindsAWayAroundADeadConnection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"active":true}`) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c := tcp.Lay(t, srv.Listener.Addr().String())
	own := jotkeeper.OwnTransport()
	defer own.CloseIdleConnections()
	own.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	own.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
	h := newHouse(t, func(cfg *jotkeeper.Config) {
		cfg.Issuer, cfg.Client = "https://"+c.Addr(), &http.Client{Timeout: 5 * time.Second, Transport: own}
	})
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
	srv.CloseClientConnections() // the dead one among them
}
