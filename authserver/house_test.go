package authserver_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer   = "https://id.example.com"
	app      = "https://app.example.com"
	other    = "https://other.example.com"
	adminKey = "a-password-for-the-private-routes"
	good     = "moss-kettle-orbit-42"
)

// A house is a whole auth server with a clock that a test turns.
type house struct {
	t       *testing.T
	handler http.Handler
	backend store.Backend
	keys    *keyring.Ring
	acts    *acts.Acts
	index   *revocation.Index
	log     *lines
	clock   *clock
	cfg     authserver.Config
}

type clock struct {
	mu    sync.Mutex
	now   time.Time
	err   error
	bombs bool
}

func (c *clock) Now() (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bombs {
		panic("boom")
	}
	return c.now, c.err
}

func (c *clock) explode(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bombs = on
}

func (c *clock) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = fmt.Errorf("%w: %w", session.ErrClock, err)
}

func (c *clock) heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = nil
}

// realNow is this machine's clock, which the staleness of rules goes by.
func realNow() time.Time { return time.Now() }

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lines is a log that many goroutines write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// build makes a house on a backend; with changes the server's configuration.
func build(t *testing.T, backend store.Backend, changes ...func(*authserver.Config)) *house {
	t.Helper()
	h := &house{t: t, backend: backend, log: &lines{}, clock: &clock{now: time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC)}}
	t.Cleanup(func() { backend.Close() })
	cfg := authserver.Config{
		Issuer: issuer, Clock: h.clock, AppDomains: []string{"app.example.com", "other.example.com"},
		AdminUsername: "admin", AdminPassword: sha256.Sum256([]byte(adminKey)), Patience: time.Minute,
		Log: slog.New(slog.NewJSONHandler(h.log, nil)), Version: "test",
	}
	for _, change := range changes {
		change(&cfg)
	}
	master := secret.NewRing(secret.Generate())
	set, now := backend.Set(), h.clock.now
	var err error
	h.keys, err = keyring.Open(t.Context(), now, keyring.Config{Store: set.Keys, Master: master})
	h.must(err)
	h.index = revocation.NewIndex(cfg.Issuer)
	accounts, err := account.New(account.Config{Store: set.Accounts, Hash: account.Params{Memory: 64, Time: 1, Threads: 1}, InsecureHash: true, Workers: 2})
	h.must(err)
	t.Cleanup(accounts.Close)
	allows, err := authserver.Audiences(cfg.Issuer, cfg.AppDomains)
	h.must(err)
	sessions, err := session.New(session.Config{
		Issuer: cfg.Issuer, Store: set.Sessions, Master: master, Signer: h.keys.Signer(jwt.KindAccess), Checker: h.index,
		Rights: acts.Rights(accounts), Allows: allows,
	})
	h.must(err)
	h.acts, err = acts.New(acts.Config{Backend: backend, Accounts: accounts, Sessions: sessions, Keys: h.keys, Index: h.index, Life: time.Hour})
	h.must(err)
	cfg.Acts, cfg.Accounts, cfg.Sessions, cfg.Keys, cfg.Index = h.acts, accounts, sessions, h.keys, h.index
	h.cfg = cfg
	h.handler, err = authserver.New(cfg)
	h.must(err)
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// inMemory is the house most evenings are spent in.
func inMemory(t *testing.T, changes ...func(*authserver.Config)) *house {
	return build(t, memory.New(), changes...)
}

// onBoth runs an evening on each kind of store.
func onBoth(t *testing.T, evening func(t *testing.T, h *house)) {
	for name, backend := range kinds {
		t.Run(name, func(t *testing.T) { evening(t, build(t, backend(t))) })
	}
}

// onBothUnhurried does so where no patience runs out however long a store takes.
func onBothUnhurried(t *testing.T, evening func(t *testing.T, h *house)) {
	for name, backend := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { evening(t, build(t, backend(t))) })
		})
	}
}

var kinds = map[string]func(*testing.T) store.Backend{
	"memory":                         func(*testing.T) store.Backend { return memory.New() },
	"memory, each transaction twice": func(*testing.T) store.Backend { return again{memory.New()} },
	"sqlite":                         sqliteBackend,
}

func sqliteBackend(t *testing.T) store.Backend {
	t.Helper()
	backend, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "jotkeeper.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return backend
}

// again is a backend that runs every transaction twice, as one that was
// interrupted may be: the first run is rolled back.
type again struct{ store.Backend }

var errInterrupted = errors.New("interrupted")

func (b again) Together(ctx context.Context, f func(store.Set) error) error {
	b.Backend.Together(ctx, func(tx store.Set) error {
		f(tx)
		return errInterrupted
	})
	return b.Backend.Together(ctx, f)
}

// A reply is an answer, read.
type reply struct {
	t *testing.T
	*http.Response
	body string
}

// An ask changes a request before it is sent.
type ask func(*http.Request)

func header(name, value string) ask { return func(r *http.Request) { r.Header.Add(name, value) } }
func from(origin string) ask        { return header("Origin", origin) }
func bearer(token string) ask       { return header("Authorization", "Bearer "+token) }
func asAdmin(r *http.Request)       { r.SetBasicAuth("admin", adminKey) }
func with(cookies ...*http.Cookie) ask {
	return func(r *http.Request) {
		for _, c := range cookies {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
}

func form(pairs ...string) ask {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return body("application/x-www-form-urlencoded", values.Encode())
}

func body(kind, text string) ask {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
	}
}

// do sends one request, over TLS as far as the server can see.
func (h *house) do(method, path string, asks ...ask) *reply {
	h.t.Helper()
	r := httptest.NewRequest(method, issuer+path, nil)
	for _, a := range asks {
		a(r)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return &reply{h.t, w.Result(), w.Body.String()}
}

func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.StatusCode != status {
		r.t.Fatalf("got %d, want %d: %s", r.StatusCode, status, r.body)
	}
	return r
}

func (r *reply) wantBody(text string) *reply {
	r.t.Helper()
	if got := strings.TrimSuffix(r.body, "\n"); got != text {
		r.t.Fatalf("got body %s, want %s", got, text)
	}
	return r
}

// wantCode is for refusals, in either shape.
func (r *reply) wantCode(status int, code string) *reply {
	r.t.Helper()
	r.want(status)
	var said struct {
		Code   string           `json:"code"`
		Errors *json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal([]byte(r.body), &said); err != nil || said.Code != code || said.Errors != nil {
		r.t.Fatalf("got %s (%v), want code %q and no member errors", r.body, err, code)
	}
	return r
}

type tokens struct {
	Access    string `json:"id_token"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn int    `json:"expires_in"`
}

func (r *reply) tokens() tokens {
	r.t.Helper()
	var said struct{ Result tokens }
	if err := json.Unmarshal([]byte(r.body), &said); err != nil || said.Result.Access == "" {
		r.t.Fatalf("no tokens in %s (%v)", r.body, err)
	}
	return said.Result
}

// cookie returns the one refresh cookie that an answer set.
func (r *reply) cookie() *http.Cookie {
	r.t.Helper()
	var set []*http.Cookie
	for _, c := range r.Cookies() {
		if c.MaxAge >= 0 {
			set = append(set, c)
		}
	}
	if len(set) != 1 {
		r.t.Fatalf("%d cookies set, want 1: %v", len(set), r.Header["Set-Cookie"])
	}
	return set[0]
}

// claims reads an access token without checking it.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	seen, err := jwt.InspectUnverified(token)
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(seen.Claims, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// browse signs a person up as a page of the app does.
func (h *house) browse(name string) (*http.Cookie, tokens) {
	h.t.Helper()
	r := h.do("POST", "/accounts", from(app), form("username", name, "password", good)).want(201)
	return r.cookie(), r.tokens()
}

// program signs a person up as a program does: the refresh token in bodies.
func (h *house) program(name string) tokens {
	h.t.Helper()
	return h.do("POST", "/accounts", form("username", name, "password", good, "transport", "body")).want(201).tokens()
}
