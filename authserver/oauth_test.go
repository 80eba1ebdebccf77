package authserver_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// foreign signs claims like a token's own with a key that this issuer never had.
func foreign(t *testing.T, like string) string {
	t.Helper()
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := jwt.InspectUnverified(like)
	if err != nil {
		t.Fatal(err)
	}
	var c jwt.Access
	said := claims(t, like)
	c.Issuer, c.Subject, c.SessionID, c.ID = issuer, said["sub"].(string), said["sid"].(string), said["jti"].(string)
	c.Audience = jwt.Audience{said["aud"].(string)}
	c.IssuedAt, c.Expires = jwt.Time(said["iat"].(float64)), jwt.Time(said["exp"].(float64))
	raw, err := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess).Sign(time.Unix(int64(c.IssuedAt), 0), &c)
	if err != nil || len(seen.Claims) == 0 {
		t.Fatal(err)
	}
	return raw
}

// bent has another last character.
func bent(raw string) string {
	last := "0"
	if strings.HasSuffix(raw, last) {
		last = "1"
	}
	return raw[:len(raw)-1] + last
}

func (h *house) introspect(token string) *reply {
	h.t.Helper()
	return h.do("POST", "/oauth2/introspect", asAdmin, form("token", token))
}

// A100: of a token that is not good nothing is told, not even why, for access
// tokens and refresh tokens alike.
func TestA100WhatIsNotGoodIsInactiveAndNothingElse(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		live, late := h.program("ada"), h.program("eve")
		for next, n := late.Refresh, 0; n < 3; n++ {
			h.clock.pass(10 * time.Minute)
			next = h.do("POST", "/session/refresh", form("refresh_token", next)).want(201).tokens().Refresh
		}
		h.do("POST", "/oauth2/revoke", form("token", late.Refresh)).wantCode(401, "stale")
		h.do("PATCH", "/accounts/1", asAdmin, form("scope", "orders:read")).want(200)
		fresh := h.do("POST", "/session/refresh", form("refresh_token", live.Refresh)).want(201).tokens()
		ended := h.program("bob")
		h.do("DELETE", "/session", bearer(ended.Access)).want(200)
		want := http.Header{}
		for name, raw := range map[string]string{
			"expired access token":        live.Access,
			"revoked access token":        ended.Access,
			"foreign access token":        foreign(t, fresh.Access),
			"another foreign one":         foreign(t, fresh.Access),
			"a bent signature":            fresh.Access[:len(fresh.Access)-4] + "AAAA",
			"half an access token":        fresh.Access[:len(fresh.Access)/2],
			"refresh token of an end":     ended.Refresh,
			"overtaken refresh token":     late.Refresh,
			"a refresh token with a typo": bent(live.Refresh),
			"half a refresh token":        live.Refresh[:30],
			"garbage":                     "\x01garbage \u2028",
			"nothing":                     "",
			"alg none":                    "eyJhbGciOiJub25lIn0." + strings.Split(fresh.Access, ".")[1] + ".",
		} {
			before := h.everything()
			r := h.introspect(raw).want(200)
			if r.body != `{"active":false}` {
				t.Errorf("%s: %q", name, r.body)
			}
			r.Header.Del("X-Request-Id")
			if len(want) == 0 {
				want = r.Header
			}
			if !maps.EqualFunc(want, r.Header, slices.Equal) {
				t.Errorf("%s: the headers are %v, those of another %v", name, r.Header, want)
			}
			if h.everything() != before {
				t.Errorf("%s: something changed", name)
			}
		}
		// The sessions go on: nothing was used up, nothing counted as theft.
		h.clock.pass(time.Hour)
		h.introspect(fresh.Access).wantBody(`{"active":false}`)
		if got := h.do("POST", "/session/refresh", form("refresh_token", fresh.Refresh)).want(201).tokens(); got.Access == "" {
			t.Error("the refresh token was used up")
		}
	})
}

func TestAnActiveTokenIsToldWithItsClaims(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		h.program("ada")
		h.do("PATCH", "/accounts/1", asAdmin, body("application/json", `{"scope":"orders:read","claims":{"plan":"gold","big":9007199254740993}}`)).want(200)
		p := h.do("POST", "/session", form("username", "ada", "password", good, "transport", "body")).want(201).tokens()
		r := h.introspect(p.Access).want(200)
		var said map[string]any
		dec := json.NewDecoder(bytes.NewReader([]byte(r.body)))
		dec.UseNumber()
		h.must(dec.Decode(&said))
		if said["active"] != true || said["token_type"] != "Bearer" || said["plan"] != "gold" || said["scope"] != "orders:read" ||
			said["big"] != json.Number("9007199254740993") {
			t.Errorf("got %s", r.body)
		}
		delete(said, "active")
		delete(said, "token_type")
		if own := claims(t, p.Access); len(own) != len(said) || said["sub"] != own["sub"] || said["jti"] != own["jti"] {
			t.Errorf("got %s of a token that says %v", r.body, own)
		}

		before := h.everything()
		r = h.introspect(p.Refresh).want(200)
		said = map[string]any{}
		h.must(json.Unmarshal([]byte(r.body), &said))
		if said["active"] != true || said["token_type"] != "refresh_token" || said["sub"] != "1" || said["iss"] != issuer ||
			said["sid"] != claims(t, p.Access)["sid"] || said["exp"].(float64) <= said["iat"].(float64) || len(said) != 7 {
			t.Errorf("got %s", r.body)
		}
		if h.everything() != before {
			t.Error("introspection changed something")
		}
		h.do("POST", "/session/refresh", form("refresh_token", p.Refresh)).want(201)
	})
}

func TestIntrospectionIsForTheAdministrator(t *testing.T) {
	h := inMemory(t)
	p := h.program("ada")
	h.do("POST", "/oauth2/introspect", form("token", p.Access)).wantCode(401, "bad_credentials")
	h.do("POST", "/oauth2/introspect", bearer(p.Access), form("token", p.Access)).wantCode(401, "bad_credentials")
	h.do("POST", "/oauth2/introspect", asAdmin, form("token_type_hint", "access_token")).wantCode(400, "malformed_request")
	h.do("POST", "/oauth2/introspect?token="+p.Access, asAdmin, form()).wantCode(400, "malformed_request")
	h.do("POST", "/oauth2/introspect", asAdmin, body("application/json", `{"token":["`+p.Access+`"]}`)).wantCode(400, "malformed_request")
	h.do("GET", "/oauth2/introspect?token="+p.Access, asAdmin).wantCode(405, "method_not_allowed")
}

func TestWhoHoldsATokenMayRevokeIt(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		ada, bob := h.program("ada"), h.program("bob")
		before := h.everything()
		for _, raw := range []string{"garbage", "", "jkr_garbage", foreign(t, ada.Access), ada.Access[:len(ada.Access)-4] + "AAAA"} {
			h.do("POST", "/oauth2/revoke", form("token", raw)).want(200).wantBody("")
		}
		h.do("POST", "/oauth2/revoke", form()).wantCode(400, "malformed_request")
		h.do("POST", "/oauth2/revoke", from("https://evil.example"), form("token", ada.Refresh)).wantCode(403, "origin")
		if h.everything() != before {
			t.Error("a token that is good for nothing changed something")
		}
		h.do("POST", "/oauth2/revoke", form("token", ada.Refresh, "token_type_hint", "refresh_token")).want(200).wantBody("")
		h.do("POST", "/oauth2/revoke", from(app), form("token", bob.Access)).want(200).wantBody("")
		for _, p := range []tokens{ada, bob} {
			h.introspect(p.Access).wantBody(`{"active":false}`)
			h.introspect(p.Refresh).wantBody(`{"active":false}`)
			h.do("GET", "/revocation/v1/check", bearer(p.Access)).wantCode(401, "revoked")
			h.do("POST", "/session/refresh", form("refresh_token", p.Refresh)).wantCode(401, "revoked")
			h.do("POST", "/oauth2/revoke", form("token", p.Access)).want(200)
			h.do("POST", "/oauth2/revoke", form("token", p.Refresh)).want(200)
		}
	})
}
