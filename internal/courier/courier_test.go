package courier_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/internal/cable"
	"github.com/jotkeeper/jotkeeper/internal/courier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A connection dies and neither side is told. Over HTTP/2 every later question
// would go down the same one.
func TestADeadConnectionIsLeft(t *testing.T) {
	c, trust := cable.LayHTTP2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	own := courier.Transport()
	defer own.CloseIdleConnections()
	own.TLSClientConfig = trust
	ask := func() error {
		res, err := (&http.Client{Timeout: 10 * time.Second, Transport: own}).Get("https://" + c.Addr())
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if said, err := io.ReadAll(res.Body); err != nil || string(said) != "HTTP/2.0" {
			t.Errorf("it speaks %q (%v), and over HTTP/1.1 nothing is shown", said, err)
		}
		return nil
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	c.Sever()
	lost := ask() // no answer can come, and nobody knows whether it was heard
	if err := ask(); lost == nil || err != nil || c.Accepted() != 2 {
		t.Errorf("over %d connections: %v, then %v", c.Accepted(), lost, err)
	}
}

// What may be set from outside, a proxy among it, stays as Go has it.
func TestATransportIsGosOwn(t *testing.T) {
	real := http.DefaultTransport
	defer func() { http.DefaultTransport = real }()
	for name, set := range map[string]http.RoundTripper{"Go's": real, "another": http.NewFileTransport(http.Dir("."))} {
		http.DefaultTransport = set
		if own := courier.Transport(); own.Proxy == nil || !own.ForceAttemptHTTP2 || own == set {
			t.Errorf("with %s for a default: %+v", name, own)
		}
	}
}

func TestNothingIsCarriedElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger was sent %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	given := srv.Client()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	req.Header.Set("Authorization", "Bearer moss")
	res, err := courier.Staying(given).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusTemporaryRedirect || given.CheckRedirect != nil {
		t.Errorf("answered %s; the client that was given is changed: %v", res.Status, given.CheckRedirect != nil)
	}
}
