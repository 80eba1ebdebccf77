package authserver_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// A109, A090: a locked account is out at once, everywhere, and stays out.
func TestA109ALockedAccountIsOut(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		p := h.program("ada")
		h.do("PATCH", "/accounts/1/lock", asAdmin).want(200).wantBody("")
		h.do("POST", "/session/refresh", form("refresh_token", p.Refresh)).wantCode(401, "revoked")
		h.do("GET", "/revocation/v1/check", bearer(p.Access)).wantCode(401, "revoked")
		h.do("POST", "/session", form("username", "ada", "password", good)).want(422).wantBody(`{"errors":[{"field":"account","message":"LOCKED"}]}`)
		h.do("POST", "/session", form("username", "ada", "password", "wrong")).want(422).wantBody(`{"errors":[{"field":"credentials","message":"FAILED"}]}`)
		h.do("PUT", "/accounts/1/unlock", asAdmin).want(200)
		h.do("POST", "/session/refresh", form("refresh_token", p.Refresh)).wantCode(401, "revoked")
		h.do("POST", "/session", form("username", "ada", "password", good)).want(201)
		h.do("PATCH", "/accounts/9/lock", asAdmin).want(404).wantBody(`{"errors":[{"field":"account","message":"NOT_FOUND"}]}`)
	})
}

// A090: rights are as of now in the next token; one taken away is gone from
// the tokens that are out, and nobody is logged out by it.
func TestA090RightsFollowTheAccount(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		p := h.program("ada")
		refresh := func() { p = h.do("POST", "/session/refresh", form("refresh_token", p.Refresh)).want(201).tokens() }
		check := func() *reply { return h.do("GET", "/revocation/v1/check", bearer(p.Access)) }

		h.do("PATCH", "/accounts/1", asAdmin, body("application/json", `{"scope":"read pay","claims":{"plan":"gold"}}`)).want(200)
		if r := check().want(200); r.Header.Get("Jotkeeper-Renew") != "1" {
			t.Error("a token from before the change was not asked to renew")
		}
		refresh()
		if c := claims(t, p.Access); c["scope"] != "read pay" || c["plan"] != "gold" {
			t.Errorf("claims %v", c)
		}
		if r := check().want(200); r.Header.Get("Jotkeeper-Renew") != "" {
			t.Error("a fresh token was asked to renew")
		}

		h.do("PATCH", "/accounts/1", asAdmin, form("scope", "read")).want(200)
		check().wantCode(401, "revoked")
		h.clock.pass(2 * 60e9)
		refresh()
		if c := claims(t, p.Access); c["scope"] != "read" || c["plan"] != "gold" {
			t.Errorf("claims %v", c)
		}
		check().want(200)

		h.do("PATCH", "/accounts/1", asAdmin, form("claims", `{"plan":"lead"}`)).want(200)
		check().wantCode(401, "revoked")
		for name, a := range map[string]ask{
			"reserved":  body("application/json", `{"claims":{"sub":"2"}}`),
			"too large": body("application/json", `{"claims":{"x":"`+strings.Repeat("x", 1024)+`"}}`),
			"quote":     form("scope", `read "pay"`),
		} {
			if r := h.do("PATCH", "/accounts/1", asAdmin, a); r.StatusCode != 422 || !strings.Contains(r.body, `"errors"`) {
				t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
			}
		}
		for name, a := range map[string]ask{
			"no object":  body("application/json", `{"claims":["x"]}`),
			"text":       form("claims", "x"),
			"twice":      form("claims", `{"a":1,"a":2}`),
			"scope list": body("application/json", `{"scope":["read"]}`),
		} {
			if r := h.do("PATCH", "/accounts/1", asAdmin, a); r.StatusCode != 400 {
				t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
			}
		}
		h.do("PATCH", "/accounts/1", asAdmin, form()).want(422).wantBody(`{"errors":[{"field":"username","message":"MISSING"}]}`)
	})
}

// null is "not given", however it is sent; what takes claims away is {}.
func TestNullClaimsChangeNothing(t *testing.T) {
	h := inMemory(t)
	h.program("ada")
	plan := func() any { return h.do("GET", "/accounts/1", asAdmin).want(200).body }
	h.do("PATCH", "/accounts/1", asAdmin, form("claims", `{"plan":"gold"}`)).want(200)
	gold := plan()
	for name, a := range map[string]ask{
		"form": form("claims", "null"), "form, spaced": form("claims", " null\n"),
		"JSON": body("application/json", `{"claims":null}`), "text in JSON": body("application/json", `{"claims":"null"}`),
	} {
		h.do("PATCH", "/accounts/1", asAdmin, a).want(422).wantBody(`{"errors":[{"field":"username","message":"MISSING"}]}`)
		if plan() != gold {
			t.Errorf("%s: the claims are gone: %s", name, plan())
		}
	}
	for name, a := range map[string]ask{"form": form("claims", "{}"), "JSON": body("application/json", `{"claims":{}}`)} {
		h.do("PATCH", "/accounts/1", asAdmin, form("claims", `{"plan":"gold"}`)).want(200)
		h.do("PATCH", "/accounts/1", asAdmin, a).want(200)
		if !strings.Contains(h.do("GET", "/accounts/1", asAdmin).body, `"claims":{}`) {
			t.Errorf("%s: the claims are still there", name)
		}
	}
}

func TestAnAccountIsRenamed(t *testing.T) {
	h := inMemory(t)
	h.browse("ada")
	h.browse("bob")
	h.do("PUT", "/accounts/1", asAdmin, form("username", "bob", "scope", "read")).want(422).wantBody(`{"errors":[{"field":"username","message":"TAKEN"}]}`)
	if got := h.do("GET", "/accounts/1", asAdmin).want(200).body; !strings.Contains(got, `"username":"ada"`) || !strings.Contains(got, `"scope":""`) {
		t.Errorf("half a change was kept: %s", got)
	}
	h.do("PUT", "/accounts/1", asAdmin, form("username", "Ada Lovelace"[:3]+"-Lovelace")).want(200)
	if got := h.do("GET", "/accounts/1", asAdmin).want(200).body; !strings.Contains(got, `"username":"Ada-Lovelace"`) {
		t.Errorf("account %s", got)
	}
	h.do("POST", "/session", form("username", "ada-lovelace", "password", good)).want(201)
}

// A137: a guess is a guess at whichever door it is made.
func TestA137EveryDoorCountsTheSameGuesses(t *testing.T) {
	h := inMemory(t)
	p := h.program("ada")
	failures := func(want int) {
		t.Helper()
		if got := h.do("GET", "/accounts/1", asAdmin).want(200).body; !strings.Contains(got, fmt.Sprintf(`"failures":%d,`, want)) {
			t.Errorf("want %d failures: %s", want, got)
		}
	}
	h.do("POST", "/session", form("username", "ada", "password", "wrong")).want(422)
	failures(1)
	h.do("POST", "/password", form("refresh_token", p.Refresh, "currentPassword", "wrong", "password", "another-kettle-43")).want(422)
	failures(2)
	h.do("POST", "/session", form("username", " ADA ", "password", "wrong")).want(422)
	failures(3)
	h.do("POST", "/session", form("username", "ada", "password", good)).want(201)
	failures(0)
}

// A134, A133: what a stranger's name is answered is what a friend's wrong
// password is answered, header for header.
func TestA133AStrangerAndAWrongPasswordLookAlike(t *testing.T) {
	h := inMemory(t)
	h.browse("ada")
	shape := func(r *reply) string {
		r.Header.Del("X-Request-Id")
		return fmt.Sprint(r.StatusCode, r.Header, r.body)
	}
	known := shape(h.do("POST", "/session", from(app), form("username", "ada", "password", "wrong")))
	for _, name := range []string{"nobody", "", "a b", "\u202e", strings.Repeat("x", 5000)} {
		if got := shape(h.do("POST", "/session", from(app), form("username", name, "password", "wrong"))); got != known {
			t.Errorf("%.20q: %s\nwant %s", name, got, known)
		}
	}
}

// A login that is under way when the account is locked does not survive it.
func TestALoginAndALockAreOrdered(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		h.program("ada")
		var all sync.WaitGroup
		got := make([]*reply, 8)
		for i := range got {
			all.Go(func() {
				got[i] = h.do("POST", "/session", form("username", "ada", "password", good, "transport", "body"))
			})
		}
		var lock *reply
		all.Go(func() { lock = h.do("PATCH", "/accounts/1/lock", asAdmin) })
		all.Wait()
		lock.want(200)
		for _, r := range got {
			if r.StatusCode == 201 {
				h.do("POST", "/session/refresh", form("refresh_token", r.tokens().Refresh)).wantCode(401, "revoked")
				h.do("GET", "/revocation/v1/check", bearer(r.tokens().Access)).wantCode(401, "revoked")
			}
		}
	})
}
