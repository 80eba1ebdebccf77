package facepage_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/examples/facepage"
)

// An evening at Facepage, in a browser that knows no JavaScript.
func TestAnEvening(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor()
	ada.get("/problem/1").outcome("", "")
	ada.post("/problem/1").outcome("refused", "missing")
	ada.post("/session/login", "username", "ada", "password", "wrong").outcome("refused", "FAILED")
	ada.post("/session/login", "username", "ada", "password", adasPassword, "return_to", "/problem/1").want("", "data-account", "1").want("", "data-problem", "1")

	one := ada.post("/problem/1").outcome("done", "")
	if token := attribute(one.element("data-token", ""), "data-token"); token == "" || !strings.Contains(one.text, `"jti": "`+token) && !strings.Contains(one.text, "&#34;jti&#34;: &#34;"+token) {
		t.Errorf("the page does not show the token %q", token)
	}
	if got := one.fact("cross-site"); got != "403 csrf" {
		t.Errorf("another site's form: %s", got)
	}

	two := ada.post("/problem/2").outcome("done", "")
	if none, each := two.fact("verified-questions"), two.fact("asked-questions"); none != "0" || each != "100" {
		t.Errorf("%s questions for 100 requests that are verified, %s for 100 that ask", none, each)
	}
	three := ada.post("/problem/3").outcome("done", "")
	for _, name := range []string{"signature", "iss", "aud", "exp"} {
		if got := three.fact(name); got != "holds" {
			t.Errorf("by hand, %s: %s", name, got)
		}
	}
	four := ada.post("/problem/4").outcome("done", "")
	if got := four.fact("secrets"); got != "a credential to follow revocations" {
		t.Errorf("the verifying service was given: %s", got)
	}
	if four.fact("asked-questions") != "0" || four.fact("asked-upkeep") == "0" {
		t.Errorf("the verifying service asked %s questions, and %s times for keys and revocations", four.fact("asked-questions"), four.fact("asked-upkeep"))
	}
	if four.fact("altered") != "signature" || four.fact("confused") != "header" {
		t.Errorf("forgeries: %s, %s", four.fact("altered"), four.fact("confused"))
	}
	seven := ada.post("/problem/7").outcome("done", "")
	if seven.fact("users") != "account: 1" || seven.fact("failures-before") != "0" || seven.fact("failures-after") != "1" {
		t.Errorf("users %q, failures %s, %s", seven.fact("users"), seven.fact("failures-before"), seven.fact("failures-after"))
	}

	nine := ada.post("/session/rotate").outcome("done", "")
	if before, after := nine.fact("kid-before"), nine.fact("kid-after"); before == after || !strings.Contains(nine.fact("keys-after"), before+" retired") || !strings.Contains(nine.fact("keys-after"), after+" active") {
		t.Errorf("key %q, then %q: %s", before, after, nine.fact("keys-after"))
	}
	ada.get("/").want("", "data-account", "1")
}

// Problem 8: two browsers, one button.
func TestLogOutEverywhere(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada, phone, grace := s.visitor().logIn(adasPassword), s.visitor().logIn(adasPassword), s.visitor()
	grace.post("/session/login", "username", "grace", "password", "larch-copper-tide-77").want("", "data-account", "2")
	token := ada.cookie("facepage", "/")
	eight := ada.post("/session/end-all").outcome("done", "")
	if eight.fact("ended") != "2" {
		t.Errorf("%s sessions ended, want 2", eight.fact("ended"))
	}
	for _, part := range []string{facepage.Accounts, facepage.WebApp, facepage.API, facepage.Verifier} {
		tag := eight.element("data-part", part)
		if attribute(tag, "data-before") != "200" || attribute(tag, "data-after") != "401" || attribute(tag, "data-ms") == "" {
			t.Errorf("%s: %s", part, tag)
		}
	}
	eight.want("", "data-account", "")
	phone.get("/problem/3").want("", "data-account", "").want("", "data-over", "revoked")
	phone.get("/") // the door forgets the session
	phone.get("/").want("", "data-over", "")
	grace.get("/").want("", "data-account", "2")
	// The page goes on showing what happened; the token that it shows is dead.
	if !strings.Contains(ada.get("/problem/8").text, strings.Split(token, ".")[2]) {
		t.Error("the page forgot what happened")
	}
	ada.post("/problem/1").outcome("refused", "missing")
}

// A token is renewed on the way to a page, at half its life, by two redirects
// and no script. A dead session is not.
func TestRenewal(t *testing.T) {
	t.Parallel()
	s := open(t, func(s *stage) { s.life = 2 * time.Second })
	ada := s.visitor().logIn(adasPassword)
	first := ada.cookie("facepage", "/")
	for ada.cookie("facepage", "/") == first { // it asks until the token is a second old
		ada.get("/problem/1").want("", "data-account", "1")
	}
	if !slices.Contains(ada.went, s.pages+"/session/renew?return_to=%2Fproblem%2F1") {
		t.Errorf("it went %v", ada.went)
	}
	if ada.cookie("facepage-refresh", "/problem/1") != "" || ada.cookie("facepage-refresh", "/session/renew") == "" {
		t.Error("the refresh token travels to more than /session")
	}
}

// The pages are not opened before every part has the keys: whoever logged in
// then would be told to come again.
func TestTheKeysComeFirst(t *testing.T) {
	t.Parallel()
	s := open(t, func(s *stage) {
		s.keys = make(chan struct{})
		s.opening = func(app *facepage.Web) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := app.Warm(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it is warm without keys: %v", err)
			}
			close(s.keys)
		}
	})
	s.visitor().logIn(adasPassword).post("/problem/4").outcome("done", "")
}

// While the account server cannot answer nobody is logged out: those whose token
// holds go on, the others are told to come again, and then they are still there.
func TestTroubleIsNoLogout(t *testing.T) {
	t.Parallel()
	s := open(t, func(s *stage) { s.life = 2 * time.Second })
	ada := s.visitor().logIn(adasPassword)
	s.clock.lost.Store(true)
	ada.post("/session/logout").outcome("unavailable", "unavailable").want("", "data-account", "1")
	for _, path := range []string{"/", "/problem/1"} {
		for ada.get(path).element("data-account", "1") != "" { // until the token has expired
		}
		ada.get(path).answered(http.StatusServiceUnavailable).outcome("unavailable", "unavailable")
	}
	ada.post("/session/login", "username", "ada", "password", adasPassword)
	s.clock.lost.Store(false)
	ada.get("/problem/1").answered(http.StatusOK).want("", "data-account", "1")
}

// What the processes write holds no token, no password, no link.
func TestLogsKeepQuiet(t *testing.T) {
	t.Parallel()
	s := open(t)
	ada := s.visitor().logIn(adasPassword)
	secrets := []string{adasPassword, "a-new-word-for-ada-77", back, follow, ada.cookie("facepage", "/"), ada.cookie("facepage-refresh", "/session")}
	ada.post("/problem/5", "username", "ada").outcome("done", "")
	link := ada.mail("reset", "/problem/5")[0]
	secrets = append(secrets, strings.SplitAfter(link, "token=")[1])
	ada.get(link)
	ada.post("/reset", "password", "a-new-word-for-ada-77").outcome("done", "")
	ada.post("/session/login", "username", "ada", "password", "a-new-word-for-ada-77")
	ada.post("/problem/1").outcome("done", "")
	shaped := regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8}|jkr_|jkf_`)
	for part, lines := range s.logs {
		text := lines.String()
		if text == "" && part != facepage.Verifier {
			t.Errorf("the %s wrote nothing", part)
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the %s wrote a secret down", part)
			}
		}
		if found := shaped.FindString(text); found != "" {
			t.Errorf("the %s wrote %q", part, found)
		}
	}
}
