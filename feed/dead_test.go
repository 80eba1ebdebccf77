package feed_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/cable"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A dead connection is given up for good: over TLS as well, where HTTP/2 would
// ask the next question, with all later ones, on the same one.
func TestADeadConnectionIsNotAskedAgain(t *testing.T) {
	for name, transport := range map[string]*http.Transport{
		"our own":            feed.Direct(),
		"one that has HTTP2": {ForceAttemptHTTP2: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dies(t, transport)
		})
	}
}

func dies(t *testing.T, transport *http.Transport) {
	log := newBook()
	h, err := feed.NewHandler(feed.HandlerConfig{Issuer: issuer, Source: log, Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ran, followed := make(chan error, 1), make(chan error, 1)
	go func() { ran <- h.Run(ctx) }()
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c := cable.Lay(t, srv.Listener.Addr().String())

	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	transport.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
	index := revocation.NewIndex(issuer)
	client, err := feed.NewClient(feed.ClientConfig{Issuer: issuer, URL: "https://" + c.Addr(), Token: credential, Index: index, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	go func() { followed <- client.Follow(ctx) }()
	until := func(what string, so func() bool) {
		t.Helper()
		for !so() {
			select {
			case <-ctx.Done():
				t.Fatalf("%s: never; %+v", what, client.Stats())
			case <-time.After(time.Millisecond):
			}
		}
	}
	until("following", func() bool { return !index.Stale(time.Now()) })
	// How old the news are is told by a clock that nobody can set.
	if heard := index.Stats().Heard; !strings.Contains(heard.String(), " m=") {
		t.Errorf("heard at %v: a time that moves when the clock is set", heard)
	}
	c.Sever()
	log.append(ended("phone"))
	phone := &revocation.Query{Issuer: issuer, SessionID: "phone"}
	until("hearing of the phone", func() bool { return index.Check(time.Now(), phone).Action == revocation.Revoke })
	if s := client.Stats(); s.Failures != 1 || s.Streams != 2 {
		t.Errorf("%+v, want one failure and a second stream", s)
	}
	cancel()
	<-followed
	<-ran
	transport.CloseIdleConnections()
	srv.CloseClientConnections() // the dead one among them
}
