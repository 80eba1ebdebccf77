package rails_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/examples/migrate/handover"
	"github.com/jotkeeper/jotkeeper/examples/migrate/internal/evening"
	"github.com/jotkeeper/jotkeeper/examples/migrate/rails"
	"github.com/jotkeeper/jotkeeper/internal/needs"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

const (
	railsSecret = "dd1d7c2f7bdf4a3e9d0f2b5c8e6a1b4790c3d5e7f9ab1c3d5e7f9a0b2c4d6e8f"
	lockSecret  = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	otherSecret = "ffffffffffffffff0000000000000000"
)

// rubySide mints as the two gems do, by the library that they use, and writes the
// cookie as three generations of Rails do.
const rubySide = `
case a[0]
when "gem"
  claims = { "nbf" => a[1].to_i, "iat" => a[1].to_i, "jti" => a[4], "iss" => "api.example.com", "aud" => "web", "exp" => a[1].to_i + 86400, "ver" => "7", "uid" => 42 }
  claims.merge!(JSON.parse(a[3])).compact!
  JWT.encode(claims, "` + railsSecret + `" + a[2], "HS512")
when "knock"
  JWT.encode({ "exp" => a[1].to_i + 86400, "sub" => 42 }.merge(JSON.parse(a[3])).compact, "` + railsSecret + `", a[2])
when "cookie"
  inner = { "json" => JSON.generate(a[2]), "marshal" => Marshal.dump(a[2]),
            "purpose" => JSON.generate({ "_rails" => { "message" => Base64.strict_encode64(JSON.generate(a[2])), "exp" => "2030-01-01T00:00:00.000Z", "pur" => "cookie.jwt_keeper" } }),
            "data" => JSON.generate({ "_rails" => { "data" => a[2], "pur" => "cookie.jwt_keeper" } }) }[a[1]]
  signed = Base64.strict_encode64(inner)
  require "uri"
  URI.encode_www_form_component(signed + "--" + OpenSSL::HMAC.hexdigest("SHA1", "rails", signed))
end`

// A list is the old side's denied tokens.
type list struct {
	ids   map[string]bool
	away  bool
	asked int // how often, to read or to write
}

func (l *list) Denied(_ context.Context, id string) (bool, error) {
	l.asked++
	if l.away {
		return false, errors.New("redis is away")
	}
	return l.ids[id], nil
}

func (l *list) Deny(_ context.Context, id string) error {
	l.asked++
	if l.away {
		return errors.New("redis is away")
	}
	l.ids[id] = true
	return nil
}

type world struct {
	*evening.House
	t      *testing.T
	ruby   func(...string) string
	door   *rails.Door
	denied *list
	until  time.Time
}

func newWorld(t *testing.T, old func(until time.Time) rails.Old) *world {
	w := &world{House: evening.New(t), t: t, ruby: needs.Ruby(t, rubySide), denied: &list{ids: map[string]bool{}}}
	w.until = w.Now().Add(7 * 24 * time.Hour)
	w.door = &rails.Door{Keeper: w.Keeper, Desk: handover.NewDesk(w.Keeper, w.Now), Old: old(w.until), Denied: w.denied, Now: w.Now}
	return w
}

func gem(until time.Time) rails.Old {
	return rails.Gem{Claim: "uid", Reader: binding.InsecureHMACSuffix{Secret: []byte(railsSecret), Until: until, Issuer: "api.example.com", Audience: []string{"web"}}}
}

func knock(until time.Time) rails.Old {
	return rails.Knock{Secret: []byte(railsSecret), Until: until}
}

func (w *world) gemToken(lock, jti, claims string) string {
	return w.ruby("gem", fmt.Sprint(w.Now().Unix()), lock, claims, jti)
}

func (w *world) knockToken(alg, claims string) string {
	return w.ruby("knock", fmt.Sprint(w.Now().Unix()), alg, claims)
}

func (w *world) railsCookie(kind, secret string) string { return w.ruby("cookie", kind, secret) }

// A browser whose script stores the header of each answer, as JWT Keeper's do.
type browser struct {
	header  string
	cookies map[string]string
}

func (b browser) request() *http.Request {
	r := httptest.NewRequest("GET", "https://shop.example.com/orders", nil)
	if b.header != "" {
		r.Header.Set("Authorization", "Bearer "+b.header)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// post is a form of our own page.
func (b browser) post() *http.Request {
	r := b.request()
	r.Method = "POST"
	r.Header.Set("Origin", "https://shop.example.com")
	return r
}

func (b *browser) take(res *httptest.ResponseRecorder) {
	if renewed, ok := strings.CutPrefix(res.Header().Get("Authorization"), "Bearer "); ok {
		b.header = renewed
	}
	for _, c := range res.Result().Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
}

func (w *world) visit(b browser) (*httptest.ResponseRecorder, string) {
	res := httptest.NewRecorder()
	w.door.Handler(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		t, _ := keeper.FromContext(r.Context())
		fmt.Fprint(out, t.Subject())
	})).ServeHTTP(res, b.request())
	return res, evening.Said(res)
}

func (w *world) open(b *browser) string {
	res, body := w.visit(*b)
	b.take(res)
	return body
}

func (w *world) locked(kind string) *browser {
	return &browser{w.gemToken(lockSecret, "j-"+kind, "{}"), map[string]string{"jwt_keeper": w.railsCookie(kind, lockSecret)}}
}

// The evening: a browser with a locked token is given a cookie at the first sight.
// Its script goes on sending what it holds, which is dead a grace later.
func TestBrowsersOfTheGem(t *testing.T) {
	w := newWorld(t, gem)
	for _, kind := range []string{"json", "marshal", "purpose", "data"} {
		b := w.locked(kind)
		old := b.header
		for i := range 3 {
			if got := w.open(b); got != "42" {
				t.Fatalf("%s, visit %d: %s", kind, i, got)
			}
		}
		if b.header != old || b.cookies[jotkeeper.DefaultCookie] == "" || !w.denied.ids["j-"+kind] {
			t.Errorf("%s: a script was given a token, or the browser none: %v", kind, b.cookies)
		}
		w.Wait(handover.Grace)
		delete(b.cookies, jotkeeper.DefaultCookie)
		if got := w.open(b); got != "revoked" {
			t.Errorf("%s: the old halves without the new: %s", kind, got)
		}
	}
	if o, n := w.door.Counts(); o != 4 || n != 8 || w.Stats().Created != 4 || w.denied.asked != 12 {
		t.Errorf("%d old, %d new, %d sessions, the old side was asked %d times, not thrice a browser", o, n, w.Stats().Created, w.denied.asked)
	}
}

// Programs without cookies go on as they did: they take the header of the answer.
func TestProgramsOfTheGem(t *testing.T) {
	w := newWorld(t, gem)
	b := &browser{header: w.gemToken("", "j", "{}")}
	old := b.header
	for range 3 {
		if got := w.open(b); got != "42" {
			t.Fatal(got)
		}
	}
	if o, n := w.door.Counts(); o != 1 || n != 2 || b.header == old {
		t.Errorf("%d old, %d new", o, n)
	}
	before := b.header
	w.Wait(40 * time.Minute)
	if got := w.open(b); got != "42" || b.header == before {
		t.Errorf("not renewed: %s", got)
	}
	w.Wait(w.until.Sub(w.Now()))
	if got := w.open(&browser{header: w.gemToken("", "k", "{}")}); got != "key" {
		t.Errorf("after the date: %s", got)
	}
}

// A060 and what else the old side would have refused.
func TestTokensOfTheGemThatAreRefused(t *testing.T) {
	w := newWorld(t, gem)
	stale := map[string]string{"jwt_keeper": w.railsCookie("purpose", otherSecret)}
	locked := w.gemToken(lockSecret, "j", "{}")
	w.denied.ids["dead"] = true
	for name, c := range map[string]struct {
		b    browser
		want string
	}{
		"A060 without its cookie":  {browser{header: locked}, "signature"},
		"A060 another's cookie":    {browser{locked, stale}, "signature"},
		"A060 a cookie of nothing": {browser{locked, map[string]string{"jwt_keeper": "x"}}, "signature"},
		"ended in Rails":           {browser{header: w.gemToken("", "dead", "{}")}, "revoked"},
		"expired":                  {browser{header: w.gemToken("", "j", fmt.Sprintf(`{"exp":%d}`, w.Now().Unix()))}, "expired"},
		"nobody's":                 {browser{header: w.gemToken("", "j", `{"uid":null}`)}, "claims"},
		"nothing":                  {browser{}, "missing"},
	} {
		if _, got := w.visit(c.b); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if _, got := w.visit(browser{w.gemToken("", "j", "{}"), stale}); got != "42" {
		t.Errorf("an unlocked token beside a stale cookie: %s", got)
	}
	b := w.locked("json")
	w.open(b)
	w.denied.away = true
	if res, got := w.visit(browser{header: w.gemToken("", "new", "{}")}); res.Code != 503 {
		t.Errorf("while Redis is away: %d %s", res.Code, got)
	}
	if got := w.open(b); got != "42" || w.denied.ids["j-json"] {
		t.Errorf("with a new token in hand: %s", got)
	}
	w.denied.away = false
	if got := w.open(b); got != "42" || !w.denied.ids["j-json"] {
		t.Errorf("when Redis is back: %s, ended %t", got, w.denied.ids["j-json"])
	}
}

// A062 in a request with two people: neither.
func TestTwoPeopleAreNobody(t *testing.T) {
	w := newWorld(t, gem)
	b := w.locked("json")
	w.open(b)
	b.header = w.gemToken("", "bob", `{"uid":7}`)
	if res, got := w.visit(*b); res.Code != 400 || got != "ambiguous" {
		t.Errorf("another's old token in the header: %d %s", res.Code, got)
	}
	bob := &browser{header: w.gemToken("", "bob2", `{"uid":7}`)}
	w.open(bob)
	b.header = bob.header
	if res, got := w.visit(*b); res.Code != 400 || got != "ambiguous" {
		t.Errorf("another's new token in the header: %d %s", res.Code, got)
	}
}

// A logout ends both, whichever of them the client brings.
func TestLogoutEndsBoth(t *testing.T) {
	for _, bring := range []string{"the old token", "the new token", "the answer was lost"} {
		t.Run(bring, func(t *testing.T) {
			w := newWorld(t, gem)
			old := browser{header: w.gemToken("", "j", "{}")}
			fresh := old
			if bring != "the old token" {
				w.open(&fresh)
			}
			leaver := fresh
			if bring == "the answer was lost" {
				leaver = old
			}
			if err := w.door.Logout(httptest.NewRecorder(), leaver.post()); err != nil {
				t.Fatal(err)
			}
			for name, b := range map[string]browser{"old": old, "new": fresh} {
				if _, got := w.visit(b); got != "revoked" {
					t.Errorf("the %s one is %s", name, got)
				}
			}
		})
	}
}

// A075: a form on another site ends nothing, on neither side.
func TestA075ALogoutOfAnotherSite(t *testing.T) {
	w := newWorld(t, gem)
	b := w.locked("json")
	w.open(b)
	asked := w.denied.asked
	r := browser{cookies: b.cookies}.post()
	r.Header.Set("Origin", "https://evil.example")
	if err := w.door.Logout(httptest.NewRecorder(), r); jwt.ReasonOf(err) != jwt.CSRF || w.denied.asked != asked {
		t.Errorf("%v, and the old side was asked %d times", err, w.denied.asked-asked)
	}
	if got := w.open(b); got != "42" {
		t.Errorf("afterwards: %s", got)
	}
}

// The evening of Knock: its clients take the header of the answer, or go on with
// the old token until its end.
func TestKnock(t *testing.T) {
	w := newWorld(t, knock)
	patient := browser{header: w.knockToken("HS256", "{}")} // its program was not changed
	b := &browser{header: w.knockToken("HS256", `{"sub":"8c4f","x":1}`)}
	for range 3 {
		if got := w.open(b); got != "8c4f" {
			t.Fatal(got)
		}
		if _, got := w.visit(patient); got != "42" {
			t.Fatal(got)
		}
	}
	if o, n := w.door.Counts(); o != 4 || n != 2 || w.Stats().Created != 2 {
		t.Errorf("%d old, %d new, %d sessions", o, n, w.Stats().Created)
	}
	old := patient
	w.open(&patient)
	if err := w.door.Logout(httptest.NewRecorder(), patient.post()); err != nil {
		t.Fatal(err)
	}
	w.door.Desk = handover.NewDesk(w.Keeper, w.Now) // a restart
	if _, got := w.visit(old); got != "revoked" {
		t.Errorf("the old token after a logout with the new one: %s", got)
	}
	w.Wait(w.until.Sub(w.Now()))
	if _, got := w.visit(browser{header: w.knockToken("HS256", "{}")}); got != "key" {
		t.Errorf("after the date: %s", got)
	}
}

// A001, A003, A006, A009 and the claims that Knock may leave out.
func TestTokensOfKnockThatAreRefused(t *testing.T) {
	w := newWorld(t, knock)
	good := w.knockToken("HS256", "{}")
	_, rest, _ := strings.Cut(good, ".")
	header := func(h string) string { return base64.RawURLEncoding.EncodeToString([]byte(h)) + "." + rest }
	for name, raw := range map[string]string{
		"A001 none":           header(`{"alg":"none"}`),
		"A001 none, unsigned": header(`{"alg":"none"}`)[:strings.LastIndex(header(`{"alg":"none"}`), ".")+1],
		"A001 HS512":          w.knockToken("HS512", "{}"),
		"A003 unsigned":       good[:strings.LastIndex(good, ".")+1],
		"A003 zero":           good[:strings.LastIndex(good, ".")+1] + strings.Repeat("A", 43),
		"A006 jku":            header(`{"alg":"HS256","jku":"https://evil.example"}`),
		"A009 alg twice":      header(`{"alg":"none","alg":"HS256"}`),
		"no exp":              w.knockToken("HS256", `{"exp":null}`),
		"expired":             w.knockToken("HS256", fmt.Sprintf(`{"exp":%d}`, w.Now().Unix()-1)),
		"nobody":              w.knockToken("HS256", `{"sub":null}`),
		"half a person":       w.knockToken("HS256", `{"sub":1.5}`),
		"an audience":         w.knockToken("HS256", `{"aud":"files"}`),
	} {
		if res, got := w.visit(browser{header: raw}); res.Code != 401 {
			t.Errorf("%s: %d %s", name, res.Code, got)
		}
	}
	w.door.Old = rails.Knock{Secret: []byte(railsSecret), Until: w.until, InsecureNoExpiry: true, Audience: "shop"}
	if _, got := w.visit(browser{header: w.knockToken("HS256", `{"exp":null,"aud":"shop"}`)}); got != "42" {
		t.Errorf("no exp, asked for: %s", got)
	}
	w.door.Old = rails.Knock{Secret: []byte("short"), Until: w.until}
	if res, got := w.visit(browser{header: good}); res.Code != 503 || got != "unavailable" {
		t.Errorf("a short secret: %d %s", res.Code, got)
	}
}

// A060: what was locked stays locked. Who steals the new token alone has nothing,
// and the owner, whose lock comes along, is served from the first request on, also
// when an answer is lost.
func TestA060ALockedTokenStaysLocked(t *testing.T) {
	w := newWorld(t, gem)
	b := w.locked("json")
	for range 2 {
		if _, got := w.visit(*b); got != "42" {
			t.Fatalf("an answer that is lost: %s", got)
		}
	}
	w.open(b)
	token := b.cookies[jotkeeper.DefaultCookie]
	for name, thief := range map[string]browser{
		"in the cookie": {cookies: map[string]string{jotkeeper.DefaultCookie: token}},
		"in the header": {header: token},
	} {
		if _, got := w.visit(thief); got != "binding" {
			t.Errorf("a thief of the token, %s: %s", name, got)
		}
		if err := w.door.Logout(httptest.NewRecorder(), thief.post()); jwt.ReasonOf(err) != jwt.Binding || w.denied.ids["j-json"] {
			t.Errorf("a thief logs out with the token %s: %v", name, err)
		}
	}
	if got := w.open(b); got != "42" || w.Stats().Created != 1 || !w.denied.ids["j-json"] {
		t.Errorf("%s, %d sessions, the old one ended %t", got, w.Stats().Created, w.denied.ids["j-json"])
	}
}

// A logout with a locked token ends what it came from, too.
func TestA060ALogoutWithTheLockEndsBoth(t *testing.T) {
	w := newWorld(t, gem)
	b := w.locked("json")
	old := *b
	old.cookies = map[string]string{"jwt_keeper": b.cookies["jwt_keeper"]}
	w.open(b)
	b.header = ""
	if err := w.door.Logout(httptest.NewRecorder(), b.post()); err != nil || !w.denied.ids["j-json"] {
		t.Errorf("%v, the old one ended %t", err, w.denied.ids["j-json"])
	}
	w.door.Desk = handover.NewDesk(w.Keeper, w.Now) // a restart
	if _, got := w.visit(old); got != "revoked" {
		t.Errorf("the old token: %s", got)
	}
}
