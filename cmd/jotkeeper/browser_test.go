package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/chromedp/chromedp"

	verifying "github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/internal/needs"
)

// A browser is Chromium, with the pages of one application. The application
// has an origin of its own; so have the auth server, and the service it calls.
type browser struct {
	t      *testing.T
	ctx    context.Context // the browser's; every tab is a child
	server *server
	road   *road  // between the pages and the auth server
	app    string // the origin of the pages
	api    string // the service
}

// openBrowser starts a server with its flags, a service that verifies, an
// application, and Chromium.
func openBrowser(t *testing.T, flags ...string) *browser {
	t.Helper()
	ctx := chromium(t)
	b := &browser{t: t, ctx: ctx, server: launch(t, t.TempDir(), flags...)}
	b.road = newRoad(t, b.server.url)
	b.app = serveHere(t, http.HandlerFunc(b.page))
	b.api = serveHere(t, b.service())
	return b
}

// chromium starts Chromium with an empty profile. It ends with the test.
func chromium(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := needs.Tool(t, "chromium", "chromium")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(needs.Folder(t)), chromedp.Flag("disable-dev-shm-usage", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, closeAllocator := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), append(options, more...)...)
	t.Cleanup(closeAllocator)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func serveHere(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// page is the application: it loads the script and keeps what happens.
func (b *browser) page(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/shown" {
		fmt.Fprint(w, r.Header.Get("Authorization"))
		return
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<!doctype html><title>app</title><script type="module">
import { Jotkeeper } from "%[1]s/jotkeeper.js";
window.id = new Jotkeeper({ issuer: "%[1]s", services: ["%[2]s"] });
window.changes = [];
id.addEventListener("change", () => changes.push(id.claims ? id.claims.sid : "out"));
window.order = async () => { const r = await id.fetch("%[2]s/orders"); return r.status + " " + (await r.text()).trim(); };
window.loaded = true;
</script>`, b.road.url, b.api)
}

// service is another origin, which verifies by itself.
func (b *browser) service() http.Handler {
	auth, err := verifying.New(verifying.Config{Issuer: b.server.url, Audience: strings.TrimPrefix(b.app, "http://")})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { auth.Close() })
	guarded := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "tea") }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", b.app)
		w.Header().Set("Access-Control-Allow-Headers", "Authorization")
		if r.Method == http.MethodOptions {
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// tab opens one more tab of the application.
func (b *browser) tab() *tab {
	b.t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	b.t.Cleanup(closeTab)
	t := &tab{t: b.t, ctx: ctx, close: closeTab}
	if err := chromedp.Do(ctx, chromedp.Navigate(b.app)); err != nil {
		b.t.Fatal(err)
	}
	t.becomes("window.loaded")
	return t
}

// A tab runs what a page would.
type tab struct {
	t     *testing.T
	ctx   context.Context
	close context.CancelFunc
}

// does evaluates an expression, awaits it, and returns its text; what it
// throws is returned as "code: message".
func (p *tab) does(expression string) string {
	p.t.Helper()
	wrapped := `(async () => { try { return String(await (` + expression + `)) } catch (e) { return (e.code ?? e.name) + ": " + e.message } })()`
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](wrapped, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

func (p *tab) want(expression, want string) {
	p.t.Helper()
	if got := p.does(expression); got != want {
		p.t.Errorf("%s is %q, want %q", expression, got, want)
	}
}

func (p *tab) number(expression string) int {
	p.t.Helper()
	n, err := strconv.Atoi(p.does(expression))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// becomes waits until an expression is true in the page.
func (p *tab) becomes(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool]("!!("+expression+")")); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
}

// A road lies between the pages and the auth server. It counts, and does what
// roads do.
type road struct {
	url string

	mu        sync.Mutex
	refreshes int
	lose      func(refresh int) bool // the server has answered, the page never hears of it
	cut       bool                   // it hears the beginning: Chromium itself repeats what has none
	block     bool                   // 503, as a server without its store
}

func newRoad(t *testing.T, to string) *road {
	destination, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	r := &road{lose: func(int) bool { return false }}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(destination); p.Out.Host = destination.Host },
		ModifyResponse: func(res *http.Response) error {
			if !r.lost(res.Request) {
				return nil
			}
			if !r.cut {
				panic(http.ErrAbortHandler)
			}
			res.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(http.ErrAbortHandler)))
			return nil
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // it says of each cut that it happened
	}
	r.url = serveHere(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		blocked := r.block && req.URL.Path == "/session/refresh"
		r.mu.Unlock()
		if blocked {
			w.Header().Set("Access-Control-Allow-Origin", req.Header.Get("Origin"))
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"error":"The server cannot know now.","code":"unavailable"}`)
			return
		}
		proxy.ServeHTTP(w, req)
	}))
	return r
}

func (r *road) lost(req *http.Request) bool {
	if req.URL.Path != "/session/refresh" {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refreshes++
	return r.lose(r.refreshes)
}

func (r *road) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refreshes
}

func (r *road) set(change func(*road)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}
