package main

import (
	"context"
	"crypto/sha256"
	"net/http"

	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/problem"
	"github.com/jotkeeper/jotkeeper/revocation"
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
	sight, settle := authserver.Sightings(h.sessions, h.clock)
	if h.feed, err = feed.NewHandler(feed.HandlerConfig{
		Issuer: s.Issuer, Source: h.backend.Set().Revocations, Allow: h.allow, Append: e.appended,
		Check: "/revocation/v1/check", Retention: s.Retention, MaxStale: s.MaxStale,
		Sight: sight, Settle: settle, Verdict: authserver.Verdicts(h.acts, h.clock),
	}); err != nil {
		return nil, err
	}
	handler, err := authserver.New(authserver.Config{
		Issuer: s.Issuer, Acts: h.acts, Accounts: h.accounts, Sessions: h.sessions, Keys: h.keys, Index: h.index,
		Feed: h.feed, Clock: h.clock, AppDomains: s.AppDomains, Audience: s.Audience,
		AdminUsername: s.AdminUsername, AdminPassword: sha256.Sum256([]byte(password)),
		Typ: s.acceptedTyps(), JWKSMaxAge: s.JWKSMaxAge, TrustedProxies: s.BehindProxy,
		Log: e.log, Version: thisBuild().Version,
	})
	if err != nil || e.beside == nil {
		return handler, err
	}
	return e.beside(h, handler)
}

// appended appends what a service pushes, and notes which of them it was. What a
// rule is about may be a person, and stays out of the log.
func (e *evening) appended(ctx context.Context, by feed.Grant, rules ...revocation.Rule) (revocation.Cursor, error) {
	now, err := e.house.clock.Now()
	if err != nil {
		return revocation.Cursor{}, err
	}
	id := problem.RequestID(ctx)
	head, err := e.house.acts.Push(ctx, now, id, rules...)
	if err != nil {
		e.log.Error("rules were not appended", "by", by.Name, "rules", len(rules), "request_id", id, "error", err.Error())
		return head, err
	}
	e.log.Info("rules appended", "by", by.Name, "rules", len(rules), "cursor", head.String(), "request_id", id)
	return head, nil
}

// acceptedTyps are the header types of our own access tokens. Tokens from
// before a change of --token-typ are still out there, so both are accepted; one
// issuer with one kind of token cannot mix them up.
func (s *settings) acceptedTyps() []string { return []string{"at+jwt", "JWT"} }
