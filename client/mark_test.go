package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/client"
)

// A village is a town without a network: an auth server whose tokens are a1, a2,
// …, and a service that marks the answers to some of them.
type village struct {
	mu        sync.Mutex
	n         int
	refreshes int
	answer    int             // of the auth server to a refresh; 0: new tokens
	code      string          // in such an answer
	marked    map[string]bool // access tokens that should be renewed
	stale     map[string]bool // those that are refused for it
	heard     []string
	gate      chan struct{} // a refresh waits here; nil: it does not
}

const (
	authServer = "http://127.0.0.1:1"
	orders     = "http://127.0.0.1:2"
)

func (v *village) RoundTrip(r *http.Request) (*http.Response, error) {
	if v.gate != nil && r.URL.Path == "/session/refresh" {
		select {
		case <-v.gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	res := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(""))}
	if "http://"+r.URL.Host == orders {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		v.heard = append(v.heard, token)
		if v.marked[token] || v.marked["*"] {
			res.Header.Set("Jotkeeper-Renew", "1")
		}
		if v.stale[token] || v.stale["*"] {
			res.StatusCode = 401
		}
		return res, nil
	}
	if r.URL.Path == "/session/refresh" {
		v.refreshes++
		if v.answer != 0 {
			res.StatusCode, res.Body = v.answer, io.NopCloser(strings.NewReader(`{"code":"`+v.code+`"}`))
			return res, nil
		}
	}
	v.n++
	res.StatusCode = 201
	res.Body = io.NopCloser(strings.NewReader(fmt.Sprintf(`{"result":{"id_token":"a%d","refresh_token":"r%d","expires_in":900}}`, v.n, v.n)))
	return res, nil
}

// inVillage runs a test for somebody who has logged in.
func inVillage(t *testing.T, test func(t *testing.T, v *village, browser *http.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := &village{marked: map[string]bool{}, stale: map[string]bool{}}
		c, err := client.New(client.Config{Issuer: authServer, Services: []string{orders}, HTTP: &http.Client{Transport: v}})
		if err == nil {
			err = c.LogIn(t.Context(), "ada", "moss-kettle-orbit-42")
		}
		if err != nil {
			t.Fatal(err)
		}
		test(t, v, &http.Client{Transport: c.Transport(v)})
	})
}

// get asks the service once, then lets everything that this began end.
func (v *village) get(t *testing.T, browser *http.Client, want int) {
	t.Helper()
	if got := status(t, browser, orders); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	synctest.Wait()
}

func TestAMarkedAnswerRenewsTheTokenOnce(t *testing.T) {
	inVillage(t, func(t *testing.T, v *village, browser *http.Client) {
		v.marked["a1"] = true
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { status(t, browser, orders) })
		}
		wg.Wait()
		synctest.Wait()
		v.get(t, browser, 200)
		if last := v.heard[len(v.heard)-1]; v.refreshes != 1 || last != "a2" {
			t.Errorf("%d refreshes, then %q; want one, then a2", v.refreshes, last)
		}
	})
}

// A service that marks whatever it is shown does not make each answer cost a refresh.
func TestAMarkThatStaysCostsARefreshAMinute(t *testing.T) {
	inVillage(t, func(t *testing.T, v *village, browser *http.Client) {
		v.marked["*"] = true
		for minute := 1; minute <= 3; minute++ {
			for range 30 {
				v.get(t, browser, 200)
			}
			if v.refreshes != minute {
				t.Errorf("%d refreshes in minute %d", v.refreshes, minute)
			}
			<-time.After(time.Minute)
		}
	})
}

// Whatever becomes of the refresh, the answer that asked for it stands.
func TestAMarkNeverTurnsASuccessIntoAFailure(t *testing.T) {
	for code, answer := range map[string]int{"unavailable": 503, "malformed": 401, "revoked": 401} {
		inVillage(t, func(t *testing.T, v *village, browser *http.Client) {
			v.marked["a1"], v.answer, v.code = true, answer, code
			v.get(t, browser, 200)
			if code == "revoked" { // what the auth server itself has ended is over
				if _, err := browser.Get(orders); !errors.Is(err, client.ErrEnded) {
					t.Errorf("%s: %v, want ErrEnded", code, err)
				}
				return
			}
			for range 20 {
				v.get(t, browser, 200)
			}
			if tries := v.refreshes; tries < 1 || tries > 2 { // a 503 is asked once more
				t.Errorf("%s: %d refreshes", code, tries)
			}
		})
	}
}

// The caller goes away with the answer; the refresh goes on.
func TestAMarkOutlivesItsRequest(t *testing.T) {
	inVillage(t, func(t *testing.T, v *village, browser *http.Client) {
		v.marked["a1"], v.gate = true, make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, orders, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := browser.Do(r)
		cancel()
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		synctest.Wait()
		close(v.gate)
		synctest.Wait()
		v.get(t, browser, 200)
		if last := v.heard[len(v.heard)-1]; last != "a2" {
			t.Errorf("the next request went with %q", last)
		}
	})
}

// A route that demands fresh rights: refreshed once, repeated once, and the mark
// of the refusal costs nothing on top.
func TestAFreshRouteIsRepeatedOnce(t *testing.T) {
	inVillage(t, func(t *testing.T, v *village, browser *http.Client) {
		v.marked["a1"], v.stale["a1"] = true, true
		v.get(t, browser, 200)
		if got := strings.Join(v.heard, " "); got != "a1 a2" || v.refreshes != 1 {
			t.Errorf("heard %s, %d refreshes", got, v.refreshes)
		}
	})
}

// A service that refuses whatever it is shown, because it was deployed for another
// audience, say: not each request costs a refresh, and all is well when it is mended.
func TestRefusalsInVainCostARefreshEach5Seconds(t *testing.T) {
	inVillage(t, func(t *testing.T, v *village, browser *http.Client) {
		v.stale["*"] = true
		for n := 1; n <= 3; n++ {
			for range 30 {
				v.get(t, browser, 401)
			}
			if v.refreshes != n {
				t.Errorf("%d refreshes, want %d", v.refreshes, n)
			}
			<-time.After(5 * time.Second)
		}
		v.stale = map[string]bool{"a4": true}
		v.get(t, browser, 200)
		if last := v.heard[len(v.heard)-1]; last != "a5" {
			t.Errorf("the last request went with %q", last)
		}
	})
}

// Nobody but a service of the list may ask for a refresh.
func TestAStrangersMarkIsNotHeard(t *testing.T) {
	inVillage(t, func(t *testing.T, v *village, browser *http.Client) {
		v.marked["*"] = true
		if got := status(t, browser, "http://127.0.0.1:3"); got != 201 {
			t.Errorf("got %d", got)
		}
		synctest.Wait()
		if v.refreshes != 0 {
			t.Error("a stranger caused a refresh")
		}
	})
}
