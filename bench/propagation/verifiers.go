package main

import (
	"context"
	"errors"
	"log"
	"runtime"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// patience ends a measurement that will not end by itself.
const patience = time.Minute

// A verifier follows the origin for itself, as a service would.
type verifier struct {
	index *revocation.Index
	seen  int // of the IDs that are waited for: the first so many are refused
}

// A room is the verifiers of one process.
type room struct {
	list    []*verifier
	waiting chan report // of what is watched
}

// playVerifiers is a process with verifiers.
func playVerifiers() error { return obey((&room{}).do) }

func (r *room) do(o order) (report, error) {
	switch o.Do {
	case "grow":
		return report{}, r.grow(o.N, o.Addr)
	case "watch":
		r.watch(o.IDs, o.Limit)
		return report{}, nil
	case "seen":
		return <-r.waiting, nil
	case "stale":
		return report{At: r.until(time.Millisecond, time.Now().Add(patience), (*verifier).stale)}, nil
	case "fresh":
		return report{At: r.until(time.Millisecond, time.Now().Add(patience), (*verifier).fresh)}, nil
	}
	return introspect(o)
}

// grow adds verifiers until there are n, and returns when all of them follow.
func (r *room) grow(n int, addr string) error {
	for len(r.list) < n {
		v := &verifier{index: revocation.NewIndex(issuer)}
		client, err := feed.NewClient(feed.ClientConfig{Issuer: issuer, URL: "http://" + addr, Token: credential, Index: v.index})
		if err != nil {
			return err
		}
		go func() { log.Print(client.Follow(context.Background())) }()
		r.list = append(r.list, v)
	}
	for _, at := range r.until(time.Millisecond, time.Now().Add(patience), (*verifier).fresh) {
		if at == 0 {
			return errors.New("a verifier cannot follow")
		}
	}
	return nil
}

func (v *verifier) stale() bool { return v.index.Stale(time.Now()) }
func (v *verifier) fresh() bool { return !v.stale() }

// watch begins to wait for every verifier to refuse every one of the sessions.
func (r *room) watch(ids []string, limit time.Duration) {
	for _, v := range r.list {
		v.seen = 0
	}
	over, began := time.Now().Add(limit), make(chan struct{})
	r.waiting = make(chan report, 1)
	go func() {
		runtime.LockOSThread() // it naps in the kernel
		defer runtime.UnlockOSThread()
		close(began)
		at := r.until(time.Millisecond/4, over, func(v *verifier) bool { return v.refuses(ids) })
		r.waiting <- report{At: at, N: r.accepted(ids)}
	}()
	<-began
}

// refuses tells whether the verifier refuses all of the sessions by now. Rules
// are never taken back, so none is asked about twice.
func (v *verifier) refuses(ids []string) bool {
	for v.seen < len(ids) && v.ended(ids[v.seen]) {
		v.seen++
	}
	return v.seen == len(ids)
}

// ended tells whether the verifier refuses a session.
func (v *verifier) ended(sid string) bool {
	q := revocation.Query{
		Issuer: issuer, ID: "a-token", SessionID: sid, Subject: "somebody", KeyID: "a-key",
		HasRev: true, Rev: revocation.Cursor{Epoch: 1, Seq: 1 << 40},
	}
	return v.index.Check(time.Now(), &q).Action == revocation.Revoke
}

// accepted counts the sessions that are not refused, at each verifier.
func (r *room) accepted(ids []string) (n int) {
	for _, v := range r.list {
		for _, sid := range ids[v.seen:] {
			if !v.ended(sid) {
				n++
			}
		}
	}
	return n
}

// until asks every verifier, a nap apart, and returns when each of them first
// said yes; 0 for those that did not before the time was over.
func (r *room) until(each time.Duration, over time.Time, so func(*verifier) bool) []int64 {
	at, left := make([]int64, len(r.list)), len(r.list)
	for left > 0 {
		for i, v := range r.list {
			if at[i] == 0 && so(v) {
				at[i] = clock()
				left--
			}
		}
		if left > 0 {
			if time.Now().After(over) {
				break
			}
			nap(each)
		}
	}
	return at
}
