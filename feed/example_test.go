package feed_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// Ada logs out at the origin; a service elsewhere hears of it.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	backend := memory.New()
	defer backend.Close()
	log := backend.Set().Revocations

	// The origin.
	origin, err := feed.NewHandler(feed.HandlerConfig{
		Issuer: "https://id.example.com", Source: log,
		Allow: func(_ context.Context, credential string) (feed.Grant, error) {
			if credential != "the-credential" {
				return feed.Grant{}, feed.ErrUnauthorized
			}
			return feed.Grant{Name: "orders", Scopes: []string{feed.FollowScope}}, nil
		},
	})
	if err != nil {
		panic(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- origin.Run(ctx) }()
	server := httptest.NewServer(origin)
	defer server.Close()

	// The verifier.
	index := revocation.NewIndex("https://id.example.com")
	client, err := feed.NewClient(feed.ClientConfig{
		Issuer: "https://id.example.com", URL: server.URL, Token: "the-credential", Index: index,
	})
	if err != nil {
		panic(err)
	}
	go func() { ended <- client.Follow(ctx) }()
	for index.Stale(time.Now()) { // it answers nobody before it has heard
		<-time.After(time.Millisecond)
	}

	_, err = log.Append(ctx, time.Now(), revocation.SessionEnded("phone", "logout", time.Now().Add(time.Hour)))
	if err != nil {
		panic(err)
	}
	for index.Rules() == 0 {
		<-time.After(time.Millisecond)
	}
	v := index.Check(time.Now(), &revocation.Query{Issuer: "https://id.example.com", SessionID: "phone"})
	fmt.Println(v.Action, v.Reason)

	cancel()
	<-ended
	<-ended
	// Output: revoke logout
}
