package keeper_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
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

func required(c *keeper.Config) { c.Lock = binding.Required }

// shownHash is what everybody can read in a locked token.
func shownHash(t testing.TB, text string) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	var c struct{ CNF struct{ Lck string } }
	if err = errors.Join(err, json.Unmarshal(payload, &c)); err != nil {
		t.Fatal(err)
	}
	return c.CNF.Lck
}

// JK5, JK22, A055: a login makes 256 random bits of lock and sets both cookies,
// to the letter. Nothing is stored.
func TestJK5ALoginMakesALock(t *testing.T) {
	h := newHouse(t)
	b, other := h.browser(), h.browser()
	var token *keeper.Token
	if calls := h.wire.counted(func() { token = b.logsIn("ada", keeper.ByCookie) }); calls != "" {
		t.Errorf("the store was asked %q", calls)
	}
	lock := b.lock()
	want := binding.CookieName(token.SessionID()) + "=" + lock.Value + "; Path=/; Expires=Mon, 04 May 2026 21:30:00 GMT; HttpOnly; Secure; SameSite=Lax"
	if lock.Raw != want {
		t.Errorf("got  %s\nwant %s", lock.Raw, want)
	}
	if _, err := binding.ParseLock(lock.Value); err != nil || len(b.jar) != 2 || b.jar[jar].Value != token.Text() {
		t.Errorf("%v, cookies %v", err, b.jar)
	}
	if other.logsIn("ada", keeper.ByCookie); other.lock().Value == lock.Value || other.lock().Name == lock.Name {
		t.Error("two sessions have one lock")
	}
	wantAnswer(t, "both halves", b.opens(), 200, "")
	if !token.Claims().Locked || h.login().Claims().Locked {
		t.Error("a token does not say whether it is locked")
	}
}

// A060, B8: the token without its lock opens nothing: not without the cookie, nor
// with another session's, nor with anything that can be read from the token. No
// answer touches a cookie (B6), and the session goes on.
func TestA060ATokenWithoutItsLock(t *testing.T) {
	for _, policy := range []binding.Policy{binding.WhenLocked, binding.Required} {
		h := newHouse(t, func(c *keeper.Config) { c.Lock = policy })
		b, eve := h.browser(), h.browser()
		token := b.logsIn("ada", keeper.ByCookie)
		eve.logsIn("eve", keeper.ByCookie)
		lock := b.lock()
		h.pass(31 * time.Minute) // the token is due: a thief is not given its successor
		for name, cookie := range map[string]string{
			"no lock":                 "",
			"another session's":       eve.lock().Name + "=" + eve.lock().Value,
			"another's, in our name":  lock.Name + "=" + eve.lock().Value,
			"ours, in another's name": eve.lock().Name + "=" + lock.Value,
			"empty":                   lock.Name + "=",
			"the hash itself":         lock.Name + "=" + shownHash(t, token.Text()),
			"31 bytes":                lock.Name + "=" + lock.Value[:42],
			"33 bytes":                lock.Name + "=" + lock.Value + "A",
			"two that differ":         lock.Name + "=" + eve.lock().Value + "; " + lock.Name + "=" + lock.Value,
		} {
			for way, r := range map[string]*http.Request{
				"header": req("GET", "/", append(inHeader(token.Text()), "Cookie", cookie)...),
				"cookie": req("GET", "/", "Cookie", jar+"="+token.Text()+"; "+cookie),
				"both":   req("GET", "/", append(inHeader(token.Text()), "Cookie", jar+"="+token.Text()+"; "+cookie)...),
			} {
				w := h.asks(r)
				wantAnswer(t, name+", "+way, w, 401, jwt.Binding)
				if w.Header()["Set-Cookie"] != nil || w.Header().Get("Authorization") != "" {
					t.Errorf("%s, %s: a thief is given %v", name, way, w.Header())
				}
			}
		}
		h.refuses(token.Text(), jwt.Binding)
		h.wantRules()
		wantAnswer(t, "the owner", b.opens(), 200, "")
		forged := token.Text()[:len(token.Text())-4] + "AAAA"
		wantAnswer(t, "forged", h.asks(b.request("GET", "/", inHeader(forged)...)), 400, jwt.Ambiguous)
		delete(b.jar, jar)
		wantAnswer(t, "forged, with the lock", h.asks(b.request("GET", "/", inHeader(forged)...)), 401, jwt.Signature)
	}
}

// B7: what the token says decides, not the cookies that came along. Two logins
// in one browser have a lock each.
func TestB7OnlyTheTokensOwnLockCounts(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	ada, bob := b.logsIn("ada", keeper.ByHeader), b.logsIn("bob", keeper.ByHeader)
	if n := len(b.locks()); n != 2 {
		t.Fatalf("%d locks for two sessions", n)
	}
	for _, token := range []*keeper.Token{ada, bob, h.login()} {
		w := b.opens(inHeader(token.Text())...)
		if w.Code != 200 || w.Body.String() != token.Subject() {
			t.Errorf("%s: %d %s", token.Subject(), w.Code, w.Body)
		}
	}
	if w := h.asks(req("GET", "/", "Cookie", jar+"="+h.login().Text()+"; "+b.locks()[0].Name+"=forged")); w.Code != 200 {
		t.Errorf("an unlocked token beside a forged lock: %d %s", w.Code, w.Body)
	}
	if _, err := b.logsOut(inHeader(ada.Text())...); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, "the other session", b.opens(inHeader(bob.Text())...), 200, "")
	wantAnswer(t, "the one that left", b.opens(inHeader(ada.Text())...), 401, jwt.Binding)
	if b.lock().Name != binding.CookieName(bob.SessionID()) {
		t.Error("the wrong lock was taken")
	}
}

// B8: with Required every login is locked, whatever it asks for, and unlocked
// tokens are refused; they can still be logged out.
func TestB8LocksCanBeDemanded(t *testing.T) {
	h := newHouse(t)
	unlocked := h.login()
	h.Keeper = h.node(required)
	wantAnswer(t, "unlocked", h.asks(req("GET", "/", inHeader(unlocked.Text())...)), 401, jwt.Binding)
	h.refuses(unlocked.Text(), jwt.Binding)
	locked := h.login()
	if !locked.Claims().Locked {
		t.Error("a login is not locked")
	}
	w := httptest.NewRecorder()
	h.must(h.Clear(w, fromUs("POST", "/logout", inCookie(unlocked.Text())...)))
	h.wantRules("sid revoke logout")
	if got := w.Header()["Set-Cookie"]; len(got) != 1 {
		t.Errorf("cleared %q", got)
	}

	cfg := h.cfg
	cfg.Lock = 7
	if _, err := keeper.New(cfg); !errors.Is(err, keeper.ErrConfig) || !strings.Contains(fmt.Sprint(err), "no Lock policy 7: use binding.WhenLocked or binding.Required") {
		t.Errorf("a policy that does not exist: %v", err)
	}
}

// JK19, B7: a renewal keeps the lock and sets its cookie again, for whoever
// renews: the winner, the loser, a request that is denied. The new token opens
// with what every tab has.
func TestARenewalKeepsTheLock(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		for _, how := range []keeper.Way{keeper.ByCookie, keeper.ByHeader} {
			b := h.browser()
			token := b.logsIn("ada", how)
			first := b.lock()
			h.pass(31 * time.Minute)
			var header []string
			if how == keeper.ByHeader {
				header = inHeader(token.Text())
			}
			page := []*http.Request{b.request("GET", "/", header...), b.request("GET", "/denied", header...), b.request("GET", "/", header...)}
			for _, r := range page {
				w := h.asks(r, keeper.Authenticated(denying("/denied")))
				b.takes(w)
				again := b.lock()
				if again.Value != first.Value || b.until(again)-b.until(first) != 31*time.Minute {
					t.Errorf("%s %s: the lock is %s until %v, was %s until %v", how, r.URL.Path, again.Value, b.until(again), first.Value, b.until(first))
				}
				if w.Header().Get("Cache-Control") != "no-store" || len(w.Header()["Set-Cookie"]) != map[keeper.Way]int{keeper.ByCookie: 2, keeper.ByHeader: 1}[how] {
					t.Errorf("%s: headers %v", how, w.Header())
				}
				byHeader, byCookie := held(w.Header())
				if next := byHeader + byCookie; shownHash(t, next) != shownHash(t, token.Text()) || next == token.Text() {
					t.Errorf("%s: the successor has another cnf", how)
				} else if how == keeper.ByHeader {
					header = inHeader(next)
				}
			}
			w := b.opens(header...)
			wantAnswer(t, "renewed, "+string(how), w, 200, "")
			if w.Header()["Set-Cookie"] != nil {
				t.Errorf("%s: nothing changed, and %q is set", how, w.Header()["Set-Cookie"])
			}
			h.pass(31*time.Minute + 2*time.Second)
			if how == keeper.ByHeader {
				wantAnswer(t, "renewed again", b.opens(header...), 200, "")
			}
		}
	})
}

func denying(path string) func(*http.Request, *keeper.Token) error {
	return func(r *http.Request, _ *keeper.Token) error {
		if r.URL.Path == path {
			return &jwt.Error{Reason: jwt.BadScope}
		}
		return nil
	}
}

// An answer that arrives after the one with the next token sets an older expiry.
// The lock outlives the next token all the same, and no session.
func TestAnOvertakenAnswerTakesNoLockAway(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	token := b.logsIn("ada", keeper.ByHeader)
	h.pass(50 * time.Minute)
	late := h.asks(b.request("GET", "/", inHeader(token.Text())...))
	first, _ := held(b.opens(inHeader(token.Text())...).Header())
	b.opens(inHeader(first)...)
	h.pass(59 * time.Minute)
	next, _ := held(b.opens(inHeader(first)...).Header())
	if next == "" {
		t.Fatal("the successor was not renewed")
	}
	b.takes(late)
	h.pass(time.Hour - time.Second)
	wantAnswer(t, "until it expires", b.opens(inHeader(next)...), 200, "")

	short := h.node(func(c *keeper.Config) { c.MaxAge = 90 * time.Minute })
	w := httptest.NewRecorder()
	last, err := short.Create(t.Context(), keeper.Claims{Subject: "ada", Locked: true})
	h.must(err)
	h.must(short.Write(w, fromUs("POST", "/login"), last, keeper.ByHeader))
	if got := w.Result().Cookies()[0].Expires; !got.Equal(last.Ends()) {
		t.Errorf("the lock lives until %v, the session until %v", got, last.Ends())
	}
}

// A060: a thief without the lock brings nothing about: his sight of a successor
// is none, and his use of a token after its successor ends nobody's session.
func TestAThiefWithoutTheLockEndsNothing(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	old := b.logsIn("ada", keeper.ByCookie)
	h.pass(31 * time.Minute)
	_, next := held(b.opens().Header())
	if calls := h.wire.counted(func() {
		wantAnswer(t, "a first sight", h.asks(req("GET", "/", inHeader(next)...)), 401, jwt.Binding)
		h.refuses(next, jwt.Binding)
	}); calls != "" {
		t.Errorf("a thief's sight asked the store %q", calls)
	}
	h.wantRules()
	wantAnswer(t, "the owner's", b.opens(), 200, "")
	h.wantRules("jti revoke renewed")
	h.pass(11 * time.Second)
	for _, r := range []*http.Request{
		req("GET", "/", inHeader(old.Text())...),
		req("GET", "/", inCookie(old.Text())...),
		req("GET", "/", append(inHeader(old.Text()), inCookie(next)...)...),
	} {
		wantAnswer(t, "the old one", h.asks(r), 401, jwt.Binding)
	}
	h.refuses(old.Text(), jwt.Binding)
	h.wantRules("jti revoke renewed")
	wantAnswer(t, "the owner", b.opens(), 200, "")

	// With the lock it is one of two copies of a whole browser.
	delete(b.jar, jar)
	wantAnswer(t, "a copy of the browser", b.opens(inHeader(old.Text())...), 401, jwt.Reused)
	h.wantRules("jti revoke renewed", "sid revoke reused")
}

// JC6, A069: a logout takes both cookies with the attributes they were set with,
// at every choice of them, and once each although the way in set them.
func TestJC6TheLogoutTakesTheLock(t *testing.T) {
	for name, c := range map[string]struct {
		cookie jotkeeper.Cookie
		lock   string // its attributes, beside the time
	}{
		"default": {jotkeeper.Cookie{}, "HttpOnly; Secure; SameSite=Lax"},
		"wide":    {jotkeeper.Cookie{InsecureDomain: "example.com", SameSite: http.SameSiteNoneMode}, "HttpOnly; Secure; SameSite=None"},
		"strict":  {jotkeeper.Cookie{Name: "__Host-shop", SameSite: http.SameSiteStrictMode}, "HttpOnly; Secure; SameSite=Lax"},
	} {
		h := newHouse(t, func(k *keeper.Config) { k.Cookie = c.cookie })
		b := h.browser()
		token := b.logsIn("ada", keeper.ByCookie)
		lock := b.lock()
		if want := lock.Name + "=" + lock.Value + "; Path=/; Expires=Mon, 04 May 2026 21:30:00 GMT; " + c.lock; lock.Raw != want {
			t.Errorf("%s: set %s, want %s", name, lock.Raw, want)
		}
		h.pass(40 * time.Minute)
		w := httptest.NewRecorder()
		h.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.must(h.Clear(w, r)) })).
			ServeHTTP(w, b.request("POST", "/logout"))
		got := w.Header()["Set-Cookie"]
		if want := lock.Name + "=; Path=/; Max-Age=0; " + c.lock; len(got) != 2 || got[1] != want || !strings.HasPrefix(got[0], c.cookie.String()+"=; ") {
			t.Errorf("%s: cleared %q, want the token and %q", name, got, want)
		}
		if b.takes(w); len(b.jar) != 0 {
			t.Errorf("%s: the browser keeps %v", name, b.jar)
		}
		b.jar[lock.Name] = lock
		wantAnswer(t, name, b.opens(inHeader(token.Text())...), 401, jwt.Revoked) // whatever the client keeps
	}
}

// A060: who lacks the lock cannot log the owner out: not by a logout, nor by
// logging in with the stolen cookie beside. The owner can, and so can an operator.
func TestOnlyTheOwnerLogsOut(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	token := b.logsIn("ada", keeper.ByCookie)
	for way, r := range map[string]*http.Request{
		"cookie": fromUs("POST", "/logout", inCookie(token.Text())...),
		"header": fromUs("DELETE", "/session", inHeader(token.Text())...),
		"both":   fromUs("DELETE", "/session", append(inHeader(token.Text()), inCookie(token.Text())...)...),
	} {
		w := httptest.NewRecorder()
		if err := h.Clear(w, r); jwt.ReasonOf(err) != jwt.Binding || w.Header()["Set-Cookie"] != nil || w.Header().Get("Clear-Site-Data") != "" {
			t.Errorf("a thief's logout by %s: %v, %v", way, err, w.Header())
		}
	}
	w := httptest.NewRecorder()
	h.must(h.Write(w, fromUs("POST", "/login", inCookie(token.Text())...), h.creates(keeper.Claims{Subject: "eve"}), keeper.ByCookie))
	if got := w.Header()["Set-Cookie"]; len(got) != 1 {
		t.Errorf("a thief's login sets %q", got)
	}
	h.wantRules()
	wantAnswer(t, "the owner", b.opens(), 200, "")

	found, err := h.FindRequest(b.request("GET", "/"))
	h.must(err)
	h.must(h.Revoke(t.Context(), found))
	wantAnswer(t, "revoked", b.opens(), 401, jwt.Revoked)
	again := b.logsIn("ada", keeper.ByCookie)
	h.must(h.RevokeID(t.Context(), again.ID()))
	wantAnswer(t, "revoked by its ID", b.opens(), 401, jwt.Revoked)
}

// A062, A070: a login ends the locked session that this browser had, and takes
// its lock: one login leaves one lock behind.
func TestALoginTakesTheEarlierLock(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	earlier := b.logsIn("eve", keeper.ByCookie)
	old := b.lock()
	h.pass(31 * time.Minute)
	// The route is guarded: the way in renewed the token that is to end.
	w, fresh := httptest.NewRecorder(), h.creates(keeper.Claims{Subject: "ada", Locked: true})
	h.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.must(h.Write(w, r, fresh, keeper.ByCookie)) })).
		ServeHTTP(w, b.request("POST", "/login"))
	if b.takes(w); b.lock().Name != binding.CookieName(fresh.SessionID()) || len(w.Header()["Set-Cookie"]) != 3 {
		t.Errorf("cookies %q", w.Header()["Set-Cookie"])
	}
	if w := b.opens(); w.Body.String() != "ada" {
		t.Errorf("it is %d %s", w.Code, w.Body)
	}
	b.jar[old.Name] = old
	delete(b.jar, jar)
	wantAnswer(t, "the earlier", b.opens(inHeader(earlier.Text())...), 401, jwt.Revoked)

	// A step up of the same session keeps its lock.
	token := b.logsIn("ada", keeper.ByCookie)
	lock := b.jar[binding.CookieName(token.SessionID())]
	stepped, err := h.Rotate(t.Context(), token, nil)
	h.must(err)
	w = httptest.NewRecorder()
	h.must(h.Write(w, b.request("POST", "/step-up"), stepped, keeper.ByCookie))
	if b.takes(w); b.jar[lock.Name].Value != lock.Value {
		t.Errorf("cookies %q", w.Header()["Set-Cookie"])
	}
	wantAnswer(t, "after the step up", b.opens(), 200, "")
}

// Find has no request to look at, so it refuses and says what does. What
// FindRequest finds is renewed and given back as any other.
func TestFindRequestFindsLockedTokens(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	token := b.logsIn("ada", keeper.ByCookie)
	if _, err := h.Find(t.Context(), token.Text()); jwt.ReasonOf(err) != jwt.Binding || !strings.Contains(err.Error(), "use FindRequest") {
		t.Errorf("Find says %v", err)
	}
	h.pass(31 * time.Minute)
	found, err := h.FindRequest(b.request("GET", "/"))
	h.must(err)
	next, err := h.Renew(t.Context(), found)
	h.must(err)
	lock, w := b.lock(), httptest.NewRecorder()
	h.must(h.Write(w, b.request("GET", "/"), next, keeper.ByCookie))
	if b.takes(w); b.lock().Value != lock.Value || b.jar[jar].Value != next.Text() {
		t.Errorf("cookies %q", w.Header()["Set-Cookie"])
	}
	found, err = h.FindRequest(b.request("POST", "/"))
	if h.must(err); found.Text() != next.Text() || found.Due() != "" {
		t.Errorf("it finds %v, due %q", found, found.Due())
	}
	for name, c := range map[string]struct {
		r    *http.Request
		want jwt.Reason
	}{
		"none":         {req("GET", "/"), jwt.Missing},
		"another site": {req("POST", "/", append(inCookie(next.Text()), "Origin", "https://evil.test")...), jwt.CSRF},
		"two words":    {req("GET", "/", "Authorization", "Bearer a b"), jwt.MalformedRequest},
		"two of them":  {req("GET", "/", append(inHeader(h.login().Text()), inCookie(h.login().Text())...)...), jwt.Ambiguous},
		"no lock":      {req("GET", "/", inCookie(next.Text())...), jwt.Binding},
	} {
		if found, err := h.FindRequest(c.r); found != nil || jwt.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	unlocked := h.login()
	if found, err := h.FindRequest(req("GET", "/", inHeader(unlocked.Text())...)); err != nil || found.ID() != unlocked.ID() {
		t.Errorf("an unlocked token: %v", err)
	}
}

// A060 with two credentials: both are asked for their lock, also where one is
// not locked and would decide.
func TestTwoCredentialsNeedTheirLocks(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	token := b.logsIn("ada", keeper.ByCookie)
	sibling := h.signs(func(c *jwt.Session) { c.SessionID = token.SessionID() })
	for name, r := range map[string]*http.Request{
		"locked in the cookie": req("GET", "/", append(inHeader(sibling), inCookie(token.Text())...)...),
		"locked in the header": req("GET", "/", append(inHeader(token.Text()), inCookie(sibling)...)...),
	} {
		wantAnswer(t, name, h.asks(r), 401, jwt.Binding)
	}
	wantAnswer(t, "with the lock", b.opens(inHeader(sibling)...), 200, "")
}

// A035: what asks for more than a lock is never taken, whatever comes along.
func TestA035OtherBindingsAreRefused(t *testing.T) {
	theirs := newHouse(t, func(c *keeper.Config) { c.Issuer = "https://other.example.com" })
	h := newHouse(t, trusting(theirs))
	lock := binding.NewLock()
	for _, cnf := range []jwt.Confirmation{{Thumbprint: "x"}, {Lock: lock.Confirmation("s-1").Lock, Thumbprint: "x"}} {
		bind := func(c *jwt.Session) { c.SessionID, c.Confirmation = "s-1", &cnf }
		for _, text := range []string{h.signs(bind), theirs.signs(func(c *jwt.Session) { c.Issuer = theirs.cfg.Issuer; bind(c) })} {
			r := req("GET", "/", inHeader(text)...)
			r.AddCookie(lock.Cookie("s-1", evening))
			wantAnswer(t, fmt.Sprint(cnf), h.asks(r), 401, jwt.Binding)
		}
	}
}

func trusting(theirs *house) func(*keeper.Config) {
	return func(c *keeper.Config) {
		c.Foreign = []keeper.Foreign{{Issuer: theirs.cfg.Issuer, Keys: theirs.ring, InsecureUnrevocable: true}}
	}
}

// Another issuer's locked tokens open with their lock, which stays theirs: a
// logout here leaves it.
func TestForeignLocks(t *testing.T) {
	theirs := newHouse(t, func(c *keeper.Config) { c.Issuer = "https://other.example.com" })
	h := newHouse(t, trusting(theirs))
	b := theirs.browser()
	token := b.logsIn("ada", keeper.ByHeader)
	wantAnswer(t, "with its lock", h.asks(b.request("GET", "/", inHeader(token.Text())...)), 200, "")
	wantAnswer(t, "without", h.asks(req("GET", "/", inHeader(token.Text())...)), 401, jwt.Binding)
	h.refuses(token.Text(), jwt.Binding)
	unlocked := theirs.login()
	h.finds(unlocked.Text())
	w := httptest.NewRecorder()
	if err := h.Clear(w, b.request("POST", "/logout", inHeader(token.Text())...)); err != keeper.ErrForeign || len(w.Header()["Set-Cookie"]) != 1 {
		t.Errorf("%v, cookies %q", err, w.Header()["Set-Cookie"])
	}
	h.Keeper = h.node(required)
	wantAnswer(t, "unlocked, where locks are demanded", h.asks(req("GET", "/", inHeader(unlocked.Text())...)), 401, jwt.Binding)
}

// A third party that only verifies checks the lock that Write set, with no word
// from us: by the root package, at each policy, and by package binding alone.
func TestAThirdPartyChecksTheLock(t *testing.T) {
	h := newHouse(t)
	h.clock.now = time.Now()
	h.Keeper = h.node()
	b := h.browser()
	token := b.logsIn("ada", keeper.ByHeader)
	for _, policy := range []binding.Policy{binding.WhenLocked, binding.Required} {
		auth, err := jotkeeper.New(jotkeeper.Config{Issuer: issuer, Audience: shop, Keys: h.ring, Types: []string{"session+jwt"}, Lock: policy})
		h.must(err)
		defer auth.Close()
		claims, err := auth.Authenticate(b.request("GET", "/", inHeader(token.Text())...))
		if err != nil || claims.Subject != "ada" {
			t.Fatalf("with its lock: %v", err)
		}
		if _, err := auth.Authenticate(req("GET", "/", inHeader(token.Text())...)); jwt.ReasonOf(err) != jwt.Binding {
			t.Errorf("without: %v", err)
		}
		h.must(policy.Check(b.request("GET", "/"), claims.SessionID, claims.Confirmation))
	}
}

// A person whose browser lost the lock is sent to log in, and keeps what there is.
func TestWhoLacksTheLockIsSentToLogIn(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.logsIn("ada", keeper.ByCookie)
	delete(b.jar, b.lock().Name)
	w := h.asks(b.request("GET", "/orders", "Sec-Fetch-Mode", "navigate"), keeper.LoginPage("/login"))
	if w.Code != 303 || w.Header().Get("Location") != "/login?return_to=%2Forders" || w.Header()["Set-Cookie"] != nil {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	b.logsIn("ada", keeper.ByCookie)
	wantAnswer(t, "after that", b.opens(), 200, "")
}

// A locked token costs the log and the store nothing, as an unlocked one.
func TestALockedTokenAsksNoStore(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.logsIn("ada", keeper.ByCookie)
	if calls := h.wire.counted(func() {
		for range 3 {
			wantAnswer(t, "a page", b.opens(), 200, "")
		}
	}); calls != "" {
		t.Errorf("the store was asked %q", calls)
	}
}
