package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

const (
	issuer     = "https://id.example.com"
	credential = "the-credential-of-a-benchmark"
	hands      = 16 // that append at once
)

// An origin is where rules are appended and served.
type origin struct{ log revocation.Log }

// playOrigin is the origin's process.
func playOrigin(dir, addr string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	backend, err := sqlite.Open(ctx, filepath.Join(dir, "log.db"), sqlite.Options{Server: true})
	if err != nil {
		return err
	}
	defer backend.Close()
	o := &origin{log: backend.Set().Revocations}
	handler, err := feed.NewHandler(feed.HandlerConfig{Issuer: issuer, Source: o.log, Allow: allow})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	go func() { _ = handler.Run(ctx) }()
	go func() { _ = http.Serve(l, handler) }()
	return obey(o.do)
}

func allow(_ context.Context, text string) (feed.Grant, error) {
	if text != credential {
		return feed.Grant{}, feed.ErrUnauthorized
	}
	return feed.Grant{Name: "bench", Scopes: []string{feed.FollowScope}}, nil
}

func (o *origin) do(what order) (report, error) {
	switch what.Do {
	case "append":
		return o.append(what.IDs)
	case "sustain":
		return o.sustain(what.N, what.Limit, what.IDs)
	}
	return introspect(what)
}

// append appends one rule for each ID, as many at once as there are hands.
func (o *origin) append(ids []string) (report, error) {
	work := make(chan string, len(ids))
	for _, id := range ids {
		work <- id
	}
	close(work)
	return o.work(work, min(hands, len(ids)))
}

// work tells when the first Append was called.
func (o *origin) work(ids <-chan string, hands int) (report, error) {
	r := report{Began: clock()}
	if hands == 1 {
		id := <-ids
		return r, end(o.log, id)
	}
	errs := make([]error, hands)
	var all sync.WaitGroup
	for i := range hands {
		all.Go(func() {
			for id := range ids {
				errs[i] = errors.Join(errs[i], end(o.log, id))
			}
		})
	}
	all.Wait()
	return r, errors.Join(errs...)
}

// end is a logout: the rule about one session.
func end(log revocation.Log, sid string) error {
	now := time.Now()
	_, err := log.Append(context.Background(), now, revocation.SessionEnded(sid, "logout", now.Add(time.Hour)))
	return err
}

// sustain appends rate rules a second for a while, one by one, then those named.
// It tells how many it has appended, how long that took, and when the one came.
func (o *origin) sustain(rate int, span time.Duration, ids []string) (report, error) {
	work, failed := make(chan string, rate), make(chan error, 1)
	go func() {
		_, err := o.work(work, hands)
		failed <- err
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began, sent := time.Now(), 0
	for since := time.Duration(0); since < span; since = time.Since(began) {
		for ; float64(sent) < float64(rate)*since.Seconds(); sent++ {
			work <- newID()
		}
		<-tick.C
	}
	close(work)
	if err := <-failed; err != nil {
		return report{}, err
	}
	took := time.Since(began)
	r, err := o.append(ids)
	r.N, r.Took = sent, took
	return r, err
}
