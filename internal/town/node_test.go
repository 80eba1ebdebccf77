package town_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/authserver"
	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/internal/acts"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
)

const (
	issuer     = "http://localhost:8080"
	issuerHost = "localhost:8080"
	audience   = "shop.example.com"
	following  = "jkf-follow"
	adminKey   = "a-password-for-the-private-routes"
	life       = 15 * time.Minute // of an access token
)

// A node is one auth server, which dies and starts again.
type node struct {
	town  *town
	i     int
	ahead skew

	mu   sync.Mutex
	life *alive // nil: it is down
}

// A skew is how far the clock of a node is ahead of the town's. It is its Clock.
type skew time.Duration

func (s skew) Now() (time.Time, error) { return s.now(), nil }
func (s skew) now() time.Time          { return time.Now().Add(time.Duration(s)) }

// alive is one life of a node: the rooms, wired as cmd/jotkeeper wires them.
type alive struct {
	node     *node
	store    *mortal
	accounts *account.Accounts
	keys     *keyring.Ring
	index    *revocation.Index
	sessions *session.Sessions
	acts     *acts.Acts
	feed     *feed.Handler
	http     *http.Server
	place    *place

	ctx    context.Context // of the chores
	stop   context.CancelFunc
	chores sync.WaitGroup
	died   chan struct{} // closed when it is killed
	once   sync.Once
}

// start begins a life. It returns when the node answers.
func (n *node) start() error {
	a := &alive{node: n, died: make(chan struct{}), place: newPlace(issuerHost)}
	a.store = &mortal{Backend: n.town.store, life: a}
	a.ctx, a.stop = context.WithCancel(context.Background())
	if err := a.furnish(); err != nil {
		return err
	}
	handler, err := a.handler()
	if err != nil {
		return err
	}
	a.http = &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, ErrorLog: log.New(io.Discard, "", 0),
	}
	feeding, leave := context.WithCancel(a.ctx)
	a.http.RegisterOnShutdown(leave)
	a.chores.Go(func() { _ = a.feed.Run(feeding) })
	a.keepUp()
	for a.index.Stale(time.Now()) {
		until(a.ctx, time.Now().Add(time.Millisecond))
	}
	n.mu.Lock()
	n.life = a
	n.mu.Unlock()
	n.town.net.put(issuerHost, n.i, a.place)
	a.chores.Go(func() { _ = a.http.Serve(a.place) })
	return nil
}

func (a *alive) furnish() (err error) {
	t, ctx, now := a.node.town, context.Background(), a.node.ahead.now()
	set := a.store.Set()
	a.keys, err = keyring.Open(ctx, now, keyring.Config{Store: set.Keys, Master: t.master, Rotation: 40 * time.Minute, TokenLife: life})
	if err != nil {
		return err
	}
	a.index = revocation.NewIndex(issuer)
	a.accounts, err = account.New(account.Config{Store: set.Accounts, Hash: account.Params{Memory: 8, Time: 1, Threads: 1}, InsecureHash: true, Workers: 2})
	if err != nil {
		return err
	}
	allows, err := authserver.Audiences(issuer, []string{audience})
	if err != nil {
		return err
	}
	sessions, err := session.New(session.Config{
		Issuer: issuer, Store: set.Sessions, Master: t.master, Signer: a.keys.Signer(jwt.KindAccess), Checker: a.index,
		Rights: acts.Rights(a.accounts), Allows: allows, Policy: session.Policy{AccessTTL: life}, Life: life,
	})
	if err != nil {
		return err
	}
	a.acts, err = acts.New(acts.Config{
		Issuer: issuer, Backend: a.store, Accounts: a.accounts, Sessions: sessions, Keys: a.keys, Index: a.index, Life: life,
	})
	a.sessions = sessions
	return err
}

func (a *alive) handler() (h http.Handler, err error) {
	a.feed, err = feed.NewHandler(feed.HandlerConfig{
		Issuer: issuer, Source: a.store.Set().Revocations, Check: "/revocation/v1/check",
		Allow: func(_ context.Context, credential string) (feed.Grant, error) {
			if credential != following {
				return feed.Grant{}, feed.ErrUnauthorized
			}
			return feed.Grant{Name: "services", Scopes: []string{feed.FollowScope}}, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return authserver.New(authserver.Config{
		Issuer: issuer, Acts: a.acts, Accounts: a.accounts, Sessions: a.sessions, Keys: a.keys, Index: a.index, Feed: a.feed,
		Clock: a.node.ahead, AppDomains: []string{audience}, AdminUsername: "admin", AdminPassword: sha256.Sum256([]byte(adminKey)),
		Typ: []string{"at+jwt"}, Version: "town",
	})
}

// keepUp does what runs beside the requests of a server.
func (a *alive) keepUp() {
	a.chores.Go(func() { _ = revocation.Follow(a.ctx, a.store.Set().Revocations, a.index) })
	a.each(time.Minute, func(now time.Time) { _ = a.keys.Tick(a.ctx, now) })
	a.each(500*time.Millisecond, func(now time.Time) { _ = a.keys.Reload(a.ctx, now) })
	a.each(10*time.Minute, func(now time.Time) {
		_, _ = a.store.Set().Revocations.Compact(a.ctx, now)
		a.index.Sweep(now)
	})
}

// each calls do again and again, with what the node takes for the time.
func (a *alive) each(every time.Duration, do func(now time.Time)) {
	a.chores.Go(func() {
		for until(a.ctx, time.Now().Add(every)) {
			do(a.node.ahead.now())
		}
	})
}

// kill ends a life at once: nothing more is written, no answer leaves.
func (a *alive) kill() {
	a.once.Do(func() {
		a.store.dead.Store(true)
		a.node.down()
		a.place.crash()
		a.stop()
		close(a.died)
	})
}

// drain lets what is under way finish.
func (a *alive) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	a.node.down()
	err := a.http.Shutdown(ctx)
	a.kill()
	return err
}

// bury waits for everything that a life has begun.
func (a *alive) bury() error {
	err := a.http.Close()
	a.chores.Wait()
	a.accounts.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (n *node) down() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.life != nil {
		n.life = nil
		n.town.outage(true)
		n.town.truth.note("node %d is gone", n.i)
	}
}

// now returns the life of a node, nil while it is down.
func (n *node) now() *alive {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.life
}
