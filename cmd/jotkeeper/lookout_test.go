package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	verifying "github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/client"
	"github.com/jotkeeper/jotkeeper/internal/cable"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// What a lookout promises, short so that its evening is.
const (
	lookStale = time.Second
	lookRide  = 1500 * time.Millisecond
	youth     = time.Minute // of a token that StaleYoung accepts
)

// A lookout is a service that follows the feed of a server of its own, with
// people who use it. Every answer of the service is held to what it can know at
// that moment: no clock of the test measures it, its own promise does.
type lookout struct {
	*testing.T
	home         string
	server       *server
	issuer, feed *cable.Cable // keys, questions, people go over issuer; only the rules come over feed
	auth         *verifying.Auth
	site         *httptest.Server
	shown        []*pass
	count        map[string]int // of the answers
}

// A pass is a token that is shown again and again.
type pass struct {
	name, token, sid, refresh string
	issued                    time.Time // its iat
	ended                     time.Time // its end was acknowledged before; zero: it is alive
}

// newLookout waits until the service has heard of the rules.
func newLookout(t *testing.T, change ...func(*verifying.Config)) *lookout {
	t.Helper()
	l := &lookout{T: t, home: t.TempDir(), issuer: cable.Lay(t, ""), feed: cable.Lay(t, ""), count: map[string]int{}}
	l.server = launch(t, l.home, "--issuer", "http://"+l.issuer.Addr())
	l.plug()
	config := verifying.Config{
		Issuer: "http://" + l.issuer.Addr(), Audience: "localhost", Client: ownClient(t),
		Feed: verifying.Feed{Token: l.credential(), URL: "http://" + l.feed.Addr(), MaxStale: lookStale, Ride: lookRide},
	}
	for _, c := range change {
		c(&config)
	}
	var err error
	if l.auth, err = verifying.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.auth.Close)
	mux := http.NewServeMux()
	in := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "in") })
	mux.Handle("/ride", l.auth.Handler(in))
	mux.Handle("/closed", l.auth.Handler(in, verifying.WhenStale(verifying.StaleClosed)))
	mux.Handle("/remote", l.auth.Handler(in, verifying.WhenStale(verifying.StaleRemote)))
	l.site = httptest.NewServer(mux)
	t.Cleanup(l.site.Close)
	l.until("it hears of the rules", l.fresh)
	return l
}

// ownClient is an HTTP client whose connections nobody shares.
func ownClient(t *testing.T) *http.Client {
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	return &http.Client{Timeout: patience, Transport: own}
}

// plug leads both cables to the server.
func (l *lookout) plug() {
	addr := strings.TrimPrefix(l.server.url, "http://")
	l.issuer.To(addr)
	l.feed.To(addr)
}

// credential makes one for the feed, as an operator does.
func (l *lookout) credential() string {
	l.Helper()
	l.command("feed", "token")
	text, err := os.ReadFile(filepath.Join(l.home, ".local/share/jotkeeper/feed-token"))
	if err != nil {
		l.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func (l *lookout) command(args ...string) string {
	l.Helper()
	return strings.TrimSpace(jotkeeper(l.T, []string{"HOME=" + l.home}, "", args...).wants(l.T, exitOK).Out)
}

// signsUp gives somebody an account, whose token is shown from now on: the
// token of this minute, and one of the same session that is three minutes old.
func (l *lookout) signsUp(name string) (young, old *pass) {
	l.Helper()
	status, _, body := asks(l.T, "POST", l.server.url+"/accounts", "username="+name, "password="+moss, "transport=body")
	if status != http.StatusCreated {
		l.Fatalf("%d %s", status, body)
	}
	got := read[tokens](l.T, body).Result
	sub, sid, issued := whose(l.T, got.Access)
	aged := l.command("token", "sign", "--subject", sub, "--audience", "localhost", "--session", sid, "--ago", "3m")
	young = &pass{name: name, token: got.Access, sid: sid, refresh: got.Refresh, issued: issued}
	_, _, issued = whose(l.T, aged)
	old = &pass{name: name + " three minutes ago", token: aged, sid: sid, refresh: got.Refresh, issued: issued}
	l.shown = append(l.shown, young, old)
	return young, old
}

// whose reads out of a token whose it is, and since when.
func whose(t *testing.T, token string) (sub, sid string, issued time.Time) {
	t.Helper()
	seen, err := jwt.InspectUnverified(token)
	if err != nil {
		t.Fatal(err)
	}
	claims := read[struct {
		Sub, Sid string
		Iat      int64
	}](t, string(seen.Claims))
	return claims.Sub, claims.Sid, time.Unix(claims.Iat, 0)
}

// ends logs a session out at the server, whatever the cables do.
func (l *lookout) ends(all ...*pass) {
	l.Helper()
	if status, _, body := asks(l.T, "DELETE", l.server.url+"/session", "refresh_token="+all[0].refresh); status != http.StatusOK {
		l.Fatalf("logout answered %d %s", status, body)
	}
	l.ended(all...)
}

// endsBeside logs a session out by command, beside a server that may be down.
func (l *lookout) endsBeside(all ...*pass) {
	l.Helper()
	l.command("session", "end", all[0].sid)
	l.ended(all...)
}

func (l *lookout) ended(all ...*pass) {
	for _, p := range all {
		p.ended = time.Now()
	}
}

func (l *lookout) heard() time.Time { return l.auth.Stats().Rules.Heard }
func (l *lookout) fresh() bool      { return !l.auth.Stats().Stale }
func (l *lookout) stale() bool      { return l.auth.Stats().Stale }
func (l *lookout) cutOff() bool     { return l.auth.Stats().Lag > lookRide }

// until looks at every pass again and again until something is so.
func (l *lookout) until(what string, so func() bool) {
	l.Helper()
	give := time.After(patience)
	for l.look(); !so(); l.look() {
		select {
		case <-give:
			l.Fatalf("%s: never\n%+v\n%s", what, l.auth.Stats(), l.server.said())
		case <-time.After(5 * time.Millisecond):
		}
	}
	l.look()
}

func (l *lookout) look() {
	l.Helper()
	for _, p := range l.shown {
		for _, route := range []string{"/ride", "/closed"} {
			l.judge(route, p)
		}
	}
}

// judge shows a pass and holds the answer to what the service had heard before
// and after: each of the two moments allows one answer, nothing else does.
func (l *lookout) judge(route string, p *pass) {
	l.Helper()
	before, began := l.heard(), time.Now()
	got := l.show(route, p.token)
	after, over := l.heard(), time.Now()
	var may []string
	for _, heard := range []time.Time{before, after} {
		for _, now := range []time.Time{began, over} {
			may = append(may, answers(route, p, heard, now)...)
		}
	}
	for _, m := range may {
		if got == m {
			l.count[route+" "+got]++
			return
		}
	}
	l.Errorf("%s at %s: %s, want one of %q; heard %v ago, ended %v", p.name, route, got, may, over.Sub(after), p.ended)
}

// answers is the promise: what a service may say of a pass that heard last at a
// moment.
func answers(route string, p *pass, heard, now time.Time) []string {
	lag := now.Sub(heard)
	var alive string
	switch {
	case heard.IsZero():
		return []string{"503 unavailable"}
	case lag <= lookStale, route == "/ride" && lag <= lookRide:
		alive = "200"
	case route == "/closed":
		alive = "503 unavailable"
	case now.Sub(p.issued) > youth:
		alive = "401 stale"
	default:
		alive = "200"
	}
	switch {
	case p.ended.IsZero():
		return []string{alive}
	case heard.After(p.ended):
		return []string{"401 revoked"}
	}
	return []string{alive, "401 revoked"} // it may have heard of the end, and of nothing since
}

// show presents a token; the answer is its status and its code.
func (l *lookout) show(route, token string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", route, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	l.site.Config.Handler.ServeHTTP(w, r)
	var said struct{ Code string }
	if w.Code != http.StatusOK {
		_ = json.Unmarshal(w.Body.Bytes(), &said)
	}
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", said.Code))
}

// remote demands an answer of the route that asks the issuer while it is stale.
func (l *lookout) remote(p *pass, want string) {
	l.Helper()
	if got := l.show("/remote", p.token); got != want {
		l.Errorf("%s at /remote: %s, want %s", p.name, got, want)
	}
}

// A person uses the service with the real client, and the token of a pass.
type person struct {
	l     *lookout
	store client.TokenStore
	http  *http.Client
}

func (l *lookout) person(young, old *pass) *person {
	l.Helper()
	p := &person{l: l, store: client.Memory()}
	hour := time.Now().Add(time.Hour)
	if err := p.store.Save(l.Context(), client.Tokens{Access: old.token, Refresh: young.refresh, Renew: hour, Expires: hour}); err != nil {
		l.Fatal(err)
	}
	c, err := client.New(client.Config{Issuer: "http://" + l.issuer.Addr(), Services: []string{l.site.URL}, Tokens: p.store, HTTP: ownClient(l.T)})
	if err != nil {
		l.Fatal(err)
	}
	p.http = &http.Client{Transport: c.Transport(nil), Timeout: patience}
	return p
}

// visits asks the service for something, with whatever token it takes.
func (p *person) visits(want int) {
	p.l.Helper()
	res, err := p.http.Get(p.l.site.URL + "/ride")
	if err != nil {
		p.l.Error(err)
		return
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != want {
		p.l.Errorf("the service answers %d %s, want %d", res.StatusCode, body, want)
	}
}

func (p *person) refreshToken() string {
	p.l.Helper()
	t, err := p.store.Load(p.l.Context())
	if err != nil {
		p.l.Fatal(err)
	}
	return t.Refresh
}

// staysIn demands that the person's session goes on at the server.
func (p *person) staysIn() {
	p.l.Helper()
	if status, _, body := asks(p.l.T, "POST", p.l.server.url+"/session/refresh", "refresh_token="+p.refreshToken()); status != http.StatusCreated {
		p.l.Errorf("the session is lost: refresh answers %d %s", status, body)
	}
}
