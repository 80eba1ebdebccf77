package facepage_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/examples/facepage"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

func TestMain(m *testing.M) {
	if actor := os.Getenv(actorVariable); actor != "" {
		os.Exit(play(actor))
	}
	goleak.VerifyTestMain(m)
}

const (
	follow = "jkf_for-following-revocations-and-nothing-else"
	back   = "the-desk-of-the-account-server-and-nobody-else"
)

// A stage is the four parts in one process, with real connections between them.
type stage struct {
	*testing.T
	pages, issuer string
	accounts      *account.Accounts
	backend       store.Backend
	logs          map[string]*facepage.Lines
	clock         *clock
	life          time.Duration // of an access token
	keys          chan struct{} // if it is not nil: the key set is answered when it is closed
	opening       func(*facepage.Web)
}

// A clock is the account server's, which a test may move.
type clock struct {
	ahead atomic.Int64
	lost  atomic.Bool // it cannot be told: the server answers 503
}

func (c *clock) Now() (time.Time, error) {
	if c.lost.Load() {
		return time.Time{}, fmt.Errorf("%w: lost", session.ErrClock)
	}
	return time.Now().Add(time.Duration(c.ahead.Load())), nil
}

// open opens the stage; change may change the life of tokens before.
func open(t *testing.T, change ...func(*stage)) *stage {
	t.Helper()
	s := &stage{T: t, backend: memory.New(), logs: map[string]*facepage.Lines{}, clock: &clock{}, life: 15 * time.Minute}
	for _, c := range change {
		c(s)
	}
	for _, part := range []string{facepage.Accounts, facepage.WebApp, facepage.API, facepage.Verifier} {
		s.logs[part] = facepage.NewLines()
	}
	t.Cleanup(func() { s.backend.Close() })
	house, web := here(t), here(t)
	s.issuer, s.pages = "http://"+house.Addr().String(), "http://"+web.Addr().String()
	orders := facepage.Orders{Issuer: s.issuer, Audience: "facepage.localhost", Follow: follow, Desk: back, Pages: s.pages}
	s.serve(house, s.holding(s.accountServer(orders)))
	cfg := facepage.WebConfig{Orders: orders, Lines: s.logs[facepage.WebApp]}
	cfg.API, cfg.Verifier = s.part(facepage.API, orders), s.part(facepage.Verifier, orders)
	for _, part := range []string{facepage.Accounts, facepage.API, facepage.Verifier} {
		cfg.Cast = append(cfg.Cast, &facepage.Process{Name: part, Lines: s.logs[part]})
	}
	app, err := facepage.NewWeb(cfg)
	s.must(err)
	t.Cleanup(app.Close)
	if s.opening != nil {
		s.opening(app)
	}
	s.must(app.Warm(t.Context()))
	s.serve(web, app)
	return s
}

// holding holds the key set back.
func (s *stage) holding(next http.Handler) http.Handler {
	if s.keys == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/jwks.json" {
			select {
			case <-s.keys:
			case <-r.Context().Done():
			}
		}
		next.ServeHTTP(w, r)
	})
}

func here(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) serve(l net.Listener, h http.Handler) {
	server := httptest.NewUnstartedServer(h)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	s.Cleanup(func() { server.CloseClientConnections(); server.Close() })
}

// part runs one of the two that verify.
func (s *stage) part(name string, o facepage.Orders) string {
	o.Desk, o.Pages = "", ""
	l := here(s.T)
	s.background(func(ctx context.Context) { s.must(facepage.Serve(ctx, name, l, o, s.logs[name])) })
	return "http://" + l.Addr().String()
}

func (s *stage) background(work func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); work(ctx) }()
	s.Cleanup(func() { stop(); <-done })
}

// accountServer is an auth server with its desk, on memory.
func (s *stage) accountServer(o facepage.Orders) http.Handler {
	set, master, index := s.backend.Set(), secret.NewRing(secret.Generate()), revocation.NewIndex(o.Issuer)
	keys, err := keyring.Open(s.Context(), time.Now(), keyring.Config{Store: set.Keys, Master: master, MaxAge: time.Second, TokenLife: 15 * time.Minute})
	s.must(err)
	s.accounts, err = account.New(account.Config{Store: set.Accounts, Hash: account.Params{Memory: 64, Time: 1, Threads: 1}, InsecureHash: true, Workers: 2})
	s.must(err)
	s.Cleanup(s.accounts.Close)
	sessions, err := session.New(session.Config{
		Issuer: o.Issuer, Store: set.Sessions, Master: master, Signer: keys.Signer(jwt.KindAccess), Checker: index,
		Rights: acts.Rights(s.accounts), Policy: session.Policy{AccessTTL: s.life},
	})
	s.must(err)
	all, err := acts.New(acts.Config{Issuer: o.Issuer, Backend: s.backend, Accounts: s.accounts, Sessions: sessions, Keys: keys, Index: index, Life: time.Hour})
	s.must(err)
	s.background(func(ctx context.Context) { _ = revocation.Follow(ctx, set.Revocations, index) })
	log := slog.New(slog.NewTextHandler(s.logs[facepage.Accounts], nil))
	next, err := authserver.New(authserver.Config{
		Issuer: o.Issuer, Acts: all, Accounts: s.accounts, Sessions: sessions, Keys: keys, Index: index, Clock: s.clock,
		Feed: s.feed(o, set), AppDomains: []string{o.Audience}, JWKSMaxAge: time.Second, Log: log, Patience: time.Minute,
	})
	s.must(err)
	h, err := facepage.Desk(s.Context(), facepage.DeskConfig{
		Orders: o, Backend: s.backend, Accounts: s.accounts, Sessions: sessions, Keys: keys, Clock: s.clock, Log: log,
	}, next)
	s.must(err)
	return h
}

func (s *stage) feed(o facepage.Orders, set store.Set) *feed.Handler {
	h, err := feed.NewHandler(feed.HandlerConfig{
		Issuer: o.Issuer, Source: set.Revocations, Check: "/revocation/v1/check",
		Allow: func(_ context.Context, text string) (feed.Grant, error) {
			if text != follow {
				return feed.Grant{}, feed.ErrUnauthorized
			}
			return feed.Grant{Name: "facepage", Scopes: []string{feed.FollowScope}}, nil
		},
	})
	s.must(err)
	s.background(func(ctx context.Context) { _ = h.Run(ctx) })
	return h
}
