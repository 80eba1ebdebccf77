package authserver_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

const follow = "jkf_for-following"

// feedOf serves the log of a backend, until the test ends.
func feedOf(t *testing.T, backend *memory.Backend) *feed.Handler {
	t.Helper()
	h, err := feed.NewHandler(feed.HandlerConfig{Issuer: issuer, Source: backend.Set().Revocations, Check: "/revocation/v1/check",
		Allow: func(_ context.Context, credential string) (feed.Grant, error) {
			if credential != follow {
				return feed.Grant{}, feed.ErrUnauthorized
			}
			return feed.Grant{Name: "orders", Scopes: []string{feed.FollowScope}}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return h
}

// A service that follows hears of a logout, for longer than any other request
// may take.
func TestALogoutGoesOutOverTheFeed(t *testing.T) {
	backend := memory.New()
	handler := feedOf(t, backend)
	h := build(t, backend, func(c *authserver.Config) { c.Feed, c.Patience = handler, 50*time.Millisecond })
	p := h.program("ada")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS = &tls.ConnectionState{} // as far as the server can see
		h.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	index := revocation.NewIndex(issuer)
	client, err := feed.NewClient(feed.ClientConfig{Issuer: issuer, URL: srv.URL, Token: follow, Index: index})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- client.Follow(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	await(t, client, func() bool { return !index.Stale(time.Now()) })
	<-time.After(100 * time.Millisecond) // beyond the patience
	h.do("DELETE", "/session", bearer(p.Access)).want(200)
	await(t, client, func() bool { return index.Rules() == 1 })
	if s := client.Stats(); s.Streams != 1 {
		t.Errorf("the stream was cut off like any other request: %+v", s)
	}
}

// No credential of a person, nor the administrator's, opens the feed, and the
// feed's opens nothing else.
func TestTheFeedHasACredentialOfItsOwn(t *testing.T) {
	backend := memory.New()
	handler := feedOf(t, backend)
	h := build(t, backend, func(c *authserver.Config) { c.Feed = handler })
	cookie, first := h.browse("ada")
	p := h.program("bob")
	for _, l := range authserver.Table() {
		if l.Guard == "follower" {
			for who, asks := range map[string][]ask{
				"nobody": {}, "a cookie": {from(app), with(cookie)}, "access token": {bearer(first.Access)},
				"refresh token": {bearer(p.Refresh)}, "the administrator": {asAdmin},
			} {
				if r := h.do(l.Method, at(l.Pattern)+"?after=1:0", asks...); r.StatusCode != 401 {
					t.Errorf("%s with %s: %d", l.Pattern, who, r.StatusCode)
				}
			}
		} else if l.Guard != "open" {
			before := h.everything()
			if r := h.do(l.Method, at(l.Pattern), bearer(follow)); r.StatusCode < 400 && h.everything() != before {
				t.Errorf("%s %s with the feed's credential: %d", l.Method, l.Pattern, r.StatusCode)
			}
		}
	}
	h.do("GET", "/.well-known/revocation-feed").want(200)
}

func TestWithoutAFeedThereIsNone(t *testing.T) {
	h := inMemory(t)
	for _, path := range []string{"/.well-known/revocation-feed", "/revocation/v1/stream", "/revocation/v1/events", "/revocation/v1/snapshot"} {
		h.do("GET", path, bearer(follow)).wantCode(404, "not_found")
	}
}

// await looks until it is so.
func await(t *testing.T, c *feed.Client, so func() bool) {
	t.Helper()
	for range 10_000 {
		if so() {
			return
		}
		<-time.After(time.Millisecond)
	}
	t.Fatalf("it never came: %+v", c.Stats())
}
