package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/secret"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// What clients of one session saw, checked for an order in which a single
// session could have answered so: porcupine searches for it.
//
// In each round every client shows the newest refresh token that any of them
// has, all at once, ten minutes after the last round; in one round one of them
// logs out instead. Every store call gives way to the others before and after.

const (
	tabs      = 8  // clients at once
	rounds    = 8  // refreshes of each
	histories = 12 // sessions
)

// An act is what a client did, and a reply what it was told.
type act struct {
	end        bool
	generation uint32 // of the token it showed
}

type reply struct {
	outcome    string
	generation uint32 // of the token it got, if any
}

// A model session is what everybody agrees on: is it alive, and which
// generation is current.
type model struct {
	alive      bool
	generation uint32
}

var refreshes = porcupine.Model{
	Init: func() any { return model{alive: true} },
	Step: func(state, input, output any) (bool, any) {
		return advance(state.(model), input.(act), output.(reply))
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// advance tells whether a session in a state could have answered so, and what
// it is then.
func advance(m model, a act, r reply) (bool, model) {
	if a.end {
		ended := model{generation: m.generation}
		return m.alive == (r.outcome == "done"), ended
	}
	switch r.outcome {
	case "rotate":
		ok := m.alive && a.generation == m.generation && r.generation == a.generation+1
		return ok, model{true, m.generation + 1}
	case "replay":
		return m.alive && m.generation == a.generation+1 && r.generation == m.generation, m
	case "same":
		return m.alive && m.generation == a.generation, m
	case "ended":
		return !m.alive, m
	case "retry":
		return true, m
	}
	return false, m // reused, late, heal: honest tabs must never meet them here
}

// yielding gives way around every call, so that calls overlap on any machine.
type yielding struct{ session.Store }

func (y yielding) Find(ctx context.Context, sid string) (session.Row, revocation.Cursor, error) {
	runtime.Gosched()
	defer runtime.Gosched()
	return y.Store.Find(ctx, sid)
}

func (y yielding) Swap(ctx context.Context, from, to session.Row) error {
	runtime.Gosched()
	defer runtime.Gosched()
	return y.Store.Swap(ctx, from, to)
}

// torn compares, gives way, and writes whatever has happened since.
type torn struct{ session.Store }

func (w torn) Swap(ctx context.Context, from, to session.Row) error {
	now, _, err := w.Find(ctx, from.ID)
	if err != nil || now.Revision != from.Revision {
		return errors.Join(err, session.ErrConflict)
	}
	for range 20 {
		runtime.Gosched()
	}
	for {
		now, _, err := w.Find(ctx, from.ID)
		if err != nil {
			return err
		}
		if err = w.Store.Swap(ctx, now, to); !errors.Is(err, session.ErrConflict) {
			return err
		}
	}
}

func TestA085HistoriesAreLinearizable(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) store.Backend{
		"memory": func(*testing.T) store.Backend { return memory.New() },
		"sqlite": func(t *testing.T) store.Backend {
			b, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "j.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			defer b.Close()
			overlapping, all, ended := 0, 0, 0
			for h := range histories {
				ops := record(t, yielding{b.Set().Sessions}, h)
				if !porcupine.CheckOperations(refreshes, ops) {
					t.Errorf("history %d: no order explains\n%s", h, told(ops))
				}
				overlapping, all, ended = overlapping+overlaps(ops), all+len(ops), ended+lost(ops)
			}
			t.Logf("%d histories, %d operations, %d of them overlapping another, %d after the end", histories, all, overlapping, ended)
			if overlapping*100 < all*30 {
				t.Errorf("%d of %d operations overlap another; want 30 %% or more", overlapping, all)
			}
			if ended == 0 {
				t.Error("nobody met an ended session")
			}
		})
	}
}

func TestA085TornSwapIsCaught(t *testing.T) {
	b := memory.New()
	defer b.Close()
	for h := range histories {
		if ops := record(t, yielding{torn{b.Set().Sessions}}, h); !porcupine.CheckOperations(refreshes, ops) {
			return
		}
	}
	t.Errorf("%d histories of a store whose swap is not atomic were all explained", histories)
}

// record lets tabs refresh and log out of one new session.
func record(t *testing.T, s session.Store, h int) []porcupine.Operation {
	t.Helper()
	sessions := newSessions(t, s)
	account := fmt.Sprint("account ", h)
	issued, err := sessions.Start(t.Context(), evening, session.Login{Account: account, Audience: "api", Methods: []string{"pwd"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	token := issued.Refresh
	var ops []porcupine.Operation
	for round := range rounds {
		now := evening.Add(time.Duration(round+1) * 10 * time.Minute)
		results, tokens := make([]porcupine.Operation, tabs), make([]string, tabs)
		start := make(chan struct{})
		var all sync.WaitGroup
		for c := range tabs {
			all.Go(func() {
				<-start
				op := porcupine.Operation{ClientId: c, Call: clock()}
				if round == 3+h%4 && c == h%tabs {
					op.Input, op.Output = act{end: true}, logout(t, sessions, now, account, issued.Session.ID)
				} else {
					a := act{generation: generation(t, token)}
					var r reply
					r, tokens[c] = refresh(t, sessions, now, token)
					op.Input, op.Output = a, r
				}
				op.Return = clock()
				results[c] = op
			})
		}
		close(start)
		all.Wait()
		ops = append(ops, results...)
		for _, fresh := range tokens {
			if fresh != "" && generation(t, fresh) > generation(t, token) {
				token = fresh
			}
		}
	}
	return ops
}

func refresh(t *testing.T, s *session.Sessions, now time.Time, token string) (reply, string) {
	issued, err := s.Refresh(t.Context(), now, token, session.Request{})
	if e, ok := errors.AsType[*session.Error](err); ok {
		return reply{outcome: e.Outcome}, ""
	}
	r := reply{outcome: issued.Outcome}
	if issued.Refresh != "" {
		r.generation = generation(t, issued.Refresh)
	}
	return r, issued.Refresh
}

func logout(t *testing.T, s *session.Sessions, now time.Time, account, sid string) reply {
	if err := s.End(t.Context(), now, account, sid, "logout", ""); err != nil {
		t.Error(err)
		return reply{outcome: "failed"}
	}
	return reply{outcome: "done"}
}

func generation(t *testing.T, token string) uint32 {
	parsed, err := session.ParseRefresh(token)
	if err != nil {
		t.Error(err)
	}
	return parsed.Generation
}

// newSessions makes sessions whose node has heard of no rule: what keeps an
// ended session dead here is the row alone.
func newSessions(t *testing.T, s session.Store) *session.Sessions {
	t.Helper()
	key, err := jwt.GenerateKey(jwt.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{
		Issuer: "https://id.example.com", Store: s, Master: secret.NewRing(secret.Generate()),
		Signer:  jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return key, nil }, jwt.KindAccess),
		Checker: revocation.NewIndex("https://id.example.com"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return sessions
}

var evening = time.Date(2030, 5, 17, 20, 15, 0, 0, time.UTC)

var epoch = time.Now()

func clock() int64 { return time.Since(epoch).Nanoseconds() }

// overlaps counts the operations that were under way together with another.
func overlaps(ops []porcupine.Operation) int {
	n := 0
	for i, a := range ops {
		if slices.ContainsFunc(slices.Delete(slices.Clone(ops), i, i+1), func(b porcupine.Operation) bool {
			return a.Call < b.Return && b.Call < a.Return
		}) {
			n++
		}
	}
	return n
}

func lost(ops []porcupine.Operation) int {
	n := 0
	for _, op := range ops {
		if op.Output.(reply).outcome == "ended" {
			n++
		}
	}
	return n
}

func told(ops []porcupine.Operation) (text string) {
	for _, op := range ops {
		text += fmt.Sprintf("%9d–%9d client %d %+v → %+v\n", op.Call, op.Return, op.ClientId, op.Input, op.Output)
	}
	return text
}
