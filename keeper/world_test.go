package keeper_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// A world is one browser with one cookie jar, its requests and answers under
// way, two nodes of the program, of two releases, and perhaps a thief. It checks
// after each answer what is promised of a session. It is told what happens by
// the state machine (machine_test.go). Weeks of people's lives are played in
// internal/sim.
type world struct {
	*testing.T
	fatal func(format string, args ...any)
	clock *clock
	log   revocation.Log
	nodes []*keeper.Keeper

	locked  bool         // are logins
	lock    *http.Cookie // the browser's
	jar     string       // the browser's token; "": logged out
	legs    []*leg
	loot    string // the thief's
	theft   bool   // ever
	ended   bool   // by a logout
	deaf    bool   // the second node hears nothing of the log
	wasDeaf bool   // ever
	sid     string

	issued  []*keeper.Token      // every token of the session, as first seen
	next    map[string]string    // jti → jti of its successor
	seen    map[string]time.Time // first sight, by jti
	texts   map[string]string    // jti → text: one, whoever is given it
	refused map[jwt.Reason]int   // the owner's refusals
}

// A leg is a request under way, or its answer.
type leg struct {
	due    time.Time // it arrives then at the latest
	token  string    // carried
	lock   *http.Cookie
	answer bool
	reason jwt.Reason // of a refusal
	lost   bool       // the answer will be
}

// Each leg of a journey takes less than this: the grace is made for it.
const way = 9 * time.Second

func newWorld(t *testing.T, fatal func(string, ...any)) *world {
	b := memory.New()
	set := b.Set()
	w := &world{T: t, fatal: fatal, clock: &clock{now: evening}, log: set.Revocations, next: map[string]string{},
		seen: map[string]time.Time{}, texts: map[string]string{}, refused: map[jwt.Reason]int{}}
	ring := newKeys(t, jwt.EdDSA)
	for _, versions := range [][]string{{"1"}, {"1", "2"}} {
		k, err := keeper.New(keeper.Config{
			Issuer: issuer, Audience: shop, Signer: ring.signer(), Keys: ring, Store: set.Keepers, Revocations: set.Revocations,
			Now: w.clock.read, Versions: versions,
		})
		if err != nil {
			t.Fatal(err)
		}
		k.SetMachine(w.clock.read)
		w.nodes = append(w.nodes, k)
	}
	w.follow()
	return w
}

func (w *world) follow() {
	hearing := w.nodes
	if w.deaf {
		hearing = hearing[:1]
	}
	for _, k := range hearing {
		if err := k.CatchUp(w.Context()); err != nil {
			w.fatal("following: %v", err)
		}
	}
}

// login begins a session; what the browser had is logged out before.
func (w *world) login() {
	w.legs, w.loot, w.theft, w.ended = nil, "", false, false
	t, err := w.nodes[0].Create(w.Context(), keeper.Claims{Subject: "ada", Locked: w.locked})
	if err != nil {
		w.fatal("logging in: %v", err)
		return
	}
	w.lock = w.given(w.nodes[0], t)
	w.jar, w.sid, w.issued = t.Text(), t.SessionID(), []*keeper.Token{t}
	w.texts[t.ID()] = t.Text()
}

// send puts a request on its way.
func (w *world) send(takes time.Duration, lost bool) {
	if w.jar != "" {
		w.legs = append(w.legs, &leg{due: w.clock.read().Add(takes), token: w.jar, lock: w.lock, lost: lost})
	}
}

// pass lets time pass; what is due on the way arrives in its order, and the
// answers of requests take as long as answers takes says.
func (w *world) pass(d time.Duration, node func() int, takes func() time.Duration) {
	until := w.clock.read().Add(d)
	for {
		slices.SortStableFunc(w.legs, func(a, b *leg) int { return a.due.Compare(b.due) })
		if len(w.legs) == 0 || w.legs[0].due.After(until) {
			break
		}
		first := w.legs[0]
		w.legs = w.legs[1:]
		if wait := first.due.Sub(w.clock.read()); wait > 0 {
			w.clock.add(wait)
		}
		w.follow()
		w.arrive(first, node, takes)
	}
	w.clock.add(until.Sub(w.clock.read()))
	w.follow()
}

func (w *world) arrive(l *leg, node func() int, takes func() time.Duration) {
	switch {
	case l.answer && l.reason == "":
		if l.token != "" {
			w.jar, w.lock = l.token, l.lock
		}
	case l.answer && l.reason == jwt.Unavailable && w.wasDeaf: // come again
	case l.answer:
		w.refused[l.reason]++
		if !w.theft && !w.ended && l.reason != jwt.Expired {
			w.fatal("an honest owner was told %s", l.reason)
		}
		w.jar = ""
	default:
		next, reason := w.serve(w.nodes[node()], l.token, l.lock)
		if next.token == l.token {
			next.token = "" // nothing to set
		}
		if !l.lost {
			next.due, next.answer, next.reason = w.clock.read().Add(takes()), true, reason
			w.legs = append(w.legs, &next)
		}
	}
}

// given is the lock that an answer with a token sets, nil if it is not locked.
func (w *world) given(k *keeper.Keeper, t *keeper.Token) *http.Cookie {
	answer := httptest.NewRecorder()
	if err := k.Write(answer, req("GET", "/"), t, keeper.ByHeader); err != nil {
		w.fatal("giving a token: %v", err)
	}
	for _, c := range answer.Result().Cookies() {
		return c
	}
	return nil
}

// find shows a token, and a lock that has not expired.
func (w *world) find(k *keeper.Keeper, text string, lock *http.Cookie) (*keeper.Token, error) {
	if !w.locked {
		return k.Find(w.Context(), text)
	}
	r := req("GET", "/", inHeader(text)...)
	if lock != nil && lock.Expires.After(w.clock.read()) {
		r.AddCookie(&http.Cookie{Name: lock.Name, Value: lock.Value})
	}
	return k.FindRequest(r)
}

// serve answers a request: with the token to go on with, or a refusal.
func (w *world) serve(k *keeper.Keeper, text string, lock *http.Cookie) (leg, jwt.Reason) {
	found, err := w.find(k, text, lock)
	if err != nil {
		return leg{}, jwt.ReasonOf(err)
	}
	if found.SessionID() != w.sid {
		w.fatal("a token of session %s is accepted for %s", found.SessionID(), w.sid)
	}
	unheard := w.deaf && k == w.nodes[1]
	if w.ended && !unheard {
		w.fatal("a token of a session that was logged out is accepted")
	}
	if _, was := w.seen[found.ID()]; !was {
		w.seen[found.ID()] = w.clock.read()
	}
	t, err := k.Renew(w.Context(), found)
	switch {
	case w.ended && t != nil && t != found && w.next[found.ID()] == "":
		w.fatal("a session that was logged out is renewed")
	case unheard && errors.Is(err, keeper.ErrKept):
		return leg{token: text}, ""
	case unheard && err != nil:
		return leg{}, jwt.ReasonOf(err)
	}
	if err != nil {
		w.fatal("renewing: %v", err)
		return leg{token: text}, ""
	}
	w.note(found, t)
	return leg{token: t.Text(), lock: w.given(k, t)}, ""
}

// note checks that a token has one successor, of one text.
func (w *world) note(from, to *keeper.Token) {
	if from == to {
		return
	}
	if old := w.next[from.ID()]; old != "" && old != to.ID() {
		w.fatal("%v has the successors %s and %s", from, old, to.ID())
	}
	if old := w.texts[to.ID()]; old != "" && old != to.Text() {
		w.fatal("%v has two texts", to)
	}
	if w.next[from.ID()] == "" {
		w.issued = append(w.issued, to)
	}
	w.next[from.ID()], w.texts[to.ID()] = to.ID(), to.Text()
	if to.Expires().After(to.Ends()) || !to.Ends().Equal(from.Ends()) {
		w.fatal("%v ends at %v, its session at %v", to, to.Expires(), to.Ends())
	}
}

// check demands of all tokens of the session at once: none lives after a logout;
// none lives a grace after its successor was seen; so at most two live outside
// of a race, the newest and the one whose successor nobody has shown yet.
func (w *world) check() {
	now := w.clock.read()
	live := 0
	for _, t := range w.issued {
		q := revocation.Query{Issuer: issuer, ID: t.ID(), SessionID: w.sid, Subject: "ada", HasRev: true, Rev: revocation.Cursor{Epoch: 1, Seq: 1 << 60}}
		good := t.Expires().After(now) && w.nodes[0].Index().Look(now, &q).Action != revocation.Revoke
		if !good {
			continue
		}
		live++
		if w.ended {
			w.fatal("%v lives after the logout", t)
		}
		if first, was := w.seen[w.next[t.ID()]]; was && !now.Before(first.Add(10*time.Second)) {
			w.fatal("%v lives %v after its successor was seen", t, now.Sub(first))
		}
	}
	if live > 3 {
		w.fatal("%d tokens of one session live", live)
	}
}

func (w *world) logout() {
	if w.jar == "" {
		return
	}
	at := 1
	if w.deaf { // it is to hear of it later
		at = 0
	}
	for _, t := range w.issued {
		if t.Text() == w.jar {
			if err := w.nodes[at].Revoke(w.Context(), t); err != nil {
				w.fatal("logging out: %v", err)
			}
			w.ended = true
		}
	}
	w.follow()
}
