package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jotkeeper/jotkeeper/client"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// town is an auth server that counts, with one service beside it. Its refresh
// tokens are r1, r2, … and its access tokens a1, a2, …; the service takes only
// the newest access token.
type town struct {
	*httptest.Server
	service *httptest.Server
	mu      sync.Mutex
	n       int
	life    int
	calls   []string
	trouble func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	heard   []string                                          // what reached the service
}

func newTown(t *testing.T) *town {
	x := &town{life: 900}
	x.Server = httptest.NewServer(http.HandlerFunc(x.issuer))
	x.service = httptest.NewServer(http.HandlerFunc(x.orders))
	t.Cleanup(x.Server.Close)
	t.Cleanup(x.service.Close)
	return x
}

func (x *town) issuer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.calls = append(x.calls, r.Method+" "+r.URL.Path+" "+string(body))
	if x.trouble != nil && x.trouble(w, r) {
		return
	}
	if r.Method == http.MethodDelete {
		return
	}
	x.n++
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"result":{"id_token":"a%d","refresh_token":"r%d","expires_in":%d}}`, x.n, x.n, x.life)
}

func (x *town) orders(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.heard = append(x.heard, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+" "+string(body))
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer a%d", x.n) {
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (x *town) count(prefix string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, c := range x.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// person is somebody who has logged in, with an HTTP client of the service.
func (x *town) person(t *testing.T, store client.TokenStore) (*client.Client, *http.Client) {
	t.Helper()
	c, err := client.New(client.Config{Issuer: x.URL, Services: []string{x.service.URL}, Tokens: store, HTTP: x.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.LogIn(context.Background(), "ada", "moss-kettle-orbit-42"); err != nil {
		t.Fatal(err)
	}
	return c, &http.Client{Transport: c.Transport(x.service.Client().Transport)}
}

func status(t *testing.T, c *http.Client, url string) int {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestOneRefreshForManyRequests(t *testing.T) {
	x := newTown(t)
	_, browser := x.person(t, nil)
	x.mu.Lock()
	x.n = 7 // the token at hand is out of date for the service
	x.mu.Unlock()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if got := status(t, browser, x.service.URL); got != 200 {
				t.Errorf("got %d, want 200", got)
			}
		})
	}
	wg.Wait()
	if got := x.count("POST /session/refresh refresh_token=r1"); got != 1 {
		t.Errorf("%d refreshes, want 1: %v", got, x.calls)
	}
}

func TestTokenIsRenewedAtHalfItsLife(t *testing.T) {
	x := newTown(t)
	x.life = 0 // due at once
	_, browser := x.person(t, nil)
	if got := status(t, browser, x.service.URL); got != 200 {
		t.Errorf("got %d", got)
	}
	if len(x.heard) != 1 || x.heard[0] != "a2 " {
		t.Errorf("the service heard %q, want the renewed token at once", x.heard)
	}
}

func TestTokenGoesNowhereElse(t *testing.T) {
	x := newTown(t)
	_, browser := x.person(t, nil)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("a stranger was sent %q", got)
		}
	}))
	defer elsewhere.Close()
	defer browser.CloseIdleConnections()
	status(t, browser, elsewhere.URL)
}

func TestBodyIsSentAgainAfterARefresh(t *testing.T) {
	x := newTown(t)
	_, browser := x.person(t, nil)
	x.n = 7
	res, err := browser.Post(x.service.URL, "text/plain", strings.NewReader("two teas"))
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	if len(x.heard) != 2 || x.heard[0] != "a1 two teas" || x.heard[1] != "a8 two teas" {
		t.Errorf("heard %q", x.heard)
	}
}

func TestARefusalThatStaysIsTheAnswer(t *testing.T) {
	x := newTown(t)
	_, browser := x.person(t, nil)
	x.trouble = func(w http.ResponseWriter, _ *http.Request) bool { x.n += 2; return false }
	x.n = 7
	if got := status(t, browser, x.service.URL); got != 200 {
		t.Errorf("got %d", got)
	}
	x.n = 70
	x.trouble = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	if got := status(t, browser, x.service.URL); got != 401 {
		t.Errorf("no new token to be had: got %d, want the service's own 401", got)
	}
}

func TestLostAnswerIsAskedForOnceMore(t *testing.T) {
	x := newTown(t)
	_, browser := x.person(t, nil)
	x.n = 7
	lost := false
	x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
		if lost {
			return false
		}
		lost = true
		panic(http.ErrAbortHandler)
	}
	if got := status(t, browser, x.service.URL); got != 200 {
		t.Errorf("got %d", got)
	}
	if got := x.count("POST /session/refresh refresh_token=r1"); got != 2 {
		t.Errorf("%d refreshes with the same token, want 2", got)
	}
}

// A mailman keeps the answer of a refresh until he is told to deliver it.
type mailman struct {
	http.RoundTripper
	has, deliver chan struct{}
}

func (m mailman) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := m.RoundTripper.RoundTrip(r)
	if r.URL.Path == "/session/refresh" {
		m.has <- struct{}{}
		<-m.deliver
	}
	return res, err
}

// While a refresh is under way somebody else logs in, or the person logs out:
// what the refresh brings, or says of the session before, is too late.
func TestALateRefreshDoesNotUndoALoginOrALogout(t *testing.T) {
	logIn := func(c *client.Client) error { return c.LogIn(context.Background(), "bob", "moss-kettle-orbit-43") }
	logOut := func(c *client.Client) error { return c.LogOut(context.Background()) }
	ended := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/session/refresh" {
			return false
		}
		w.WriteHeader(401)
		io.WriteString(w, `{"code":"revoked"}`)
		return true
	}
	for name, c := range map[string]struct {
		meanwhile func(*client.Client) error
		trouble   func(http.ResponseWriter, *http.Request) bool
		want      string // the refresh token that is kept
	}{
		"renewed, then a login":  {meanwhile: logIn, want: "r3"},
		"refused, then a login":  {meanwhile: logIn, trouble: ended, want: "r2"},
		"renewed, then a logout": {meanwhile: logOut, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTown(t)
			x.life, x.trouble = 0, c.trouble // a renewal is due at once
			m := mailman{x.Client().Transport, make(chan struct{}, 8), make(chan struct{})}
			pocket := client.Memory()
			ada, err := client.New(client.Config{Issuer: x.URL, Services: []string{x.service.URL}, Tokens: pocket, HTTP: &http.Client{Transport: m}})
			if err != nil {
				t.Fatal(err)
			}
			if err := ada.LogIn(context.Background(), "ada", "moss-kettle-orbit-42"); err != nil {
				t.Fatal(err)
			}
			asked := make(chan error)
			go func() {
				res, err := (&http.Client{Transport: ada.Transport(x.service.Client().Transport)}).Get(x.service.URL)
				if err == nil {
					res.Body.Close()
				}
				asked <- err
			}()
			<-m.has
			if err := c.meanwhile(ada); err != nil {
				t.Fatal(err)
			}
			close(m.deliver)
			if err := <-asked; !errors.Is(err, client.ErrEnded) {
				t.Errorf("the request of the session before: got %v, want ErrEnded", err)
			}
			if got, _ := pocket.Load(context.Background()); got.Refresh != c.want {
				t.Errorf("kept %q, want %q", got.Refresh, c.want)
			}
			if len(x.heard) != 0 {
				t.Errorf("the service heard %q", x.heard)
			}
		})
	}
}

func TestOnlyATerminalRefreshEndsTheSession(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   error
		kept   bool
	}{
		{503, `{"error":"later","code":"unavailable"}`, client.ErrUnavailable, true},
		{502, `<html>`, client.ErrUnavailable, true},
		{200, `{}`, client.ErrUnavailable, true},
		{307, ``, client.ErrUnavailable, true},
		{401, `{"code":"malformed"}`, client.ErrRefusedCredential, true},
		{401, `{"code":"binding"}`, client.ErrRefusedCredential, true},
		{401, ``, client.ErrRefusedCredential, true},
		{401, `{"code":"revoked","request_id":"q1"}`, client.ErrEnded, false},
		{401, `{"code":"idle"}`, client.ErrEnded, false},
		{401, `{"code":"absolute"}`, client.ErrEnded, false},
		{401, `{"code":"reused"}`, client.ErrEnded, false},
	} {
		t.Run(fmt.Sprint(c.status, c.body), func(t *testing.T) {
			x := newTown(t)
			x.life = 0
			store := client.Memory()
			_, browser := x.person(t, store)
			x.trouble = func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return true
			}
			_, err := browser.Get(x.service.URL)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			left, _ := store.Load(context.Background())
			if kept := left.Refresh == "r1"; kept != c.kept {
				t.Errorf("session kept: %v, want %v", kept, c.kept)
			}
		})
	}
}

func TestEndedSaysWhy(t *testing.T) {
	x := newTown(t)
	x.life = 0
	_, browser := x.person(t, nil)
	x.trouble = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(401)
		fmt.Fprint(w, `{"code":"reused","request_id":"q1"}`)
		return true
	}
	_, err := browser.Get(x.service.URL)
	var ended *client.Ended
	if !errors.As(err, &ended) || ended.Reason != "reused" || ended.RequestID != "q1" {
		t.Errorf("got %v", err)
	}
	if _, err := browser.Get(x.service.URL); !errors.Is(err, client.ErrEnded) || x.count("POST /session/refresh") != 1 {
		t.Errorf("an ended session is not tried again: %v, %v", err, x.calls)
	}
}

func TestServerInTroubleDoesNotStopATokenThatHolds(t *testing.T) {
	x := newTown(t)
	x.life = 900
	store := client.Memory()
	_, first := x.person(t, store)
	status(t, first, x.service.URL)
	held, _ := store.Load(context.Background())
	held.Renew = held.Renew.Add(-900e9) // past half its life
	store.Save(context.Background(), held)

	c, err := client.New(client.Config{Issuer: x.URL, Services: []string{x.service.URL}, Tokens: store, HTTP: x.Client()})
	if err != nil {
		t.Fatal(err)
	}
	x.trouble = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	if got := status(t, &http.Client{Transport: c.Transport(x.service.Client().Transport)}, x.service.URL); got != 200 {
		t.Errorf("got %d, want 200 on the old token", got)
	}
}

func TestNewerTokenInTheStoreIsTriedBeforeGivingUp(t *testing.T) {
	x := newTown(t)
	x.life = 0
	store := client.Memory()
	_, browser := x.person(t, store)
	x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(x.calls[len(x.calls)-1], "refresh_token=r1") {
			store.Save(context.Background(), client.Tokens{Refresh: "r9"})
			w.WriteHeader(401)
			fmt.Fprint(w, `{"code":"reused"}`)
			return true
		}
		return false
	}
	if got := status(t, browser, x.service.URL); got != 200 {
		t.Errorf("got %d", got)
	}
	if x.count("POST /session/refresh refresh_token=r9") != 1 {
		t.Errorf("calls %q", x.calls)
	}
}

func TestRefusedInputNamesTheField(t *testing.T) {
	x := newTown(t)
	x.trouble = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(422)
		fmt.Fprint(w, `{"errors":[{"field":"username","message":"TAKEN"}]}`)
		return true
	}
	c, _ := client.New(client.Config{Issuer: x.URL, HTTP: x.Client()})
	var refused *client.Refused
	err := c.SignUp(context.Background(), "ada", "x")
	if !errors.As(err, &refused) || !refused.Has("username", "TAKEN") || err.Error() != "client: refused: username TAKEN" {
		t.Errorf("got %v", err)
	}
}

func TestLogOutForgetsOnlyWhatTheServerHasEnded(t *testing.T) {
	x := newTown(t)
	store := client.Memory()
	c, browser := x.person(t, store)
	x.trouble = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	if err := c.LogOut(context.Background()); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if left, _ := store.Load(context.Background()); left.Refresh != "r1" {
		t.Error("forgot a session that the server still has")
	}
	x.trouble = nil
	if err := c.LogOut(context.Background()); err != nil || x.count("DELETE /session refresh_token=r1") != 2 {
		t.Errorf("got %v, calls %q", err, x.calls)
	}
	if _, err := browser.Get(x.service.URL); !errors.Is(err, client.ErrEnded) {
		t.Errorf("after logout: got %v, want ErrEnded", err)
	}
}

func TestFileKeepsTheSessionToItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.json")
	ctx := context.Background()
	if got, err := client.File(path).Load(ctx); err != nil || got != (client.Tokens{}) {
		t.Errorf("no file yet: got %v, %v", got, err)
	}
	want := client.Tokens{Access: "a", Refresh: "r"}
	if err := client.File(path).Save(ctx, want); err != nil {
		t.Fatal(err)
	}
	if got, err := client.File(path).Load(ctx); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	os.WriteFile(path, []byte("{torn"), 0o600)
	if _, err := client.File(path).Load(ctx); err == nil || !strings.Contains(err.Error(), "reading the session") {
		t.Errorf("a damaged file: %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []client.Config{{}, {Issuer: "id.example.com"}, {Issuer: "ftp://id.example.com"}, {Issuer: "https://id.example.com", Services: []string{"api"}}} {
		if _, err := client.New(c); !errors.Is(err, client.ErrConfig) {
			t.Errorf("%+v: got %v, want ErrConfig", c, err)
		}
	}
}
