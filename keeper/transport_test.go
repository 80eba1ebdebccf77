package keeper_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// fromUs marks a request that a page of ours sent.
func fromUs(method, path string, header ...string) *http.Request {
	return req(method, path, append(header, "Origin", shop)...)
}

// A055, JC5: the cookie to the letter, at the login and at a renewal.
func TestA055TheCookie(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	w := httptest.NewRecorder()
	h.must(h.Write(w, fromUs("POST", "/login"), token, keeper.ByCookie))
	want := jar + "=" + token.Text() + "; Path=/; Expires=Mon, 04 May 2026 20:30:00 GMT; HttpOnly; Secure; SameSite=Lax"
	if got := w.Header()["Set-Cookie"]; len(got) != 1 || got[0] != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if w.Header().Get("Authorization") != "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", w.Header())
	}
	h.pass(45 * time.Minute)
	for name, r := range map[string]*http.Request{
		"served": req("GET", "/", inCookie(token.Text())...),
		"denied": req("GET", "/denied", inCookie(token.Text())...),
	} {
		w := h.asks(r, keeper.Authenticated(func(r *http.Request, _ *keeper.Token) error {
			if r.URL.Path == "/denied" {
				return &jwt.Error{Reason: jwt.BadScope}
			}
			return nil
		}))
		_, next := held(w.Header())
		want := jar + "=" + next + "; Path=/; Expires=Mon, 04 May 2026 21:15:00 GMT; HttpOnly; Secure; SameSite=Lax"
		if got := w.Header()["Set-Cookie"]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: got  %q\nwant %q", name, got, want)
		}
	}
}

// A055: what a browser keeps of a cookie is 4,096 bytes of name and value; no
// token is longer.
func TestA055TheLargestCookie(t *testing.T) {
	h := newHouse(t)
	size := 0
	for n := 2000; ; n++ {
		token, err := h.Create(t.Context(), keeper.Claims{Subject: "ada", Private: map[string]any{"x": strings.Repeat("x", n)}})
		if err != nil {
			break
		}
		size = len(jar) + len(token.Text())
	}
	if size < 4000 || size > 4096 {
		t.Errorf("name and value of the largest cookie are %d bytes", size)
	}
}

// JC6, A069: a logout ends the session at the server, and takes the cookie with
// the attributes it was set with, at every choice of them.
func TestJC6TheLogout(t *testing.T) {
	for name, c := range map[string]struct {
		cookie jotkeeper.Cookie
		set    string // before and behind what differs
		clear  string
	}{
		"default": {jotkeeper.Cookie{}, "HttpOnly; Secure; SameSite=Lax", "__Host-jotkeeper=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"wide": {jotkeeper.Cookie{InsecureDomain: "example.com", SameSite: http.SameSiteNoneMode},
			"HttpOnly; Secure; SameSite=None", "__Secure-jotkeeper=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=None"},
		"strict": {jotkeeper.Cookie{Name: "__Host-shop", SameSite: http.SameSiteStrictMode},
			"HttpOnly; Secure; SameSite=Strict", "__Host-shop=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"},
	} {
		h := newHouse(t, func(k *keeper.Config) { k.Cookie = c.cookie })
		token := h.login()
		w := httptest.NewRecorder()
		h.must(h.Write(w, fromUs("POST", "/login"), token, keeper.ByCookie))
		if got := w.Header().Get("Set-Cookie"); !strings.HasSuffix(got, c.set) {
			t.Errorf("%s: set %q", name, got)
		}
		h.pass(40 * time.Minute)
		// The route is guarded, so that the token was renewed on the way in.
		w = httptest.NewRecorder()
		h.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.must(h.Clear(w, r)) })).
			ServeHTTP(w, fromUs("POST", "/logout", "Cookie", c.cookie.String()+"="+token.Text()))
		if got := w.Header()["Set-Cookie"]; len(got) != 1 || got[0] != c.clear {
			t.Errorf("%s: cleared %q, want %q", name, got, c.clear)
		}
		if w.Header().Get("Clear-Site-Data") != `"cache"` || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Authorization") != "" {
			t.Errorf("%s: headers %v", name, w.Header())
		}
		h.refuses(token.Text(), jwt.Revoked) // whatever the client keeps
	}
}

// A logout with nothing to end takes the cookie all the same; another issuer's
// token cannot be ended here, and the caller is told.
func TestClearWithNothingToEnd(t *testing.T) {
	theirs := newHouse(t, func(c *keeper.Config) { c.Issuer = "https://other.example.com" })
	h := newHouse(t, func(c *keeper.Config) {
		c.Foreign = []keeper.Foreign{{Issuer: "https://other.example.com", Keys: theirs.ring, InsecureUnrevocable: true}}
	})
	for name, c := range map[string]struct {
		cookie string
		want   error
	}{"none": {"", nil}, "nonsense": {"x", nil}, "foreign": {theirs.login().Text(), keeper.ErrForeign}} {
		w := httptest.NewRecorder()
		if err := h.Clear(w, fromUs("POST", "/logout", inCookie(c.cookie)...)); !errors.Is(err, c.want) || w.Header().Get("Set-Cookie") == "" {
			t.Errorf("%s: %v, cookie %q", name, err, w.Header().Get("Set-Cookie"))
		}
	}
	h.wantRules()
}

// A062, A070: a login ends the session whose cookie came along, planted or old;
// nothing that the client sent is adopted.
func TestA062ALoginEndsWhatCameBefore(t *testing.T) {
	h := newHouse(t)
	planted, fresh := h.creates(keeper.Claims{Subject: "eve"}), h.login()
	w := httptest.NewRecorder()
	h.must(h.Write(w, fromUs("POST", "/login", inCookie(planted.Text())...), fresh, keeper.ByCookie))
	h.refuses(planted.Text(), jwt.Revoked)
	wantHeld(t, "login", w.Header(), "", fresh.Text())
	h.finds(fresh.Text())

	// The same session again, after a step up, is not ended; nor is anything that
	// is no session of ours, nor one that has ended.
	stepped, err := h.Rotate(t.Context(), fresh, nil)
	h.must(err)
	for _, cookie := range []string{fresh.Text(), planted.Text(), "x"} {
		h.must(h.Write(httptest.NewRecorder(), fromUs("POST", "/login", inCookie(cookie)...), stepped, keeper.ByCookie))
	}
	h.wantRules("sid revoke logout")
	h.finds(stepped.Text())

	h.wire.set(errCut, nil)
	w = httptest.NewRecorder()
	err = h.Write(w, fromUs("POST", "/login", inCookie(fresh.Text())...), planted, keeper.ByCookie)
	if jwt.ReasonOf(err) != jwt.Unavailable || w.Header()["Set-Cookie"] != nil {
		t.Errorf("an old session that cannot be ended: %v, cookies %q", err, w.Header()["Set-Cookie"])
	}
}

// A071, A072, A073: a request that changes something comes from a page of ours,
// or the cookie says nothing. The header needs no such word.
func TestA071WhoseRequest(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.Origins = []string{"https://front.example.com"} })
	text := h.login().Text()
	for name, c := range map[string]struct {
		header []string
		ok     bool
	}{
		"own origin":               {[]string{"Origin", "https://shop.example.com"}, true},
		"listed":                   {[]string{"Origin", "https://front.example.com"}, true},
		"fetch metadata":           {[]string{"Sec-Fetch-Site", "same-origin"}, true},
		"referer":                  {[]string{"Referer", "https://shop.example.com/cart"}, true},
		"nothing (A073)":           {nil, false},
		"null":                     {[]string{"Origin", "null"}, false},
		"suffix":                   {[]string{"Origin", "https://shop.example.com.evil"}, false},
		"prefix":                   {[]string{"Origin", "https://evilshop.example.com"}, false},
		"port":                     {[]string{"Origin", "https://shop.example.com:8443"}, false},
		"http twin":                {[]string{"Origin", "http://shop.example.com"}, false},
		"sibling":                  {[]string{"Sec-Fetch-Site", "same-site"}, false},
		"address bar":              {[]string{"Sec-Fetch-Site", "none"}, false},
		"foreign referer":          {[]string{"Referer", "https://evil.test/shop.example.com"}, false},
		"A066 override":            {[]string{"X-HTTP-Method-Override", "GET", "X-Method-Override", "GET"}, false},
		"A066 override in the URL": {[]string{"X-Original-Method", "GET"}, false},
		"A077 echo, unasked":       {[]string{"X-CSRF-Token", "x"}, false},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PURGE", "get"} {
			w := h.asks(req(method, "/?_method=GET", append(c.header, inCookie(text)...)...))
			if c.ok && w.Code != 200 {
				t.Errorf("%s %s: %d %s", method, name, w.Code, w.Body)
			}
			if !c.ok {
				wantAnswer(t, method+" "+name, w, 403, jwt.CSRF)
			}
		}
		if w := h.asks(req("POST", "/", append(c.header, inHeader(text)...)...)); w.Code != 200 {
			t.Errorf("header, %s: %d", name, w.Code)
		}
		if w := h.asks(req("GET", "/", append(c.header, inCookie(text)...)...)); w.Code != 200 {
			t.Errorf("GET, %s: %d", name, w.Code)
		}
	}
}

// A071: no store hears of a request that another site sent, and no token is
// renewed for it.
func TestA071AForgedRequestReachesNoStore(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(31 * time.Minute)
	calls := h.wire.counted(func() {
		w := h.asks(req("POST", "/", append(inCookie(token.Text()), "Origin", "https://evil.test")...))
		wantHeld(t, "forged", w.Header(), "", "")
	})
	if calls != "" {
		t.Errorf("the store was asked %q", calls)
	}
}

// A076, A077: the echoed secret is that of the session, of this one, now; a
// renewal keeps it, a login makes another.
func TestA076TheEchoedSecret(t *testing.T) {
	h := newHouse(t, func(c *keeper.Config) { c.CSRF = true })
	token, other := h.login(), h.login()
	post := func(cookie, echo string) *httptest.ResponseRecorder {
		return h.asks(req("POST", "/", append(inCookie(cookie), "X-CSRF-Token", echo)...))
	}
	if token.CSRF() == "" || token.CSRF() == other.CSRF() {
		t.Fatalf("secrets %q and %q", token.CSRF(), other.CSRF())
	}
	if w := post(token.Text(), token.CSRF()); w.Code != 200 {
		t.Errorf("echoed: %d %s", w.Code, w.Body)
	}
	wantAnswer(t, "another session's", post(token.Text(), other.CSRF()), 403, jwt.CSRF)
	wantAnswer(t, "empty", post(token.Text(), ""), 403, jwt.CSRF)
	wantAnswer(t, "planted both", post("x", "x"), 403, jwt.CSRF)
	plain := newHouse(t)
	plain.ring = h.ring
	wantAnswer(t, "a session without a secret", plain.asks(req("POST", "/", append(inCookie(plain.login().Text()), "X-CSRF-Token", "")...)), 403, jwt.CSRF)
	if got := plain.login().CSRF(); got != "" {
		t.Errorf("a secret that nobody asked for: %q", got)
	}

	h.pass(31 * time.Minute)
	fresh := keeper.Claims{Subject: "ada", Scope: "new"}
	next, err := h.Rotate(t.Context(), token, &fresh)
	h.must(err)
	if next.CSRF() != token.CSRF() {
		t.Error("a renewal changed the secret: pages that are open could send nothing")
	}
	h.must(h.Revoke(t.Context(), token))
	wantAnswer(t, "after the logout", post(next.Text(), next.CSRF()), 401, jwt.Revoked)
	if _, err := h.Create(t.Context(), keeper.Claims{Subject: "ada", Private: map[string]any{"csrf": "mine"}}); !errors.Is(err, keeper.ErrClaims) {
		t.Errorf("an application's own csrf claim: %v", err)
	}
}

// A075: nobody is logged in or out by another site's page, by an image, or by a
// link.
func TestA075LoginsAndLogoutsOfOtherSites(t *testing.T) {
	h := newHouse(t)
	for name, r := range map[string]*http.Request{
		"a form":          req("POST", "/login", "Origin", "https://evil.test"),
		"nobody vouches":  req("POST", "/login"),
		"an image":        req("GET", "/login", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"),
		"a frame":         req("GET", "/login", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"),
		"a sibling's img": req("GET", "/login", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"),
	} {
		w := httptest.NewRecorder()
		if err := h.Write(w, r, h.login(), keeper.ByCookie); jwt.ReasonOf(err) != jwt.CSRF || w.Header()["Set-Cookie"] != nil {
			t.Errorf("a login by %s: %v, cookies %q", name, err, w.Header()["Set-Cookie"])
		}
	}
	link := req("GET", "/callback", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	h.must(h.Write(httptest.NewRecorder(), link, h.login(), keeper.ByCookie)) // a login link in a mail

	token := h.login()
	for name, r := range map[string]*http.Request{
		"an image":                  req("GET", "/logout", inCookie(token.Text())...),
		"our own link":              req("GET", "/logout", append(inCookie(token.Text()), "Sec-Fetch-Site", "same-origin")...),
		"a form":                    req("POST", "/logout", append(inCookie(token.Text()), "Origin", "https://evil.test")...),
		"a form without the cookie": req("POST", "/logout", "Origin", "https://evil.test"),
	} {
		w := httptest.NewRecorder()
		if err := h.Clear(w, r); jwt.ReasonOf(err) != jwt.CSRF || w.Header()["Set-Cookie"] != nil {
			t.Errorf("a logout by %s: %v, cookies %q", name, err, w.Header()["Set-Cookie"])
		}
	}
	h.finds(token.Text())
}

// A078: nothing here lets another origin read an answer.
func TestA078NoCORSOfOurs(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.pass(31 * time.Minute)
	for _, method := range []string{"GET", "OPTIONS", "POST"} {
		w := h.asks(req(method, "/", append(inCookie(token.Text()), "Origin", "https://evil.test", "Access-Control-Request-Method", "PUT")...))
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-Allow") {
				t.Errorf("%s: %s: %s", method, name, w.Header().Get(name))
			}
		}
	}
}

// A081, A083: a person is sent to log in and back, to pages of this site only,
// and never with a token.
func TestA081TheLoginPage(t *testing.T) {
	h := newHouse(t)
	token := h.login()
	h.must(h.Revoke(t.Context(), token))
	page := []string{"Sec-Fetch-Mode", "navigate"}
	for path, to := range map[string]string{
		"/orders?page=2":                   "/login?return_to=%2Forders%3Fpage%3D2",
		"/":                                "/login?return_to=%2F",
		"/%2fevil.test":                    "/login?return_to=%2F",
		"/orders?token=" + token.Text():    "/login?return_to=%2F",
		"/" + token.Text():                 "/login?return_to=%2F",
		"/a%0d%0aSet-Cookie:%20x=y":        "/login?return_to=%2F",
		"/orders?next=https://evil.test/x": "/login?return_to=%2Forders%3Fnext%3Dhttps%3A%2F%2Fevil.test%2Fx",
	} {
		w := h.asks(req("GET", path, append(page, inCookie(token.Text())...)...), keeper.LoginPage("/login"))
		if w.Code != 303 || w.Header().Get("Location") != to || strings.Contains(w.Header().Get("Location"), "eyJ") {
			t.Errorf("%s: %d to %q, want %q", path, w.Code, w.Header().Get("Location"), to)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header()["Set-Cookie"] != nil {
			t.Errorf("%s: headers %v", path, w.Header())
		}
	}
	if w := h.asks(req("GET", "/orders", "Accept", "text/html,*/*"), keeper.LoginPage("/login")); w.Code != 303 {
		t.Errorf("an old browser: %d", w.Code)
	}
	for name, r := range map[string]*http.Request{
		"a script":       req("GET", "/orders", "Sec-Fetch-Mode", "cors", "Accept", "text/html"),
		"a form":         fromUs("POST", "/orders", page...),
		"an API client":  req("GET", "/orders", append(inHeader("x"), "Accept", "text/html")...),
		"the login page": req("GET", "/login", page...),
		"ambiguous":      req("GET", "/orders", append(page, "Cookie", jar+"=a; "+jar+"=b")...),
	} {
		if w := h.asks(r, keeper.LoginPage("/login")); w.Code == 303 || reason(w) == "" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
}

// A081: every trick by which a path leads to another site.
func TestA081ReturnTo(t *testing.T) {
	for _, good := range []string{"/", "/orders", "/orders?page=2&q=a%2Fb", "/a/b#c", "/?u=https://evil.test"} {
		if got := keeper.ReturnTo(withReturn(good)); got != good {
			t.Errorf("%q became %q", good, got)
		}
	}
	tricks := []string{"", "orders", "//", "//?x", "//evil.test", "///evil.test", `/\evil.test`, `\\evil.test`, "https:evil.test", "https://evil.test",
		"%2f%2fevil.test", "/%2fevil.test", "/%2Fevil.test", "/%5cevil.test", "/%09/evil.test", "/\t/evil.test", "/\n/evil.test", "/%0d%0aLocation:x",
		"//shop.example.com@evil.test", "https://shop.example.com@evil.test", "https://shop.example.com.evil.test", "data:text/html,x", "javascript:alert(1)",
		"/..//evil.test", "/%2e%2e//evil.test", "/a/../..//evil.test", " //evil.test", "/\x00", "?x", "#x", "/%zz"}
	for _, bad := range tricks {
		if got := keeper.ReturnTo(withReturn(bad)); got != "/" {
			t.Errorf("%q became %q", bad, got)
		}
		if bad == "" || strings.HasPrefix(bad, "/") {
			func() {
				defer func() {
					if err, _ := recover().(error); !errors.Is(err, keeper.ErrConfig) {
						t.Errorf("LoginPage(%q) gave %v", bad, err)
					}
				}()
				newHouse(t).Handler(orders(t), keeper.LoginPage(bad))
			}()
		}
	}
}

// A081: whatever is asked for, a browser that follows it stays on this site: also
// one that drops control characters, takes backslashes for slashes, or unescapes.
func FuzzA081ReturnTo(f *testing.F) {
	for _, text := range []string{"/orders?page=2", "//evil.test", `/\evil.test`, "/%09/evil.test", "/%2fevil", "/..//evil", "https:evil", "/a#//b", "//", "///evil.test"} {
		f.Add(text)
	}
	here, err := url.Parse("https://shop.example.com/login")
	if err != nil {
		f.Fatal(err)
	}
	lenient := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\x00", "", `\`, "/")
	f.Fuzz(func(t *testing.T, text string) {
		to := keeper.ReturnTo(withReturn(text))
		path, err := url.PathUnescape(strings.SplitN(to, "?", 2)[0])
		if err != nil {
			t.Fatalf("%q leads to %q: %v", text, to, err)
		}
		for _, reading := range []string{lenient.Replace(to), lenient.Replace(path)} {
			if strings.HasPrefix(reading, "//") || !strings.HasPrefix(reading, "/") {
				t.Errorf("%q leads to %q", text, to)
			}
		}
		if at, err := here.Parse(to); err != nil || at.Host != here.Host || at.Scheme != here.Scheme {
			t.Errorf("%q leads to %v, %v", text, at, err)
		}
		w := httptest.NewRecorder()
		http.Redirect(w, withReturn(text), to, http.StatusSeeOther)
		if got := w.Header().Get("Location"); strings.HasPrefix(got, "//") || !strings.HasPrefix(got, "/") {
			t.Errorf("%q leads to Location %q", text, got)
		}
	})
}

func withReturn(to string) *http.Request {
	r := req("GET", "/login")
	q := r.URL.Query()
	q.Set("return_to", to)
	r.URL.RawQuery = q.Encode()
	return r
}

// A cookie or an origin that cannot work is refused when the Keeper is made.
func TestTransportConfig(t *testing.T) {
	h := newHouse(t)
	for says, change := range map[string]func(*keeper.Config){
		"browsers refuse it": func(c *keeper.Config) {
			c.Cookie = jotkeeper.Cookie{Name: "__Host-x", InsecureDomain: "example.com"}
		},
		"is not an origin": func(c *keeper.Config) { c.Origins = []string{"shop.example.com"} },
	} {
		cfg := h.cfg
		change(&cfg)
		if _, err := keeper.New(cfg); !errors.Is(err, keeper.ErrConfig) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
