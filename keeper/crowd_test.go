package keeper_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/keeper"
)

// JC3, B2, B10: a page fires 64 requests with one token that is due, at two
// nodes, by header and by cookie: one successor, 64 successes, one write. When
// each twentieth answer is lost on its way, whoever asks again gets the same.
func TestB2APageOf64Requests(t *testing.T) {
	for name, lost := range map[string]int64{"all arrive": 0, "each twentieth is lost": 20} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, h *house) {
				nodes := []*keeper.Keeper{h.Keeper, h.node()}
				old := h.login()
				token := old.Text()
				h.pass(31*time.Minute, nodes[1])
				var answers, drops, arrived atomic.Int64
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					n := answers.Add(1)
					kept := httptest.NewRecorder()
					nodes[n%2].Handler(orders(t)).ServeHTTP(kept, r)
					if lost > 0 && n%lost == 0 {
						drops.Add(1)
						panic(http.ErrAbortHandler)
					}
					for name, values := range kept.Header() {
						w.Header()[name] = values
					}
					if kept.Code == http.StatusOK {
						arrived.Add(1)
					}
					w.WriteHeader(kept.Code)
					w.Write(kept.Body.Bytes())
				}))
				defer s.Close()
				given := make([]string, 64)
				var all sync.WaitGroup
				for i := range given {
					all.Go(func() { given[i] = insist(t, s, i, token) })
				}
				all.Wait()
				for i, text := range given {
					if text == "" || text == token || text != given[0] {
						t.Fatalf("client %d holds %q, the first %q", i, tail(text), tail(given[0]))
					}
				}
				if answers.Load() != 64+drops.Load() || arrived.Load() != 64 || (lost > 0) != (drops.Load() >= 3) {
					t.Errorf("of %d answers %d were lost, and %d successes arrived; want 64", answers.Load(), drops.Load(), arrived.Load())
				}
				here, there := nodes[0].Stats(), nodes[1].Stats()
				if renewed, repeated := here.Renewed+there.Renewed, here.Repeated+there.Repeated; renewed != 1 || repeated != uint64(answers.Load()-1) || here.Late+there.Late != 0 {
					t.Errorf("%d renewals decided, %d repeated, want 1 and %d", renewed, repeated, answers.Load()-1)
				}
				h.wantRules()
				h.recorded(old, given[0])
				if w := h.asks(req("GET", "/", inCookie(given[0])...)); w.Code != http.StatusOK {
					t.Errorf("afterwards: %d %s", w.Code, w.Body)
				}
			})
		})
	}
}

// recorded wants the store to hold one renewal and nothing else: that of a token
// into the one with this text.
func (h *house) recorded(old *keeper.Token, text string) {
	h.Helper()
	r, err := h.wire.store.Rotated(h.Context(), old.ID())
	if next := h.finds(text); err != nil || r.Successor != next.ID() {
		h.Errorf("recorded is %s (%v), given was %s", r.Successor, err, next.ID())
	}
	if n, err := h.wire.store.Sweep(h.Context(), old.Ends()); n != 1 || err != nil {
		h.Errorf("%d renewals were recorded (%v), want 1", n, err)
	}
}

// insist asks until an answer arrives, and returns the token that it gives.
func insist(t *testing.T, s *httptest.Server, i int, token string) string {
	for range 20 {
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL, nil)
		if err != nil {
			t.Error(err)
			return ""
		}
		r.Header.Set("Origin", s.URL)
		if i%2 == 0 {
			r.Header.Set("Authorization", "Bearer "+token)
		} else {
			r.Header.Set("Cookie", jar+"="+token)
		}
		res, err := s.Client().Do(r)
		if err != nil {
			continue // lost on its way
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Errorf("client %d: %d %v", i, res.StatusCode, res.Header)
		}
		byHeader, byCookie := held(res.Header)
		return byHeader + byCookie
	}
	t.Errorf("client %d never heard", i)
	return ""
}
