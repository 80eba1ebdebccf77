package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jotkeeper/jotkeeper/client"
	"github.com/jotkeeper/jotkeeper/internal/cable"
)

// The connection to the auth server dies and neither side is told. A refresh
// finds another, and nobody is logged out by it.
func TestARefreshFindsAWayAroundADeadConnection(t *testing.T) {
	t.Parallel()
	c, trust := cable.LayHTTP2(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"result":{"id_token":"a","refresh_token":"r","expires_in":0}}`)
	}))
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer service.Close()
	ada, err := client.New(client.Config{Issuer: "https://" + c.Addr(), Services: []string{service.URL}})
	if err != nil {
		t.Fatal(err)
	}
	ada.Trust(trust)
	defer ada.Close()
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
}

// A password is for the auth server alone, whatever its answer points to.
func TestAPasswordIsCarriedNowhereElse(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger was sent %q", r.FormValue("password"))
	}))
	defer elsewhere.Close()
	issuer := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer issuer.Close()
	ada, err := client.New(client.Config{Issuer: issuer.URL, HTTP: issuer.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.LogIn(t.Context(), "ada", "moss"); err == nil {
		t.Error("a redirect logs in")
	}
}
