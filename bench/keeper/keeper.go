package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// keepers are ours: one token, in the header and in the cookie.
func keepers() ([]visitor, func(), error) {
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		return nil, func() {}, err
	}
	backend := memory.New()
	k, err := keeper.New(keeper.Config{
		Issuer: "https://shop.example.com", Audience: "https://shop.example.com",
		Signer: jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindSession),
		Keys:   jwt.NewSnapshot(key.Public()),
		Store:  backend.Set().Keepers, Revocations: backend.Set().Revocations,
	})
	if err != nil {
		return nil, func() {}, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	stop := func() { cancel(); following.Wait(); backend.Close() }
	if err := k.CatchUp(ctx); err != nil {
		return nil, stop, err
	}
	following.Go(func() { _ = k.Run(ctx) })
	token, err := k.Create(ctx, keeper.Claims{Subject: account, Private: map[string]any{"plan": "pro"}})
	if err != nil {
		return nil, stop, err
	}
	guarded := k.Handler(whose(func(r *http.Request) string {
		found, _ := keeper.FromContext(r.Context())
		return found.Subject()
	}))
	visitors := []visitor{
		{name: "keeper, header", handler: guarded, request: request("Authorization", "Bearer "+token.Text())},
		{name: "keeper, cookie", handler: guarded, request: request("Cookie", jotkeeper.DefaultCookie+"="+token.Text())},
	}
	locked, err := lockedVisitors(k, guarded)
	return append(visitors, locked...), stop, err
}

// lockedVisitors bring the lock of their browser beside the token.
func lockedVisitors(k *keeper.Keeper, guarded http.Handler) ([]visitor, error) {
	token, err := k.Create(context.Background(), keeper.Claims{Subject: account, Private: map[string]any{"plan": "pro"}, Locked: true})
	if err != nil {
		return nil, err
	}
	w := page{header: http.Header{}}
	if err := k.Write(&w, request("Sec-Fetch-Site", "same-origin"), token, keeper.ByHeader); err != nil {
		return nil, err
	}
	lock, _, _ := strings.Cut(w.header.Get("Set-Cookie"), ";")
	byHeader := request("Authorization", "Bearer "+token.Text())
	byHeader.Header.Set("Cookie", lock)
	return []visitor{
		{name: "keeper, locked, header", handler: guarded, request: byHeader},
		{name: "keeper, locked, cookie", handler: guarded, request: request("Cookie", jotkeeper.DefaultCookie+"="+token.Text()+"; "+lock)},
	}, nil
}
