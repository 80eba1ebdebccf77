package jotkeeper_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

const (
	issuer   = "https://id.example.test"
	audience = "app.example.test"
)

// house is an issuer's key and a guarded app, for one test.
type house struct {
	t    testing.TB
	key  *jwt.PrivateKey
	auth *jotkeeper.Auth
}

func newHouse(t testing.TB, change ...func(*jotkeeper.Config)) *house {
	t.Helper()
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	c := jotkeeper.Config{Issuer: issuer, Audience: audience, Keys: jwt.NewSnapshot(key.Public())}
	for _, f := range change {
		f(&c)
	}
	auth, err := jotkeeper.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(auth.Close)
	return &house{t, key, auth}
}

// token signs claims that are good unless change makes them otherwise.
func (h *house) token(change ...func(*jwt.Access)) string {
	h.t.Helper()
	now := time.Now()
	c := &jwt.Access{Registered: jwt.Registered{
		Issuer: h.auth.Issuer(), Subject: "42", Audience: jwt.Audience{audience}, ID: jwt.NewID(), SessionID: "sid-of-ada",
		IssuedAt: jwt.TimeOf(now), NotBefore: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(time.Hour)),
	}}
	for _, f := range change {
		f(c)
	}
	s := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return h.key, nil }, jwt.KindAccess)
	raw, err := s.Sign(now, c)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

func subject(s string) func(*jwt.Access) { return func(c *jwt.Access) { c.Subject = s } }
func session(s string) func(*jwt.Access) { return func(c *jwt.Access) { c.SessionID = s } }
func scope(s string) func(*jwt.Access)   { return func(c *jwt.Access) { c.Scope = s } }

// ask sends a request to a guarded handler that answers with the subject.
func (h *house) ask(r *http.Request, opts ...jotkeeper.Option) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := jotkeeper.FromContext(r.Context())
		if !ok {
			h.t.Error("a guarded handler found no claims")
		}
		fmt.Fprint(w, c.Subject)
	}), opts...).ServeHTTP(w, r)
	return w
}

func get(header ...string) *http.Request { return request("GET", header...) }

func request(method string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "http://app.example.test/orders", nil)
	r.Host = "app.example.test"
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// code returns the problem's code, or "" for an answer that is no problem.
func code(w *httptest.ResponseRecorder) string {
	var p struct{ Code string }
	if w.Header().Get("Content-Type") != "application/problem+json" || json.Unmarshal(w.Body.Bytes(), &p) != nil {
		return ""
	}
	return p.Code
}

func want(t *testing.T, name string, w *httptest.ResponseRecorder, status int, reason string) {
	t.Helper()
	if w.Code != status || code(w) != reason {
		t.Errorf("%s: %d %q, want %d %q: %s", name, w.Code, code(w), status, reason, w.Body)
	}
}

func TestOneTokenTwoHeaders(t *testing.T) {
	h := newHouse(t)
	tok := h.token()
	for name, r := range map[string]*http.Request{
		"header":                 get("Authorization", "Bearer "+tok),
		"cookie":                 get("Cookie", "__Host-jotkeeper="+tok),
		"both":                   get("Authorization", "Bearer "+tok, "Cookie", "__Host-jotkeeper="+tok),
		"scheme in another case": get("Authorization", "bEARER "+tok),
	} {
		w := h.ask(r)
		if w.Code != 200 || w.Body.String() != "42" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if got := w.Header().Get("Vary"); got != "Authorization, Cookie" {
			t.Errorf("%s: Vary %q", name, got)
		}
	}
}

func TestNoTokenIsABareChallenge(t *testing.T) {
	w := newHouse(t).ask(get())
	want(t, "nothing", w, 401, "missing")
	if got := w.Header().Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("challenge %q, want a bare Bearer (RFC 6750 §3.1)", got)
	}
}

// A025: one canonical form is accepted; the rest is refused, never guessed at.
// A067: a token in the URL is none.
func TestA025OneCanonicalForm(t *testing.T) {
	h := newHouse(t)
	tok := h.token()
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		reason string
	}{
		"double Bearer":         {get("Authorization", "Bearer Bearer "+tok), 400, "malformed_request"},
		"tab":                   {get("Authorization", "Bearer\t"+tok), 401, "missing"},
		"two spaces":            {get("Authorization", "Bearer  "+tok), 400, "malformed_request"},
		"trailing space":        {get("Authorization", "Bearer "+tok+" "), 400, "malformed_request"},
		"no token":              {get("Authorization", "Bearer "), 400, "malformed_request"},
		"two headers":           {get("Authorization", "Bearer "+tok, "Authorization", "Bearer "+tok), 400, "malformed_request"},
		"a tab in it":           {get("Authorization", "Bearer "+tok+"\t"), 400, "malformed_request"},
		"a list":                {get("Authorization", "Bearer "+tok+","+tok), 400, "malformed_request"},
		"another scheme":        {get("Authorization", "Basic "+tok), 401, "missing"},
		"in the query":          {httptest.NewRequest("GET", "/?access_token="+tok, nil), 401, "missing"},
		"two different cookies": {get("Cookie", "__Host-jotkeeper="+tok+"; __Host-jotkeeper="+h.token()), 400, "ambiguous"},
	} {
		want(t, name, h.ask(c.r), c.status, c.reason)
	}
}

// A058: a cookie of one person beside a header of another is never a mixture.
func TestA058TwoIdentitiesAreAmbiguous(t *testing.T) {
	h := newHouse(t)
	ada := h.token()
	both := func(header, cookie string) *httptest.ResponseRecorder {
		return h.ask(get("Authorization", "Bearer "+header, "Cookie", "__Host-jotkeeper="+cookie))
	}
	if w := both(h.token(), ada); w.Code != 200 {
		t.Errorf("two tokens of one session: %d %s", w.Code, w.Body)
	}
	want(t, "another's cookie", both(ada, h.token(subject("43"), session("sid-of-bob"))), 400, "ambiguous")
	want(t, "a dead cookie", both(ada, ada[:len(ada)-4]+"AAAA"), 400, "ambiguous")
	want(t, "a dead header", both(ada[:len(ada)-4]+"AAAA", ada), 400, "ambiguous")
	want(t, "no session to compare", both(h.token(session("")), h.token(session(""))), 400, "ambiguous")
}

// A034: scopes are whole words.
func TestA034ScopeIsWholeWords(t *testing.T) {
	h := newHouse(t)
	for held, status := range map[string]int{"read": 200, "write read": 200, "readx": 403, "xread": 403, "": 403, "read:all": 403, "READ": 403} {
		w := h.ask(get("Authorization", "Bearer "+h.token(scope(held))), jotkeeper.Scope("read"))
		if w.Code != status {
			t.Errorf("scope %q: %d, want %d", held, w.Code, status)
		}
		if status == 403 && !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="insufficient_scope"`) {
			t.Errorf("scope %q: challenge %q", held, w.Header().Get("WWW-Authenticate"))
		}
	}
	w := h.ask(get("Authorization", "Bearer "+h.token(scope("b"))), jotkeeper.Scope("b", "a"))
	if got := w.Header().Get("WWW-Authenticate"); !strings.Contains(got, `scope="a b"`) {
		t.Errorf("challenge does not name what is needed: %q", got)
	}
}

// A035: a bound token is no bearer token where the binding cannot be checked.
func TestA035BoundTokenIsNoBearerToken(t *testing.T) {
	h := newHouse(t)
	bound := h.token(func(c *jwt.Access) { c.Confirmation = &jwt.Confirmation{Lock: "x"} })
	want(t, "locked", h.ask(get("Authorization", "Bearer "+bound)), 401, "binding")
}

func TestAudienceOfARoute(t *testing.T) {
	h := newHouse(t)
	other := h.token(func(c *jwt.Access) { c.Audience = jwt.Audience{"files.example.test"} })
	want(t, "default", h.ask(get("Authorization", "Bearer "+other)), 401, "audience")
	if w := h.ask(get("Authorization", "Bearer "+other), jotkeeper.Audience("files.example.test")); w.Code != 200 {
		t.Errorf("the route's audience: %d %s", w.Code, w.Body)
	}
	want(t, "the other's route", h.ask(get("Authorization", "Bearer "+h.token()), jotkeeper.Audience("files.example.test")), 401, "audience")
}

// A019: a route takes the kinds it was made for, and no other.
func TestA019KindOfARoute(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	other := &sessionToken{jwt.Access{Registered: jwt.Registered{
		Issuer: issuer, Subject: "42", Audience: jwt.Audience{audience}, ID: jwt.NewID(),
		IssuedAt: jwt.TimeOf(now), Expires: jwt.TimeOf(now.Add(time.Minute)),
	}}}
	s := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return h.key, nil }, jwt.KindSession)
	raw, err := s.Sign(now, other)
	if err != nil {
		t.Fatal(err)
	}
	session, access := get("Authorization", "Bearer "+raw), get("Authorization", "Bearer "+h.token())
	want(t, "session token, default route", h.ask(session), 401, "header")
	want(t, "access token, session route", h.ask(access, jotkeeper.Kind(jwt.KindSession)), 401, "header")
	if w := h.ask(session, jotkeeper.Kind(jwt.KindSession)); w.Code != 200 {
		t.Errorf("session token, session route: %d %s", w.Code, w.Body)
	}
	for _, r := range []*http.Request{session, access} {
		if w := h.ask(r, jotkeeper.Kind(jwt.KindSession, jwt.KindAccess)); w.Code != 200 {
			t.Errorf("route of both kinds: %d %s", w.Code, w.Body)
		}
	}
}

// sessionToken is an access token's claims in a token of another kind.
type sessionToken struct{ jwt.Access }

func (*sessionToken) Kind() jwt.Kind { return jwt.KindSession }

// A071, A072, A073: a cookie alone does not speak for a state-changing request.
func TestA071CookieNeedsAnOrigin(t *testing.T) {
	h := newHouse(t, func(c *jotkeeper.Config) { c.Origins = []string{"https://front.example.test"} })
	tok := h.token()
	for name, c := range map[string]struct {
		header []string
		ok     bool
	}{
		"own origin":                    {[]string{"Origin", "https://app.example.test"}, true},
		"own origin, plain connection":  {[]string{"Origin", "http://app.example.test"}, true},
		"listed origin":                 {[]string{"Origin", "https://front.example.test"}, true},
		"same-origin by fetch metadata": {[]string{"Sec-Fetch-Site", "same-origin"}, true},
		"own referer":                   {[]string{"Referer", "https://app.example.test/page?x=1"}, true},
		"nothing at all":                {nil, false},
		"null origin":                   {[]string{"Origin", "null"}, false},
		"suffix of ours":                {[]string{"Origin", "https://app.example.test.evil"}, false},
		"prefix of ours":                {[]string{"Origin", "https://evilapp.example.test"}, false},
		"other port":                    {[]string{"Origin", "https://app.example.test:444"}, false},
		"http twin of a listed origin":  {[]string{"Origin", "http://front.example.test"}, false},
		"two origins":                   {[]string{"Origin", "https://app.example.test", "Origin", "https://evil.test"}, false},
		"bad origin, good fetch site":   {[]string{"Origin", "https://evil.test", "Sec-Fetch-Site", "same-origin"}, false},
		"same-site sibling":             {[]string{"Sec-Fetch-Site", "same-site"}, false},
		"cross-site":                    {[]string{"Sec-Fetch-Site", "cross-site", "Referer", "https://app.example.test/"}, false},
		"address bar":                   {[]string{"Sec-Fetch-Site", "none"}, false},
		"foreign referer":               {[]string{"Referer", "https://evil.test/https://app.example.test/"}, false},
		"A066 override":                 {[]string{"X-HTTP-Method-Override", "GET", "X-Method-Override", "GET", "X-HTTP-Method", "GET"}, false},
		"referer with user information": {[]string{"Referer", "https://app.example.test@evil.test/"}, false},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "PURGE", "TRACE", "CONNECT", "get"} { // A066; CONNECT opens WebSockets over HTTP/2
			w := h.ask(request(method, append(c.header, "Cookie", "__Host-jotkeeper="+tok)...))
			if c.ok && w.Code != 200 {
				t.Errorf("%s %s: %d %s", method, name, w.Code, w.Body)
			}
			if !c.ok {
				want(t, method+" "+name, w, 403, "csrf")
			}
		}
		if w := h.ask(request("POST", append(c.header, "Authorization", "Bearer "+tok)...)); w.Code != 200 {
			t.Errorf("a header token needs no origin; %s: %d", name, w.Code)
		}
		if w := h.ask(get(append(c.header, "Cookie", "__Host-jotkeeper="+tok)...)); w.Code != 200 {
			t.Errorf("GET changes nothing; %s: %d", name, w.Code)
		}
	}
}

// A084: a WebSocket is no page's but our own, though it begins with a GET.
func TestA084WebSocketsNeedAnOrigin(t *testing.T) {
	h := newHouse(t)
	upgrade := []string{"Cookie", "__Host-jotkeeper=" + h.token(), "Connection", "Upgrade", "Upgrade", "websocket"}
	for origin, status := range map[string]int{"https://app.example.test": 200, "https://evil.test": 403, "null": 403} {
		if w := h.ask(get(append(upgrade, "Origin", origin)...)); w.Code != status {
			t.Errorf("%s: %d, want %d", origin, w.Code, status)
		}
	}
	want(t, "no origin", h.ask(get(upgrade...)), 403, "csrf")
}

func TestFromFormAndQueryOnlyWhereTheRouteSaysSo(t *testing.T) {
	h := newHouse(t)
	tok := h.token()
	form := func(body string) *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	one := url.Values{"access_token": {tok}, "note": {"hello"}}.Encode()
	want(t, "form, not allowed", h.ask(form(one)), 401, "missing")
	if w := h.ask(form(one), jotkeeper.FromForm("access_token")); w.Code != 200 {
		t.Errorf("form: %d %s", w.Code, w.Body)
	}
	want(t, "two in the form", h.ask(form(one+"&access_token=x"), jotkeeper.FromForm("access_token")), 400, "malformed_request")
	want(t, "query is not the form", h.ask(httptest.NewRequest("POST", "/?"+one, nil), jotkeeper.FromForm("access_token")), 401, "missing")
	want(t, "an endless form", h.ask(form("note="+strings.Repeat("x", 1<<20)), jotkeeper.FromForm("access_token")), 400, "malformed_request")

	query := httptest.NewRequest("GET", "/?"+one, nil)
	if w := h.ask(query, jotkeeper.InsecureFromQuery("access_token")); w.Code != 200 {
		t.Errorf("query: %d %s", w.Code, w.Body)
	}
	want(t, "two in the query", h.ask(httptest.NewRequest("GET", "/?access_token=a&access_token=b", nil), jotkeeper.InsecureFromQuery("access_token")), 400, "malformed_request")
}

// rules is a Checker of one answer.
type rules struct {
	verdict revocation.Verdict
	asked   atomic.Int64
}

func (x *rules) Check(_ time.Time, q *revocation.Query) revocation.Verdict {
	x.asked.Add(1)
	return x.verdict
}

func TestRevocationIsAskedAfterEveryVerification(t *testing.T) {
	x := &rules{}
	h := newHouse(t, func(c *jotkeeper.Config) { c.Revocations = x })
	tok := h.token()
	for i := range 3 {
		if w := h.ask(get("Authorization", "Bearer "+tok)); w.Code != 200 || x.asked.Load() != int64(i+1) {
			t.Fatalf("request %d: %d, asked %d times", i, w.Code, x.asked.Load())
		}
	}
	x.verdict = revocation.Verdict{Action: revocation.Rotate}
	if w := h.ask(get("Authorization", "Bearer "+tok)); w.Code != 200 || w.Header().Get("Jotkeeper-Renew") != "1" {
		t.Errorf("rotate: %d, Jotkeeper-Renew %q", w.Code, w.Header().Get("Jotkeeper-Renew"))
	}
	x.verdict = revocation.Verdict{Action: revocation.Revoke, Scope: revocation.ScopeSession, Reason: "logout"}
	want(t, "revoked", h.ask(get("Authorization", "Bearer "+tok)), 401, "revoked")

	before := x.asked.Load()
	h.ask(get("Authorization", "Bearer "+tok[:len(tok)-4]+"AAAA"))
	if x.asked.Load() != before {
		t.Error("a forged token reached the revocation rules: they must not be an oracle")
	}
}

// issuerThatAnswers serves /revocation/v1/check for a house of its own URL.
func issuerThatAnswers(t *testing.T, answer http.HandlerFunc) (*house, *atomic.Int64) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path != "/revocation/v1/check" || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer eyJ") {
			t.Errorf("asked %s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return newHouse(t, func(c *jotkeeper.Config) { c.Issuer = server.URL }), &calls
}

func TestRevalidateAsksTheIssuer(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		status int
		reason string
	}{
		"active":          {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"active":true}`) }, 200, ""},
		"revoked":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); fmt.Fprint(w, `{"code":"revoked"}`) }, 401, "revoked"},
		"an unknown code": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); fmt.Fprint(w, `{"code":"<b>"}`) }, 503, "unavailable"},
		"not active":      {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"active":false}`) }, 503, "unavailable"},
		"HTML":            {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>`) }, 503, "unavailable"},
		"an error":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, 503, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			h, calls := issuerThatAnswers(t, c.answer)
			tok := "Bearer " + h.token()
			if w := h.ask(get("Authorization", tok)); w.Code != 200 || calls.Load() != 0 {
				t.Errorf("without Revalidate: %d, %d calls", w.Code, calls.Load())
			}
			w := h.ask(get("Authorization", tok), jotkeeper.Revalidate())
			want(t, name, w, c.status, c.reason)
			if calls.Load() != 1 {
				t.Errorf("%d calls, want 1", calls.Load())
			}
		})
	}
}

func TestRevalidateTakesTheTokenToTheIssuerAlone(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger was asked, with %q", r.Header.Get("Authorization"))
		fmt.Fprint(w, `{"active":true}`)
	}))
	defer elsewhere.Close()
	h, _ := issuerThatAnswers(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	want(t, "redirect", h.ask(get("Authorization", "Bearer "+h.token()), jotkeeper.Revalidate()), 503, "unavailable")
}

func TestRevalidateNeverAsksAboutForgeries(t *testing.T) {
	h, calls := issuerThatAnswers(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"active":true}`) })
	tok := h.token()
	want(t, "forged", h.ask(get("Authorization", "Bearer "+tok[:len(tok)-4]+"AAAA"), jotkeeper.Revalidate()), 401, "signature")
	want(t, "scope", h.ask(get("Authorization", "Bearer "+tok), jotkeeper.Revalidate(), jotkeeper.Scope("pay")), 403, "scope")
	if calls.Load() != 0 {
		t.Errorf("%d calls, want none", calls.Load())
	}
}

func TestAnIssuerThatIsDownIsNoLogout(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	h := newHouse(t, func(c *jotkeeper.Config) { c.Issuer = server.URL })
	w := h.ask(get("Authorization", "Bearer "+h.token()), jotkeeper.Revalidate())
	want(t, "down", w, 503, "unavailable")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
