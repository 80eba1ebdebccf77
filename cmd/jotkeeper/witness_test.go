package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// witnesses are the services that follow the server through all its lives.
const witnesses = 3

// A witness is a service on another machine: whatever was acknowledged to a
// guest has to reach it, however often the server dies in between.
type witness struct {
	index  *revocation.Index
	client *feed.Client
}

// An address is where the server of the moment listens. All its lives are
// reached under one name, as behind a load balancer.
type address struct{ host atomic.Pointer[string] }

func (a *address) moved(url string) {
	host := strings.TrimPrefix(url, "http://")
	a.host.Store(&host)
}

func (a *address) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, *a.host.Load())
}

// watch lets another witness follow until the test ends.
func (c *campaign) watch(home string) *witness {
	c.t.Helper()
	if c.credential == "" {
		jotkeeper(c.t, []string{"HOME=" + home}, "", "feed", "token").wants(c.t, exitOK)
		text, err := os.ReadFile(filepath.Join(home, ".local/share/jotkeeper/feed-token"))
		if err != nil {
			c.t.Fatal(err)
		}
		c.credential = strings.TrimSpace(string(text))
	}
	w := &witness{index: revocation.NewIndex(killIssuer)}
	transport := &http.Transport{DialContext: c.address.dial}
	var err error
	w.client, err = feed.NewClient(feed.ClientConfig{
		Issuer: killIssuer, Token: c.credential, Index: w.index, Transport: transport,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.client.Follow(ctx) }()
	c.t.Cleanup(func() {
		stop()
		<-done
		transport.CloseIdleConnections()
	})
	return w
}

// soon sets the time by which every witness should have heard of everything.
func (c *campaign) soon() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c.t.Cleanup(cancel)
	c.late = ctx.Done()
}

// refuses waits until the witness refuses a token, or the time is over.
func (w *witness) refuses(q revocation.Query, over <-chan struct{}) bool {
	for {
		if w.index.Check(time.Now(), &q).Action == revocation.Revoke {
			return true
		}
		select {
		case <-over:
			return false
		case <-time.After(time.Millisecond):
		}
	}
}

// asked is what a verifier asks the rules about a token, and until when: no rule
// outlives what it is about. Its signature is of no matter here.
func asked(t *testing.T, raw string) (q revocation.Query, expires time.Time) {
	t.Helper()
	seen, err := jwt.InspectUnverified(raw)
	if err != nil {
		t.Errorf("the server gave out %q", raw)
		return q, expires
	}
	var head struct{ Kid string }
	var says struct {
		Iss, Jti, Sid, Sub, Rev string
		Exp                     int64
	}
	if json.Unmarshal(seen.Header, &head) != nil || json.Unmarshal(seen.Claims, &says) != nil {
		t.Errorf("the server gave out %s.%s", seen.Header, seen.Claims)
	}
	c := &jwt.Access{Registered: jwt.Registered{Issuer: says.Iss, Subject: says.Sub, ID: says.Jti, SessionID: says.Sid}, Revision: says.Rev}
	return revocation.QueryOf(c, head.Kid), time.Unix(says.Exp, 0)
}

// told asks every witness about a session whose end was acknowledged.
func (c *campaign) told(guest string, l *life) {
	q, expires := asked(c.t, l.access)
	for i, w := range c.witnesses {
		if time.Now().Before(expires) && !w.refuses(q, c.late) && time.Now().Before(expires) {
			c.t.Errorf("%s: witness %d never heard of the end of a session, which was acknowledged; %+v %+v", guest, i, w.client.Stats(), w.index.Stats())
		}
	}
}
