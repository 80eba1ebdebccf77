package keeper_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// A035: no renewal takes the lock from a session, whoever asks for it and whatever
// claims it brings.
func TestA035NoRenewalUnlocks(t *testing.T) {
	unlocked := func(_ context.Context, old keeper.Claims) (keeper.Claims, error) {
		old.Locked = false
		return old, nil
	}
	for name, renew := range map[string]func(h *house, b *browser, t *keeper.Token){
		"half of its life is over": func(h *house, _ *browser, _ *keeper.Token) { h.pass(31 * time.Minute) },
		"its rights changed":       func(h *house, _ *browser, t *keeper.Token) { h.must(h.RotateSubject(h.Context(), t.Subject())) },
		"somebody asked for it":    func(h *house, _ *browser, t *keeper.Token) { h.must(h.RotateID(h.Context(), t.ID())) },
		"the program made claims": func(h *house, _ *browser, t *keeper.Token) {
			_, err := h.Rotate(h.Context(), t, &keeper.Claims{Subject: t.Subject()})
			h.must(err)
			h.must(h.RotateID(h.Context(), t.ID()))
		},
	} {
		h := newHouse(t, func(c *keeper.Config) { c.Regenerate = unlocked })
		b := h.browser()
		token := b.logsIn("ada", keeper.ByCookie)
		renew(h, b, token)
		w := b.opens()
		_, next := held(w.Header())
		if w.Code != 200 || next == "" || next == token.Text() || shownHash(t, next) != shownHash(t, token.Text()) {
			t.Errorf("%s: %d, renewed to %q", name, w.Code, next)
		}
		h.refuses(next, jwt.Binding)
		wantAnswer(t, name, h.asks(req("GET", "/", inCookie(next)...)), 401, jwt.Binding)
		wantAnswer(t, name+", the owner", b.opens(), 200, "")
	}
}

// A062: a page beside ours that can plant cookies brings nobody into its session:
// not by a locked token, whose lock it cannot plant, nor by a second cookie of the
// same name; and a lock that it chose is not adopted. It logs nobody out for good.
func TestA062PlantedCookies(t *testing.T) {
	h := newHouse(t, required, func(c *keeper.Config) { c.Cookie = jotkeeper.Cookie{InsecureDomain: "example.com"} })
	name := h.cfg.Cookie.String()
	b, eve := h.browser(), h.browser()
	planted := eve.logsIn("eve", keeper.ByCookie)
	w := h.asks(b.request("GET", "/", "Cookie", name+"="+planted.Text()))
	wantAnswer(t, "before the login", w, 401, jwt.Binding)

	token := h.creates(keeper.Claims{Subject: "ada"})
	chosen := binding.CookieName(token.SessionID()) + "=" + eve.lock().Value
	w = httptest.NewRecorder()
	h.must(h.Write(w, b.request("POST", "/login", "Cookie", name+"="+planted.Text()+"; "+chosen), token, keeper.ByCookie))
	if b.takes(w); b.lock().Value == eve.lock().Value || len(w.Header()["Set-Cookie"]) != 2 {
		t.Errorf("the login sets %q", w.Header()["Set-Cookie"])
	}
	h.wantRules()
	for what, c := range map[string]struct {
		cookies string
		status  int
		why     jwt.Reason
	}{
		"a second token": {name + "=" + planted.Text(), 400, jwt.Ambiguous},
		"a second lock":  {chosen, 401, jwt.Binding},
		"another's lock": {eve.lock().Name + "=" + eve.lock().Value, 200, ""},
	} {
		w := h.asks(b.request("GET", "/", "Cookie", c.cookies))
		wantAnswer(t, what, w, c.status, c.why)
		if w.Header()["Set-Cookie"] != nil {
			t.Errorf("%s: a cookie is set: %q", what, w.Header()["Set-Cookie"])
		}
	}
	wantAnswer(t, "when they are gone", b.opens(), 200, "")
}

// A062: a login without a lock ends the locked session that the browser had, and
// takes both its halves: nothing of it stays beside the new one.
func TestA062AnUnlockedLoginEndsALockedSession(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	earlier := b.logsIn("ada", keeper.ByCookie)
	lock, w := b.lock(), httptest.NewRecorder()
	h.must(h.Write(w, b.request("POST", "/login"), h.login(), keeper.ByCookie))
	if b.takes(w); len(b.locks()) != 0 {
		t.Errorf("cookies %v", b.jar)
	}
	wantAnswer(t, "the new one", b.opens(), 200, "")
	w = h.asks(req("GET", "/", append(inHeader(earlier.Text()), "Cookie", lock.Name+"="+lock.Value)...))
	wantAnswer(t, "the earlier with its lock", w, 401, jwt.Revoked)
}

// A075, A076: who logs out by the secret of the page needs the lock as well, and
// the lock alone is no word of the page.
func TestA076ALogoutByTheSecretNeedsTheLock(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.CSRF = true })
	b := h.browser()
	token := b.logsIn("ada", keeper.ByCookie)
	halves := jar + "=" + token.Text() + "; " + b.lock().Name + "=" + b.lock().Value
	for _, c := range []struct {
		cookies, echo string
		want          jwt.Reason
	}{
		{halves, "", jwt.CSRF}, {halves, "x", jwt.CSRF}, {jar + "=" + token.Text(), token.CSRF(), jwt.Binding}, {halves, token.CSRF(), ""},
	} {
		h.wantRules()
		w := httptest.NewRecorder()
		err := h.Clear(w, req("POST", "/logout", "Cookie", c.cookies, "X-CSRF-Token", c.echo))
		if jwt.ReasonOf(err) != c.want || (err != nil) == (len(w.Header()["Set-Cookie"]) == 2) {
			t.Errorf("%q: %v, cookies %q", c.echo, err, w.Header()["Set-Cookie"])
		}
	}
	h.wantRules("sid revoke logout")
}

// No refusal tells the lock, nor the token, in its error or its answer.
func TestA181RefusalsTellNoLock(t *testing.T) {
	h := newHouse(t)
	b, eve := h.browser(), h.browser()
	token := b.logsIn("ada", keeper.ByCookie)
	eve.logsIn("eve", keeper.ByCookie)
	wrong := eve.lock().Value
	for name, r := range map[string]*http.Request{
		"no lock":    req("GET", "/", inCookie(token.Text())...),
		"wrong":      req("GET", "/", "Cookie", jar+"="+token.Text()+"; "+b.lock().Name+"="+wrong),
		"two":        req("GET", "/", "Cookie", jar+"="+token.Text()+"; "+b.lock().Name+"="+wrong+"; "+b.lock().Name+"="+b.lock().Value),
		"two tokens": b.request("GET", "/", inHeader(eve.jar[jar].Value)...),
	} {
		_, err := h.FindRequest(r)
		said := err.Error() + h.asks(r).Body.String()
		for _, secret := range []string{b.lock().Value, wrong, token.Text(), shownHash(t, token.Text())} {
			if strings.Contains(said, secret) {
				t.Errorf("%s: it says %s", name, said)
			}
		}
	}
}
