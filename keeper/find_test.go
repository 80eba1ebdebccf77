package keeper_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// signs signs claims with the keeper's own key: what a mistake elsewhere in the
// program, or another program with the key, could do.
func (h *house) signs(change func(*jwt.Session)) string {
	h.Helper()
	now := h.clock.read()
	c := &jwt.Session{Registered: jwt.Registered{
		Issuer: issuer, Subject: "ada", Audience: jwt.Audience{shop}, IssuedAt: jwt.TimeOf(now), NotBefore: jwt.TimeOf(now),
		Expires: jwt.TimeOf(now.Add(time.Hour)), ID: jwt.NewID(), SessionID: jwt.NewID(),
	}, Absolute: jwt.TimeOf(now.Add(24 * time.Hour)), Revision: "1:0"}
	change(c)
	raw, err := h.ring.signer().Sign(now, c)
	h.must(err)
	return raw
}

// JK7, JK25: one cheap call, and an error that says why.
func TestJK7FindSaysWhy(t *testing.T) {
	h := newHouse(t)
	good := h.login().Text()
	header, rest, _ := strings.Cut(good, ".")
	stranger := newHouse(t)
	h.must(h.RevokeSession(t.Context(), "ended"))
	for want, raw := range map[jwt.Reason]string{
		jwt.Malformed: "not a token",
		jwt.Header:    base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"session+jwt"}`)) + "." + rest,
		jwt.BadKey:    stranger.login().Text(),
		jwt.Signature: header + "." + rest[:len(rest)-4] + "AAAA",
		jwt.Issuer:    h.signs(func(c *jwt.Session) { c.Issuer += "/" }),
		jwt.BadAud:    h.signs(func(c *jwt.Session) { c.Audience = jwt.Audience{"https://else.example.com"} }),
		jwt.Early:     h.signs(func(c *jwt.Session) { c.NotBefore += 120 }),
		jwt.Expired:   h.signs(func(c *jwt.Session) { c.Expires = c.IssuedAt }),
		jwt.Absolute:  h.signs(func(c *jwt.Session) { c.Absolute = c.IssuedAt }),
		jwt.Binding:   h.signs(func(c *jwt.Session) { c.Confirmation = &jwt.Confirmation{Lock: "l"} }),
		jwt.Revoked:   h.signs(func(c *jwt.Session) { c.SessionID = "ended" }),
	} {
		found, err := h.Find(t.Context(), raw)
		var refusal *jwt.Error
		if found != nil || !errors.As(err, &refusal) || refusal.Reason != want {
			t.Errorf("%s: found %v, %v", want, found, err)
		}
	}
	h.finds(good)
}

// JK8: the signature first, then the claims, the rules last: a forger learns
// nothing, and costs no look-up. What expired is refused without the log; what
// is good is not known to be, then.
func TestJK8SignatureFirstRulesLast(t *testing.T) {
	h := newHouse(t)
	raw := h.creates(keeper.Claims{Subject: "ada", Lifetime: 10 * time.Second}).Text()
	long := h.login().Text()
	h.must(h.RevokeSubject(t.Context(), "ada"))
	forged := raw[:len(raw)-4] + "AAAA"
	h.refuses(forged, jwt.Signature)
	if n := h.Stats().Rules.Revoked; n != 0 {
		t.Errorf("the rules were asked about a forged token, %d times", n)
	}
	h.wire.set(errCut, nil)
	h.refuses(raw, jwt.Revoked)
	h.clock.add(11 * time.Second)
	h.refuses(raw, jwt.Expired)
	h.clock.add(time.Minute)
	h.refuses(long, jwt.Revoked) // known is known
	if calls := h.wire.counted(func() { h.refuses(long, jwt.Revoked) }); calls != "" {
		t.Errorf("a refusal made the calls %q", calls)
	}
}

// JK9: expired from the very second, no leeway; a clock ahead by up to a minute.
func TestJK9Times(t *testing.T) {
	h := newHouse(t)
	now := jwt.TimeOf(evening)
	for _, c := range []struct {
		exp, nbf jwt.Time
		want     jwt.Reason
	}{{1, 0, ""}, {0, 0, jwt.Expired}, {-1, 0, jwt.Expired}, {120, 60, ""}, {120, 61, jwt.Early}} {
		raw := h.signs(func(s *jwt.Session) { s.Expires, s.NotBefore, s.IssuedAt = now+c.exp, now+c.nbf, now+c.nbf })
		if _, err := h.Find(t.Context(), raw); jwt.ReasonOf(err) != c.want {
			t.Errorf("exp %+d, nbf %+d: %v, want %q", c.exp, c.nbf, err, c.want)
		}
	}
}

// JK10: a token without what revoking it takes is no token.
func TestJK10WhatASessionTokenNeeds(t *testing.T) {
	h := newHouse(t)
	for name, change := range map[string]func(*jwt.Session){
		"sid": func(c *jwt.Session) { c.SessionID = "" },
		"sxp": func(c *jwt.Session) { c.Absolute = 0 },
		"rev": func(c *jwt.Session) { c.Revision = "" },
	} {
		if _, err := h.Find(t.Context(), h.signs(change)); jwt.ReasonOf(err) != jwt.BadClaim || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for _, err := range []error{h.RevokeID(t.Context(), ""), h.RevokeSession(t.Context(), ""), h.RevokeSubject(t.Context(), ""), h.RotateID(t.Context(), ""), h.RotateSubject(t.Context(), "")} {
		if !errors.Is(err, revocation.ErrBadRule) {
			t.Errorf("a rule for nobody: %v", err)
		}
	}
	h.wantRules()
}

// JK12: what was found is what was signed, and nothing that a caller does to a
// copy of it changes that.
func TestJK12FoundTokensDoNotChange(t *testing.T) {
	h := newHouse(t)
	raw := h.login().Text()
	first := h.finds(raw)
	c := first.Claims()
	c.Subject, c.Private["plan"], c.Audience[0], c.Methods[0] = "eve", "gold", "x", "x"
	for _, again := range []*keeper.Token{first, h.finds(raw)} {
		got := again.Claims()
		if got.Subject != "ada" || got.Private["plan"] != "pro" || got.Audience[0] != shop || got.Methods[0] != "pwd" {
			t.Errorf("the claims became %+v", got)
		}
	}
}

// JK20: every token under a key goes with the key.
func TestJK20KeysEndEverything(t *testing.T) {
	h := newHouse(t)
	raw := h.login().Text()
	h.ring.turn(t, jwt.EdDSA)
	h.finds(raw)
	h.ring.drop()
	h.refuses(raw, jwt.BadKey)
	h.finds(h.login().Text())
}

// JK24: a request costs no network at all, whatever rules there are.
func TestJK24NoNetworkOnTheHotPath(t *testing.T) {
	h := newHouse(t)
	first := h.login()
	h.must(h.RevokeSession(t.Context(), "another"))
	h.pass(40 * time.Minute)
	next := h.visits(first.Text())
	h.visits(next.Text()) // its first sight
	if calls := h.wire.counted(func() {
		for range 100 {
			h.visits(next.Text())
		}
	}); calls != "" {
		t.Errorf("100 requests made the calls %q", calls)
	}
}

// A log that is silent is ridden out for a while; then nobody knows.
func TestFindWhileTheLogIsAway(t *testing.T) {
	h := newHouse(t)
	raw := h.login().Text()
	open := h.node(func(c *keeper.Config) { c.InsecureStaleOpen = true })
	cold, err := keeper.New(h.cfg)
	h.must(err)
	coldOpen, err := keeper.New(open2(h.cfg))
	h.must(err)
	for _, k := range []*keeper.Keeper{cold, coldOpen} {
		if _, err := k.Find(t.Context(), raw); jwt.ReasonOf(err) != jwt.Unavailable || !errors.Is(err, keeper.ErrStale) {
			t.Errorf("before the first word of the log: %v", err)
		}
	}
	h.clock.add(30 * time.Second)
	h.finds(raw)
	h.clock.add(time.Second)
	h.refuses(raw, jwt.Unavailable)
	if _, err := open.Find(t.Context(), raw); err != nil {
		t.Errorf("with InsecureStaleOpen: %v", err)
	}
	h.pass(0)
	h.finds(raw)
}

func open2(cfg keeper.Config) keeper.Config {
	cfg.InsecureStaleOpen = true
	return cfg
}
