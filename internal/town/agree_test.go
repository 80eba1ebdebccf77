package town_test

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A relay follows the feed as a service does, with an index that can be asked.
type relay struct {
	index *revocation.Index
	way   *http.Transport
	stop  context.CancelFunc
	work  sync.WaitGroup
}

// follow starts the relay, on a line to which nothing happens.
func (w *town) follow() error {
	r := &relay{index: revocation.NewIndex(issuer)}
	r.way = &http.Transport{DialContext: newStreet(w.net, w.plan.stream("street of the relay")).dial, IdleConnTimeout: time.Minute, DisableCompression: true}
	c, err := feed.NewClient(feed.ClientConfig{Issuer: issuer, Token: following, Index: r.index, Transport: r.way})
	if err != nil {
		return err
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	r.work.Go(func() { _ = c.Follow(ctx) })
	w.relay = r
	return nil
}

func (r *relay) close() {
	r.stop()
	r.work.Wait()
	r.way.CloseIdleConnections()
}

// agree holds every index against the log, when everything is well again: each
// token that there ever was has the same verdict everywhere.
func (w *town) agree() {
	ctx, log, now := context.Background(), w.store.Set().Revocations, time.Now()
	entries, err := log.Read(ctx, revocation.Cursor{}, 1<<20)
	w.must(err)
	head, err := log.Head(ctx)
	w.must(err)
	truth := revocation.NewIndex(issuer)
	w.must(truth.Apply(entries...))
	indexes := map[string]*revocation.Index{"the relay": w.relay.index, "node 0": w.nodes[0].now().index, "node 1": w.nodes[1].now().index}
	for name, x := range indexes {
		if x.Cursor() != head {
			w.truth.breaks("%s stands at %s, the log at %s", name, x.Cursor(), head)
		}
		for _, k := range w.truth.tokens {
			q := revocation.QueryOf(&k.claims, k.kid)
			if got, want := x.Check(now, &q), truth.Check(now, &q); got != want {
				w.truth.breaks("%s says %v of %s, the log %v", name, got, k.name, want)
			}
		}
	}
	for _, g := range w.guards {
		g.agrees(head, truth)
	}
}

// agrees asks a service about every token that has not expired.
func (g *guard) agrees(head revocation.Cursor, log *revocation.Index) {
	t, now := g.town, time.Now()
	if s := g.auth.Stats(); s.Rules.Cursor != head || s.Stale {
		t.truth.breaks("%s stands at %s, the log at %s; stale %v", g.name, s.Rules.Cursor, head, s.Stale)
	}
	for _, k := range t.truth.tokens {
		if !now.Before(k.claims.Expires.Time()) {
			continue
		}
		t.table.count("tokens compared at the end")
		r, err := http.NewRequest(http.MethodGet, "http://"+g.name, nil)
		t.must(err)
		r.Header.Set("Authorization", "Bearer "+k.text)
		_, err = g.auth.Authenticate(r)
		q := revocation.QueryOf(&k.claims, k.kid)
		dead := log.Check(now, &q).Action == revocation.Revoke
		if why := jwt.ReasonOf(err); dead != (why != "") {
			t.truth.breaks("%s says %q of %s, dead by the log: %v", g.name, why, k.name, dead)
		}
	}
}
