package authserver_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

const (
	follow = "jkf_for-following"
	push   = "jkf_for-appending"
	sight  = "jkf_for-seeing"
	others = "jkf_for-seeing-elsewhere"
	asks   = "jkf_for-asking"
)

// grants are the feed's credentials.
var grants = map[string]feed.Grant{
	follow: {Name: "orders", Scopes: []string{feed.FollowScope}},
	sight:  {Name: "orders", Scopes: []string{feed.SightScope}, Audiences: []string{"app.example.com"}},
	others: {Name: "others", Scopes: []string{feed.SightScope}, Audiences: []string{"other.example.com"}},
	push:   {Name: "fraud-desk", Scopes: []string{feed.AppendScope}},
	asks:   {Name: "desk", Scopes: []string{feed.CheckScope}},
}

// feedOf serves the log of a backend, until the test ends.
func feedOf(t *testing.T, backend store.Backend, change ...func(*feed.HandlerConfig)) *feed.Handler {
	t.Helper()
	cfg := feed.HandlerConfig{Issuer: issuer, Source: backend.Set().Revocations, Check: "/revocation/v1/check",
		Append: func(ctx context.Context, _ feed.Grant, rules ...revocation.Rule) (revocation.Cursor, error) {
			return backend.Set().Revocations.Append(ctx, time.Now(), rules...)
		},
		Allow: func(_ context.Context, credential string) (feed.Grant, error) {
			grant, known := grants[credential]
			if !known {
				return feed.Grant{}, feed.ErrUnauthorized
			}
			return grant, nil
		}}
	for _, c := range change {
		c(&cfg)
	}
	h, err := feed.NewHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return h
}

// Followers that come before the feed has read its log would be sent away, so no
// balancer is told to send them.
func TestAServerIsReadyWhenItsFeedIs(t *testing.T) {
	backend := memory.New()
	handler, err := feed.NewHandler(feed.HandlerConfig{Issuer: issuer, Source: backend.Set().Revocations,
		Allow: func(context.Context, string) (feed.Grant, error) { return feed.Grant{}, feed.ErrUnauthorized }})
	if err != nil {
		t.Fatal(err)
	}
	h := build(t, backend, func(c *authserver.Config) { c.Feed = handler })
	h.index.Heard(realNow())
	const failing = `{"status":"unready","checks":{"clock":"ok","feed":"failing","keys":"ok","revocations":"ok","store":"ok"}}`
	h.do("GET", "/readyz?verbose").want(503).wantBody(failing)
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- handler.Run(ctx) }()
	for handler.Ready() != nil {
		runtime.Gosched()
	}
	h.index.Heard(realNow())
	h.do("GET", "/readyz").want(200)
	stop()
	<-over
	h.index.Heard(realNow())
	h.do("GET", "/readyz?verbose").want(503).wantBody(failing)
}

// A service that follows hears of a logout, for longer than any other request
// may take.
func TestALogoutGoesOutOverTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New()
		handler := feedOf(t, backend)
		h := build(t, backend, func(c *authserver.Config) { c.Feed = handler })
		p := h.program("ada")
		index := revocation.NewIndex(issuer)
		client, err := feed.NewClient(feed.ClientConfig{
			Issuer: issuer, URL: "http://127.0.0.1:1", Transport: overPipes(t, h), Token: follow, Index: index,
		})
		h.must(err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- client.Follow(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
		<-time.After(2 * time.Minute) // beyond the patience
		if index.Stale(time.Now()) {
			t.Errorf("it follows nothing: %+v", client.Stats())
		}
		h.do("DELETE", "/session", bearer(p.Access)).want(200)
		synctest.Wait()
		if index.Rules() != 1 {
			t.Errorf("it never came: %+v", client.Stats())
		}
		if s := client.Stats(); s.Streams != 1 {
			t.Errorf("the stream was cut off like any other request: %+v", s)
		}
	})
}

// No credential of a person, nor the administrator's, opens the feed, and the
// feed's opens nothing else.
func TestTheFeedHasACredentialOfItsOwn(t *testing.T) {
	h := reported(t, memory.New())
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
			for credential := range grants {
				if r := h.do(l.Method, at(l.Pattern), bearer(credential)); r.StatusCode < 400 && h.everything() != before {
					t.Errorf("%s %s with the feed's credential: %d", l.Method, l.Pattern, r.StatusCode)
				}
			}
		}
	}
	h.do("GET", "/.well-known/revocation-feed").want(200)
}

// A172: no credential but the one for it appends, and that one reads nothing.
func TestA172TheFeedsCredentialsAreSeparate(t *testing.T) {
	backend := memory.New()
	handler := feedOf(t, backend)
	h := build(t, backend, func(c *authserver.Config) { c.Feed = handler })
	rule := body("application/json", `{"rules":[{"scope":"sub","id":"1","action":"revoke"}]}`)
	before := h.everything()
	h.do("POST", "/revocation/v1/rules", bearer(follow), rule).wantCode(403, "scope")
	h.do("POST", "/revocation/v1/rules", asAdmin, rule).wantCode(401, "feed_credential")
	for _, path := range []string{"/revocation/v1/stream?after=1:0", "/revocation/v1/events?after=1:0", "/revocation/v1/snapshot"} {
		h.do("GET", path, bearer(push)).wantCode(403, "scope")
	}
	if h.everything() != before {
		t.Error("a rule was appended")
	}
	if r := h.do("POST", "/revocation/v1/rules", bearer(push), rule); r.StatusCode != 200 && r.StatusCode != 202 {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if h.everything() == before {
		t.Error("no rule was appended")
	}
}

// What is held open has no HEAD, which would take a follower's place.
func TestNoHeadOfAStream(t *testing.T) {
	backend := memory.New()
	handler := feedOf(t, backend)
	h := build(t, backend, func(c *authserver.Config) { c.Feed = handler })
	for _, path := range []string{"/revocation/v1/stream?after=1:0", "/revocation/v1/events?after=1:0&wait=25"} {
		r := h.do("HEAD", path, bearer(follow))
		if r.StatusCode != 405 || r.Header.Get("Allow") != "GET, OPTIONS" || handler.Followers() != 0 {
			t.Errorf("%s: %d, Allow %q, %d followers", path, r.StatusCode, r.Header.Get("Allow"), handler.Followers())
		}
	}
}

func TestWithoutAFeedThereIsNone(t *testing.T) {
	h := inMemory(t)
	for _, path := range []string{"/.well-known/revocation-feed", "/revocation/v1/stream", "/revocation/v1/events", "/revocation/v1/snapshot", "/revocation/v1/followers"} {
		h.do("GET", path, bearer(follow)).wantCode(404, "not_found")
	}
	for _, path := range []string{"/revocation/v1/acks", "/revocation/v1/rules", "/revocation/v1/sightings", "/revocation/v1/check"} {
		h.do("POST", path, bearer(push)).wantCode(404, "not_found")
	}
}
