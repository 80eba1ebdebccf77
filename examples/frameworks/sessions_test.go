package frameworks_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/examples/frameworks/chi"
	"github.com/jotkeeper/jotkeeper/examples/frameworks/echo"
	"github.com/jotkeeper/jotkeeper/examples/frameworks/gin"
	"github.com/jotkeeper/jotkeeper/examples/frameworks/nethttp"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

var shops = map[string]func(*keeper.Keeper, <-chan string) http.Handler{
	"net/http": nethttp.Shop, "chi": chi.Shop, "gin": gin.Shop, "echo": echo.Shop,
}

const evil = "https://evil.example"

// A visit is one request, and what comes back.
type visit struct {
	what   string
	later  time.Duration // since the visit before
	path   string        // with the method, GET if there is none
	bring  string        // which token: cookie, header, old cookie, old header
	from   string        // Origin; the own one for what changes something
	status int
	answer string // the body, or the code of a refusal, or where it leads
	given  string // where it brings a token: cookie, header; gone: it takes the cookie
}

// An evening of two clients of one person: a browser that keeps a cookie, and a
// program that keeps the token itself. Half an hour and a minute is past half of
// a token's life.
var visits = []visit{
	{what: "a page needs a login", path: "/home", status: 303, answer: "/login?return_to=%2Fhome"},
	{what: "a route says so", path: "POST /api/orders", status: 401, answer: "missing"},
	{what: "a login that another site sends", path: "POST /login", from: evil, status: 403, answer: "refused"},
	{what: "a login", path: "POST /login?return_to=%2Fhome", status: 303, answer: "/home", given: "cookie"},
	{what: "a page", path: "/home", bring: "cookie", status: 200, answer: "home of ada"},
	{what: "a program logs in", path: "POST /api/login", status: 303, answer: "/", given: "header"},
	{what: "a route", path: "/api/orders", bring: "header", status: 200, answer: "orders of ada"},
	{what: "two sessions in one request", path: "/home", bring: "both", status: 400, answer: "ambiguous"},
	{what: "another site's form", path: "POST /api/orders", bring: "cookie", from: evil, status: 403, answer: "csrf"},
	{what: "our own form", path: "POST /api/orders", bring: "cookie", status: 201, answer: "ordered by ada"},
	{what: "a program's order", path: "POST /api/orders", bring: "header", from: evil, status: 201, answer: "ordered by ada"},
	{what: "what all may keep", path: "/prices", bring: "cookie", status: 200, answer: "tea 3"},
	{what: "renewed by cookie", later: 31 * time.Minute, path: "/home", bring: "cookie", status: 200, answer: "home of ada", given: "cookie"},
	{what: "renewed by header", path: "/api/orders", bring: "header", status: 200, answer: "orders of ada", given: "header"},
	{what: "the new one", path: "/home", bring: "cookie", status: 200, answer: "home of ada"},
	{what: "the old one, a moment later", path: "/home", bring: "old cookie", status: 200, answer: "home of ada", given: "cookie"},
	{what: "renewed with what all may keep", later: 31 * time.Minute, path: "/prices", bring: "cookie", status: 200, answer: "tea 3", given: "cookie"},
	{what: "renewed with an order", path: "POST /api/orders", bring: "header", status: 201, answer: "ordered by ada", given: "header"},
	{what: "renewed under a stream", later: 31 * time.Minute, path: "/news", bring: "cookie", status: 200, answer: "data: one\n\ndata: two\n\n", given: "cookie"},
	{what: "renewed meanwhile", path: "/api/orders", bring: "header", status: 200, answer: "orders of ada", given: "header"},
	{what: "renewed in a panic", later: 31 * time.Minute, path: "/panic", bring: "cookie", status: 500, answer: "", given: "cookie"},
	{what: "the answer of the panic was lost", path: "/home", bring: "old cookie", status: 200, answer: "home of ada", given: "cookie"},
	{what: "a logout that another site sends", path: "POST /logout", bring: "cookie", from: evil, status: 403, answer: "refused"},
	{what: "a logout", path: "POST /logout", bring: "cookie", status: 303, answer: "/login", given: "gone"},
	{what: "whoever kept the cookie", path: "POST /api/orders", bring: "old cookie", status: 401, answer: "revoked"},
	{what: "on a page", path: "/home", bring: "old cookie", status: 303, answer: "/login?return_to=%2Fhome"},
	{what: "the program's session", path: "/api/orders", bring: "header", status: 200, answer: "orders of ada", given: "header"},
	{what: "its logout", path: "POST /logout", bring: "header", status: 303, answer: "/login", given: "gone"},
	{what: "its token", path: "/api/orders", bring: "header", status: 401, answer: "revoked"},
}

func TestOneEveningOfSessionsInEveryFramework(t *testing.T) {
	for name, shop := range shops {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t, shop)
			for _, v := range visits {
				p.pass(v.later)
				p.makes(v)
			}
		})
	}
}

// A person has a browser, and a program.
type person struct {
	t      *testing.T
	keeper *keeper.Keeper
	ahead  atomic.Int64
	url    string
	news   chan string
	end    func()            // of the news
	held   map[string]string // tokens, by how they are kept
}

func newPerson(t *testing.T, shop func(*keeper.Keeper, <-chan string) http.Handler) *person {
	p := &person{t: t, news: make(chan string, 1), held: map[string]string{}}
	p.end = sync.OnceFunc(func() { close(p.news) })
	key, err := jwt.GenerateKey(jwt.ES256)
	if err != nil {
		t.Fatal(err)
	}
	b := memory.New()
	t.Cleanup(func() { b.Close() })
	set := b.Set()
	p.keeper, err = keeper.New(keeper.Config{
		Issuer: "https://shop.example.com", Audience: "https://shop.example.com",
		Signer: jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindSession),
		Keys:   jwt.NewSnapshot(key.Public()),
		Store:  set.Keepers, Revocations: set.Revocations,
		Now: func() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.pass(0)
	server := httptest.NewServer(recovering(shop(p.keeper, p.news)))
	t.Cleanup(server.Close)
	t.Cleanup(p.end) // a stream that nobody reads ends, too
	p.url = server.URL
	return p
}

// pass lets time pass, and the keeper hear of what happened meanwhile.
func (p *person) pass(d time.Duration) {
	p.t.Helper()
	p.ahead.Add(int64(d))
	if err := p.keeper.CatchUp(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// recovering is a program's own recovery from panics, around everything.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (p *person) makes(v visit) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	if v.path == "/news" {
		p.news <- "one"
	}
	res, err := http.DefaultTransport.RoundTrip(p.request(ctx, v)) // redirects are looked at
	if err != nil {
		p.t.Fatalf("%s: %v", v.what, err)
	}
	defer res.Body.Close()
	if answer := p.read(v, res); res.StatusCode != v.status || answer != v.answer {
		p.t.Errorf("%s: %d %q, want %d %q", v.what, res.StatusCode, answer, v.status, v.answer)
	}
	if got := p.take(v, res); got != v.given {
		p.t.Errorf("%s: it gave %q, want %q", v.what, got, v.given)
	}
	want := "no-store"
	if v.path == "/prices" && v.given == "" {
		want = "public, max-age=600"
	}
	if got := res.Header.Get("Cache-Control"); got != want && v.answer != "refused" {
		p.t.Errorf("%s: Cache-Control %q, want %q", v.what, got, want)
	}
}

func (p *person) request(ctx context.Context, v visit) *http.Request {
	p.t.Helper()
	method, path, with := strings.Cut(v.path, " ")
	if !with {
		method, path = "GET", v.path
	}
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if method == "GET" && !strings.HasPrefix(path, "/api/") {
		r.Header.Set("Sec-Fetch-Mode", "navigate")
	}
	if r.Header.Set("Origin", v.from); v.from == "" {
		r.Header.Set("Origin", p.url)
	}
	header, cookie := p.held[v.bring], ""
	switch v.bring {
	case "cookie", "old cookie":
		header, cookie = "", header
	case "both":
		header, cookie = p.held["header"], p.held["cookie"]
	}
	if header != "" {
		r.Header.Set("Authorization", "Bearer "+header)
	}
	if cookie != "" {
		r.Header.Set("Cookie", jotkeeper.DefaultCookie+"="+cookie)
	}
	return r
}

// read returns what an answer says. A stream is read while it is written: the
// second word is sent when the first has arrived.
func (p *person) read(v visit, res *http.Response) string {
	p.t.Helper()
	if v.path == "/news" {
		return p.listen(res.Body)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatalf("%s: %v", v.what, err)
	}
	if to := res.Header.Get("Location"); to != "" {
		return to
	}
	var problem struct{ Code, Message string }
	if json.Unmarshal(body, &problem) == nil {
		return problem.Code + problem.Message // echo says message, the keeper code
	}
	return strings.TrimSpace(string(body))
}

func (p *person) listen(body io.Reader) string {
	lines, all := bufio.NewReader(body), ""
	for {
		line, err := lines.ReadString('\n')
		all += line
		switch {
		case err != nil:
			return all
		case line == "data: one\n":
			p.news <- "two"
			p.end()
		}
	}
}

// take keeps the token that an answer brings, and tells where it was. One who
// fetches the successor of an old token again gets the same one.
func (p *person) take(v visit, res *http.Response) (given string) {
	p.t.Helper()
	if lines := res.Header["Set-Cookie"]; len(lines) > 1 {
		p.t.Errorf("%s: %d cookies", v.what, len(lines))
	}
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			p.held["old cookie"] = p.held["cookie"]
			return "gone"
		}
		p.keep(v, "cookie", c.Value)
		given = "cookie"
	}
	if text, ok := strings.CutPrefix(res.Header.Get("Authorization"), "Bearer "); ok {
		p.keep(v, "header", text)
		given += "header"
	}
	return given
}

func (p *person) keep(v visit, where, text string) {
	p.t.Helper()
	if v.bring == "old "+where {
		if text != p.held[where] {
			p.t.Errorf("%s: another successor", v.what)
		}
		return
	}
	p.held["old "+where], p.held[where] = p.held[where], text
}
