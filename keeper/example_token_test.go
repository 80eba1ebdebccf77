package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A token expires within its session, which no renewal prolongs.
func ExampleToken_Expires() {
	evening := time.Date(2026, 5, 4, 19, 30, 0, 0, time.UTC)
	k := open(func(c *keeper.Config) { c.Now = func() time.Time { return evening } })
	token, _ := k.Create(context.Background(), keeper.Claims{Subject: "42"})
	fmt.Println(token.Expires())
	fmt.Println(token.Ends())
	// Output:
	// 2026-05-04 20:30:00 +0000 UTC
	// 2026-06-03 19:30:00 +0000 UTC
}

// A page echoes the secret of its session, for clients that say in no way where
// a request comes from.
func ExampleToken_CSRF() {
	k := open(func(c *keeper.Config) { c.CSRF = true })
	token, _ := k.Create(context.Background(), keeper.Claims{Subject: "42"})
	h := k.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, echo := range []string{token.CSRF(), "a guess"} {
		r := httptest.NewRequest("POST", "/orders", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-jotkeeper", Value: token.Text()})
		r.Header.Set("X-CSRF-Token", echo)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 403
}

// A program that is soon over reads the log once; nothing is signed before.
func ExampleKeeper_CatchUp() {
	var cfg keeper.Config
	open(func(c *keeper.Config) { cfg = *c })
	k, err := keeper.New(cfg)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_, err = k.Create(ctx, keeper.Claims{Subject: "42"})
	fmt.Println(errors.Is(err, keeper.ErrStale), jwt.ReasonOf(err))

	fmt.Println(k.CatchUp(ctx))
	_, err = k.Create(ctx, keeper.Claims{Subject: "42"})
	fmt.Println(err)
	// Output:
	// true unavailable
	// <nil>
	// <nil>
}

// A program without Run forgets by itself what no living token needs.
func ExampleKeeper_Sweep() {
	var clock watch
	k, ctx := open(func(c *keeper.Config) { c.Now = clock.now }), context.Background()
	token, _ := k.Create(ctx, keeper.Claims{Subject: "42"})
	_, _ = k.Rotate(ctx, token, nil)

	fmt.Println(k.Sweep(ctx))
	clock.ahead = 2 * time.Hour
	fmt.Println(k.Sweep(ctx))
	// Output:
	// 0 <nil>
	// 1 <nil>
}

// A Store records no successor of a token that the log has revoked, whatever the
// keeper that asks has heard.
func ExampleStore() {
	ctx, now, set := context.Background(), time.Now(), memory.New().Set()
	var renewals keeper.Store = set.Keepers
	renewal := keeper.Rotation{ID: "first", Successor: "second", SessionID: "s-1", At: now, Until: now.Add(time.Hour)}
	token := revocation.Query{ID: "first", SessionID: "s-1"}

	rule := revocation.SessionEnded("s-1", "logout", now.Add(time.Hour))
	if _, err := set.Revocations.Append(ctx, now, rule); err != nil {
		panic(err)
	}
	_, err := renewals.Rotate(ctx, renewal, token)
	fmt.Println(errors.Is(err, keeper.ErrRevoked))
	// Output:
	// true
}
