package cable

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
)

// LayHTTP2 makes a Cable to a server that speaks HTTP/2, at https://c.Addr(), and
// returns what a client must trust to meet it. Both go when the test ends.
func LayHTTP2(t testing.TB, h http.Handler) (c *Cable, trust *tls.Config) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(func() {
		srv.CloseClientConnections() // dead ones among them
		srv.Close()
	})
	trust = &tls.Config{RootCAs: x509.NewCertPool()}
	trust.RootCAs.AddCert(srv.Certificate())
	return Lay(t, srv.Listener.Addr().String()), trust
}
