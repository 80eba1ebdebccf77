package main

import (
	"crypto/sha256"
	"net/http"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/feed"
)

// handler is the auth server over the rooms of the house.
func (e *evening) handler() (http.Handler, error) {
	password, err := e.set.adminPassword()
	if err != nil {
		return nil, err
	}
	h, s := e.house, e.set
	if _, err := providedFollowers(s.FeedTokenFile); err != nil {
		return nil, err
	}
	if h.feed, err = feed.NewHandler(feed.HandlerConfig{
		Issuer: s.Issuer, Source: h.backend.Set().Revocations, Allow: h.allow,
		Check: "/revocation/v1/check", Retention: s.Retention, MaxStale: s.MaxStale,
	}); err != nil {
		return nil, err
	}
	return authserver.New(authserver.Config{
		Issuer: s.Issuer, Acts: h.acts, Accounts: h.accounts, Sessions: h.sessions, Keys: h.keys, Index: h.index,
		Feed: h.feed, Clock: h.clock, AppDomains: s.AppDomains, Audience: s.Audience,
		AdminUsername: s.AdminUsername, AdminPassword: sha256.Sum256([]byte(password)),
		Typ: s.acceptedTyps(), JWKSMaxAge: s.JWKSMaxAge, TrustedProxies: s.BehindProxy,
		Log: e.log, Version: thisBuild().Version,
	})
}

// acceptedTyps are the header types of our own access tokens. Tokens from
// before a change of --token-typ are still out there, so both are accepted; one
// issuer with one kind of token cannot mix them up.
func (s *settings) acceptedTyps() []string { return []string{"at+jwt", "JWT"} }
