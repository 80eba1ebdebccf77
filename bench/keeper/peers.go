package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/golang-jwt/jwt/v5"
	"github.com/redis/go-redis/v9"
)

// memorySessions keeps sessions in this process's memory: alexedwards/scs.
func memorySessions() visitor { return sessions("scs, in memory", scs.New()) }

// sessions keeps them in Redis.
func (n *counted) sessions() visitor {
	m := scs.New()
	m.Store = goredisstore.New(n.Client)
	v := sessions("scs, in Redis", m)
	v.calls = n.calls.Load
	return v
}

func sessions(name string, m *scs.SessionManager) visitor {
	ctx, err := m.Load(context.Background(), "")
	if err != nil {
		panic(err)
	}
	m.Put(ctx, "account", account)
	m.Put(ctx, "plan", "pro")
	token, _, err := m.Commit(ctx)
	if err != nil {
		panic(err)
	}
	return visitor{
		name:    name,
		handler: m.LoadAndSave(whose(func(r *http.Request) string { return m.GetString(r.Context(), "account") })),
		request: request("Cookie", m.Cookie.Name+"="+token),
	}
}

// claims are those of a plain token.
type claims struct {
	jwt.RegisteredClaims
	Plan string `json:"plan"`
}

func claimsNow() claims {
	now := time.Now()
	return claims{jwt.RegisteredClaims{
		Issuer: "https://shop.example.com", Subject: account, Audience: jwt.ClaimStrings{"https://shop.example.com"},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(24 * time.Hour)), ID: rand.Text(),
	}, "pro"}
}

type claimsKey struct{}

// guarded is the usual middleware: the header's token is verified by golang-jwt,
// then asked about, if need be.
func guarded(method jwt.SigningMethod, signing, verifying any, good func(*claims) error) (http.Handler, *http.Request, error) {
	text, err := jwt.NewWithClaims(method, claimsNow()).SignedString(signing)
	if err != nil {
		return nil, nil, err
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{method.Alg()}), jwt.WithIssuer("https://shop.example.com"), jwt.WithAudience("https://shop.example.com"), jwt.WithIssuedAt())
	app := whose(func(r *http.Request) string { return r.Context().Value(claimsKey{}).(*claims).Subject })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		var c claims
		_, err := parser.ParseWithClaims(raw, &c, func(*jwt.Token) (any, error) { return verifying, nil })
		if !found || err != nil || good(&c) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		app.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, &c)))
	}), request("Authorization", "Bearer "+text), nil
}

func nothing(*claims) error { return nil }

// plainTokens cannot be revoked: golang-jwt, with a signature and with a MAC.
func plainTokens() ([]visitor, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	secret := []byte(rand.Text() + rand.Text())
	signed, signedRequest, err := guarded(jwt.SigningMethodES256, key, &key.PublicKey, nothing)
	if err != nil {
		return nil, err
	}
	maced, macedRequest, err := guarded(jwt.SigningMethodHS256, secret, secret, nothing)
	return []visitor{
		{name: "golang-jwt, ES256, not revocable", handler: signed, request: signedRequest},
		{name: "golang-jwt, HS256, not revocable", handler: maced, request: macedRequest},
	}, err
}

var errDead = errors.New("it is revoked, or to be renewed")

// tokens are JWT Keeper's design: an HMAC, then Redis is asked twice, whether the
// token is revoked and whether it is to be renewed.
func (n *counted) tokens() visitor {
	secret := []byte(rand.Text() + rand.Text() + rand.Text())
	handler, r, err := guarded(jwt.SigningMethodHS512, secret, secret, func(c *claims) error {
		for range 2 {
			if err := n.Client.Get(context.Background(), "JWTKeeper:"+c.ID).Err(); !errors.Is(err, redis.Nil) {
				return errors.Join(errDead, err)
			}
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return visitor{name: "HMAC and two GETs (JWT Keeper's design)", handler: handler, request: r, calls: n.calls.Load}
}
