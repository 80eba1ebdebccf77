package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/client"
	"github.com/jotkeeper/jotkeeper/internal/cable"
)

// The connection to the auth server dies and neither side is told. A refresh
// finds another, and nobody is logged out by it.
func TestARefreshFindsAWayAroundADeadConnection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"result":{"id_token":"a","refresh_token":"r","expires_in":0}}`)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c := cable.Lay(t, srv.Listener.Addr().String())
	own := client.OwnTransport()
	defer own.CloseIdleConnections()
	own.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	own.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer service.Close()
	ada, err := client.New(client.Config{Issuer: "https://" + c.Addr(), Services: []string{service.URL}, HTTP: &http.Client{Timeout: 10 * time.Second, Transport: own}})
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.LogIn(t.Context(), "ada", "moss"); err != nil {
		t.Fatal(err)
	}
	c.Sever()
	visit := &http.Client{Transport: ada.Transport(service.Client().Transport)}
	res, err := visit.Get(service.URL) // the token is over, so it is renewed first
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if n := c.Accepted(); n != 2 {
		t.Errorf("%d connections", n)
	}
	srv.CloseClientConnections() // the dead one among them
}
