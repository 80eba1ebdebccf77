package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/bench/measure"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

const audience = "https://api.example.com"

// A writer is what a server has at hand for each request, without the socket.
type writer struct {
	header http.Header
	status int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) Write(b []byte) (int, error) { return len(b), nil }
func (w *writer) WriteHeader(status int)      { w.status = status }

// handlers are the guarded route with the index, without it, and what jwt and
// revocation have in it.
func handlers(x *revocation.Index) ([]measure.Contender, error) {
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		return nil, err
	}
	raw, err := token(key)
	if err != nil {
		return nil, err
	}
	keys := jwt.NewSnapshot(key.Public())
	with, err := guarded(jotkeeper.Config{Issuer: issuer, Audience: audience, Keys: keys, Revocations: x}, raw)
	if err != nil {
		return nil, err
	}
	without, err := guarded(jotkeeper.Config{Issuer: issuer, Audience: audience, Keys: keys}, raw)
	if err != nil {
		return nil, err
	}
	inside, err := inner(keys, key.ID(), raw, x)
	if err != nil {
		return nil, err
	}
	return []measure.Contender{
		{Name: "Auth.Handler with the index, warm", Op: with},
		{Name: "Auth.Handler without it, warm", Op: without},
		{Name: "its part of jwt and revocation", Op: inside},
	}, nil
}

func token(key *jwt.PrivateKey) (string, error) {
	now := time.Now()
	c := &jwt.Access{
		Registered: jwt.Registered{
			Issuer: issuer, Subject: jwt.NewID(), Audience: jwt.Audience{audience}, ID: jwt.NewID(), SessionID: jwt.NewID(),
			IssuedAt: jwt.TimeOf(now), NotBefore: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(time.Hour)),
		},
		Scope: "read write", Tenant: jwt.NewID(), Revision: "1:99999999",
	}
	return jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess).Sign(now, c)
}

func guarded(c jotkeeper.Config, raw string) (func(int) error, error) {
	auth, err := jotkeeper.New(c)
	if err != nil {
		return nil, err
	}
	h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	r := httptest.NewRequest("GET", "https://api.example.com/orders", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	w := &writer{header: http.Header{}}
	return func(int) error {
		clear(w.header)
		w.status = 0
		if h.ServeHTTP(w, r); w.status != http.StatusOK {
			return fmt.Errorf("the handler says %d", w.status)
		}
		return nil
	}, nil
}

func inner(keys *jwt.Snapshot, kid, raw string, x *revocation.Index) (func(int) error, error) {
	v, err := jwt.NewVerifier[jwt.Access](jwt.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: keys})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	return func(int) error {
		now := time.Now()
		token, err := v.Verify(ctx, now, raw)
		if err != nil {
			return err
		}
		q := revocation.QueryOf(token.Claims(), kid)
		if verdict := x.Check(now, &q); verdict.Action != revocation.None {
			return fmt.Errorf("refused: %+v", verdict)
		}
		return nil
	}, nil
}
