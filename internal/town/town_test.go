package town_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

const good = "moss-kettle-orbit-42"

// A town is everything there is.
type town struct {
	t      *testing.T
	plan   *plan
	ahead  time.Duration
	net    *network
	store  *memory.Backend
	master secret.Ring
	nodes  []*node
	guards []*guard
	relay  *relay
	people []*person
	admin  *http.Transport
	truth  *truth
	table  *table

	watch  sync.WaitGroup // who looks on
	seeing context.Context

	mu   sync.Mutex
	head revocation.Cursor
	out  []spell // times in which a node was down
}

// play plays a plan in a bubble, and returns the town as it was left.
func play(t *testing.T, p *plan) (w *town) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w = &town{t: t, plan: p, ahead: p.ahead, net: &network{places: map[string][]*place{}}, store: memory.New(),
			master: secret.NewRing(secret.Generate()), truth: newTruth(), table: newTable()}
		var leave context.CancelFunc
		w.seeing, leave = context.WithCancel(context.Background())
		w.must(w.build())
		w.rests(p.length+2*time.Hour, "people", w.happens)
		w.agree()
		leave()
		w.rests(time.Hour, "those who look on", w.watch.Wait)
		w.rests(time.Hour, "servers and services", func() { w.must(w.close()) })
		for _, b := range w.truth.broken {
			t.Errorf("seed %d: %s", p.seed, b)
		}
		w.table.userTime = time.Duration(p.people*p.setting.devices) * p.length
	})
	return w
}

// rests demands that something comes to its end. What never does would have the
// clock of the bubble run for ever, so there is nothing left to do but panic.
func (w *town) rests(within time.Duration, who string, do func()) {
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(within):
		panic(fmt.Sprintf("seed %d: %s do not come to rest within %s", w.plan.seed, who, within))
	}
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// build starts the servers, then the services, then gives each person an account.
func (w *town) build() error {
	for i := range nodes {
		n := &node{town: w, i: i, ahead: skew(w.ahead)}
		if i == 1 {
			n.ahead = -n.ahead
		}
		w.nodes = append(w.nodes, n)
		if err := n.start(); err != nil {
			return err
		}
	}
	for i := range w.plan.guards {
		then := []jotkeeper.StalePolicy{jotkeeper.StaleYoung, jotkeeper.StaleYoung, jotkeeper.StaleClosed}[i%3]
		if err := w.guard(fmt.Sprintf("service%d:80", i), w.plan.stream(fmt.Sprintf("street of service %d", i)), then); err != nil {
			return err
		}
	}
	if err := w.follow(); err != nil {
		return err
	}
	w.admin = &http.Transport{DialContext: newStreet(w.net, w.plan.stream("street of administrators")).dial, IdleConnTimeout: 5 * time.Second}
	for i, devices := range w.plan.devices {
		if err := w.person(i, devices); err != nil {
			return err
		}
	}
	for range w.guards { // let all come up
		until(w.seeing, time.Now().Add(100*time.Millisecond))
	}
	return nil
}

func (w *town) person(i int, devices [][]visit) error {
	p := &person{town: w, name: fmt.Sprintf("person%d", i), passwords: []string{good}}
	for j, visits := range devices {
		if _, err := w.device(p, deviceName(i, j), visits, w.plan.stream("street of "+deviceName(i, j))); err != nil {
			return err
		}
	}
	w.people = append(w.people, p)
	first := p.devices[0]
	if err := first.client.SignUp(w.seeing, p.name, good); err != nil {
		return err
	}
	held, err := first.pocket.Load(w.seeing)
	if err == nil {
		p.account = w.truth.find(held.Access).session.account
	}
	return err
}

// happens lets everything happen that was planned, then heals what was hurt.
func (w *town) happens() {
	ctx := context.Background()
	for _, g := range w.guards {
		w.watch.Go(g.watched)
	}
	var all sync.WaitGroup
	for i, events := range w.plan.nodes {
		all.Go(func() { w.nodes[i].suffer(ctx, events) })
	}
	for i, events := range w.plan.lines {
		all.Go(func() { w.guards[i].suffer(ctx, events) })
	}
	for _, p := range w.people {
		for _, d := range p.devices {
			all.Go(func() { d.live(ctx) })
		}
	}
	all.Go(func() { w.command(ctx) })
	all.Go(func() { until(ctx, dawn.Add(w.plan.length+5*time.Minute)) }) // the last visits
	all.Wait()
	until(ctx, time.Now().Add(3*time.Minute+heals))
}

// suffer is what happens to a node.
func (n *node) suffer(ctx context.Context, events []event) {
	for _, e := range events {
		until(ctx, dawn.Add(e.at))
		n.town.table.count("node: " + e.kind)
		a := n.now()
		var err error
		switch e.kind {
		case "drain":
			err = a.drain()
		case "kill":
			a.kill()
		case "doom":
			a.store.doomed.Store(true)
			select {
			case <-a.died:
			case <-time.After(2 * time.Minute):
				a.kill()
			}
		}
		if err = errors.Join(err, a.bury()); err != nil {
			n.town.truth.breaks("node %d: %s: %v", n.i, e.kind, err)
		}
		until(ctx, time.Now().Add(e.lasts))
		if err := n.start(); err != nil {
			n.town.truth.breaks("node %d does not start: %v", n.i, err)
			return
		}
		n.town.truth.note("node %d is back", n.i)
		n.town.outage(false)
	}
}

// outage notes that a node went down, or came up again.
func (w *town) outage(begins bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if begins {
		w.out = append(w.out, spell{now, now.Add(1000 * time.Hour)})
		return
	}
	for i := range w.out { // the other one may be down too: then it is noted for longer than it is
		if w.out[i].to.After(now) {
			w.out[i].to = now
			return
		}
	}
}

func (w *town) outages() []spell {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]spell(nil), w.out...)
}

// suffer is what happens to the line of a service.
func (g *guard) suffer(ctx context.Context, events []event) {
	for _, e := range events {
		until(ctx, dawn.Add(e.at))
		g.town.table.count("line: " + e.kind)
		g.mu.Lock()
		g.faults = append(g.faults, spell{time.Now(), time.Now().Add(e.lasts)})
		g.mu.Unlock()
		switch e.kind {
		case "cut":
			g.street.cut(e.lasts)
		case "silence":
			g.street.hush(e.lasts)
		case "buffering":
			g.street.buffer(e.lasts)
		}
	}
}

// watched looks at a service four times a second.
func (g *guard) watched() {
	const pause = 250 * time.Millisecond
	for until(g.town.seeing, time.Now().Add(pause)) {
		g.look()
		g.town.table.watched(pause, g.auth.Stats().Stale)
	}
}

// propagates looks how long a rule takes to each service.
func (w *town) propagates(committed time.Time, head revocation.Cursor) {
	w.mu.Lock()
	known := !w.head.Before(head)
	if !known {
		w.head = head
	}
	w.mu.Unlock()
	if known {
		return
	}
	w.table.count("revocations")
	for _, g := range w.guards {
		w.watch.Go(func() { g.arrives(committed, head) })
	}
}

func (g *guard) arrives(committed time.Time, head revocation.Cursor) {
	pause := time.Millisecond
	for g.auth.Stats().Rules.Cursor.Before(head) {
		if time.Since(committed) > time.Second {
			pause = 100 * time.Millisecond
		}
		if !until(g.town.seeing, time.Now().Add(pause)) {
			return
		}
	}
	took := time.Since(committed)
	if !g.calm(committed, time.Now()) {
		return
	}
	if g.town.table.delay(took); took > g.live() {
		g.town.truth.breaks("%s: rule %s took %s on whole lines", g.name, head, took)
	}
}

// done notes that somebody was told of an end, and has what died of it shown
// to all services for as long as it lives.
func (w *town) done(e *deed) {
	w.table.count("told: " + e.kind)
	w.truth.note("told: %s", e)
	for _, k := range w.truth.certain(e) {
		for _, g := range w.guards {
			w.watch.Go(func() { g.haunt(k) })
		}
	}
}

// haunt shows a dead token to a service.
func (g *guard) haunt(k *token) {
	dead := time.Now()
	for _, wait := range []time.Duration{0, g.live() + time.Millisecond, time.Second, revocation.MaxStale + time.Millisecond, 10 * time.Second,
		ride, g.bound(routes[0]) + time.Millisecond, 3 * time.Minute, 14 * time.Minute} {
		if !until(g.town.seeing, dead.Add(wait)) || !time.Now().Before(k.claims.Expires.Time()) {
			return
		}
		for _, rt := range routes {
			began := time.Now()
			r, err := http.NewRequest(http.MethodGet, "http://"+g.name+rt.path, nil)
			if err != nil {
				return
			}
			r.Header.Set("Authorization", "Bearer "+k.text)
			_, err = g.auth.Authenticate(r, rt.when...)
			g.judge(rt, k, began, string(jwt.ReasonOf(err)))
		}
	}
}

// private asks one of the private routes.
func (w *town) private(ctx context.Context, path string, form url.Values) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth("admin", adminKey)
	if len(form) > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := w.admin.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

func (w *town) close() error {
	var err error
	for _, g := range w.guards {
		err = errors.Join(err, g.close())
	}
	w.relay.close()
	for _, p := range w.people {
		for _, d := range p.devices {
			d.way.CloseIdleConnections()
		}
	}
	w.admin.CloseIdleConnections()
	for _, n := range w.nodes {
		a := n.now()
		err = errors.Join(err, a.drain(), a.bury())
	}
	return errors.Join(err, w.store.Close())
}
