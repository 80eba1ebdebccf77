package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/session"
)

const (
	guests     = 8  // people at once
	stock      = 40 // sessions that each has when a night begins, so that most of it is not hashing
	acksAKill  = 50 // at least, before each kill
	killIssuer = "http://127.0.0.1:9"
)

// kills is how often the server is killed: 20 in CI, more by JOTKEEPER_KILLS.
func kills(t *testing.T) int {
	text := os.Getenv("JOTKEEPER_KILLS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("JOTKEEPER_KILLS=%q is no number of kills", text)
	}
	return n
}

// A188: serve is killed at random moments under load. Whatever it has
// acknowledged is there afterwards: accounts, passwords, logouts, keys; no
// session that has ended revives, none that lives is lost. Whoever follows the
// revocations hears of each of them.
func TestKillServe(t *testing.T) {
	home, seed := t.TempDir(), killSeed(t)
	t.Logf("JOTKEEPER_SEED=%d chooses what is done and when the kill comes", seed)
	c := &campaign{t: t, client: &http.Client{Timeout: patience}, rng: rand.New(rand.NewPCG(seed, 0))}
	for i := range guests {
		c.guests = append(c.guests, &guest{c: c, name: fmt.Sprintf("guest%d", i), rng: rand.New(rand.NewPCG(seed, uint64(i)+1))})
	}
	c.move(home)
	for range witnesses {
		c.witnesses = append(c.witnesses, c.watch(home))
	}
	n := kills(t)
	for range n {
		c.night(home)
		if t.Failed() {
			return
		}
	}
	c.start(home)
	c.witnesses = append(c.witnesses, c.watch(home)) // who comes last learns everything at once
	c.verify()
	c.soon()
	for _, g := range c.guests {
		g.lookBack()
	}
	c.end()
	acks := c.acks.Load()
	t.Logf("%d kills × %d acknowledged operations (%d in all: %s)", n, acks/int64(n), acks, c.tally())
	if acks/int64(n) < acksAKill {
		t.Errorf("%d acknowledged operations a kill, fewer than %d: the kills prove little", acks/int64(n), acksAKill)
	}
}

// killSeed repeats the choices of an earlier run, not the moments between them.
func killSeed(t *testing.T) uint64 {
	text := os.Getenv("JOTKEEPER_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("JOTKEEPER_SEED=%q is no number", text)
	}
	return seed
}

// A campaign is the guests of one server through all its lives.
type campaign struct {
	t      *testing.T
	rng    *rand.Rand
	client *http.Client
	guests []*guest
	server *server
	acks   atomic.Int64

	address    address
	credential string // of the witnesses
	witnesses  []*witness
	late       <-chan struct{} // closed when a witness should have heard

	mu          sync.Mutex
	counts      map[string]int
	kids        map[string]bool // that signed a token somebody was given
	compromised map[string]bool
}

// start starts the server, whose keys also hand over by the calendar.
func (c *campaign) start(home string) {
	c.server = launch(c.t, home, "--issuer", killIssuer, "--key-rotation", "4s", "--jwks-max-age", "1s")
	c.address.moved(c.server.url)
}

// end kills the server. A refresh token that was newer than what the store
// knows is a rotation that was acknowledged and lost: the server heals that, so
// only its log tells.
func (c *campaign) end() {
	c.server.kill()
	if strings.Contains(c.server.said(), `"outcome":"heal"`) {
		c.t.Error("a rotation that was acknowledged is lost")
	}
}

// move lets every guest sign up.
func (c *campaign) move(home string) {
	c.start(home)
	var work sync.WaitGroup
	for _, g := range c.guests {
		work.Go(func() { g.signUp(context.Background()) })
	}
	work.Wait()
	c.end()
}

// fill gives every guest sessions, while no server runs.
func (c *campaign) fill(home string) {
	p := &program{env: newEnvironment([]string{"HOME=" + home}), flags: map[string]given{}}
	h, err := p.openBeside(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	var work sync.WaitGroup
	for _, g := range c.guests {
		work.Go(func() { g.fill(h) })
	}
	work.Wait()
	if err := h.close(); err != nil {
		c.t.Error(err)
	}
}

// night is one life of the server: first everything is looked at, then there is
// load, then the kill.
func (c *campaign) night(home string) {
	c.fill(home)
	c.start(home)
	c.verify()
	before := c.acks.Load()
	limit := before + acksAKill + c.rng.Int64N(2*acksAKill)
	enough := make(chan struct{})
	var once sync.Once
	ctx, over := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for _, g := range c.guests {
		work.Go(func() {
			for ctx.Err() == nil && g.act(ctx) {
				if c.acks.Load() >= limit {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	switch c.rng.IntN(4) {
	case 0:
		work.Go(func() { c.compromise(home) })
	case 1:
		work.Go(func() { c.rotate(home) })
	}
	tired := make(chan struct{}) // every guest has gone to bed
	go func() {
		work.Wait()
		close(tired)
	}()
	select {
	case <-enough:
	case <-tired:
	case <-time.After(patience):
		c.t.Error("the load came to a stop")
	}
	c.end()
	over()
	<-tired
}

// rotate hands over to the next key by command, beside the server.
func (c *campaign) rotate(home string) {
	r := jotkeeper(c.t, []string{"HOME=" + home}, "", "key", "rotate", "-o", "json")
	var keys []struct{ Kid, State string }
	if r.Code != exitOK || json.Unmarshal([]byte(r.Out), &keys) != nil {
		return
	}
	c.mu.Lock()
	for _, k := range keys {
		if k.State == "active" || k.State == "next" {
			c.kids = put(c.kids, k.Kid)
		}
	}
	c.mu.Unlock()
	c.acked("key")
}

// compromise takes the active key out by command, beside the server.
func (c *campaign) compromise(home string) {
	r := jotkeeper(c.t, []string{"HOME=" + home}, "", "key", "list", "-o", "json")
	var keys []struct{ Kid, State string }
	if r.Code != exitOK || json.Unmarshal([]byte(r.Out), &keys) != nil {
		return
	}
	for _, k := range keys {
		if k.State == "active" {
			if r := jotkeeper(c.t, []string{"HOME=" + home}, "", "key", "compromise", k.Kid); r.Code == exitOK {
				c.mu.Lock()
				c.compromised = put(c.compromised, k.Kid)
				c.mu.Unlock()
				c.acked("key")
			}
			return
		}
	}
}

func put(m map[string]bool, k string) map[string]bool {
	if m == nil {
		m = map[string]bool{}
	}
	m[k] = true
	return m
}

func (c *campaign) acked(what string) {
	c.acks.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[what]++
}

func (c *campaign) tally() string {
	data, _ := json.Marshal(c.counts)
	return string(data)
}

// signed notes under which key a token was signed.
func (c *campaign) signed(raw string) {
	seen, err := jwt.InspectUnverified(raw)
	if err != nil {
		c.t.Errorf("the server gave out %q", raw)
		return
	}
	var h struct{ Kid string }
	_ = json.Unmarshal([]byte(seen.Header), &h)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kids = put(c.kids, h.Kid)
}

// verify looks at everything that was ever acknowledged.
func (c *campaign) verify() {
	_, keys := c.ask(context.Background(), "GET", "/jwks", nil, "")
	for kid := range c.kids {
		if published := strings.Contains(keys, kid); published == c.compromised[kid] {
			c.t.Errorf("key %s: published %v, compromised %v", kid, published, c.compromised[kid])
		}
	}
	c.soon()
	var work sync.WaitGroup
	for _, g := range c.guests {
		work.Go(g.verify)
	}
	work.Wait()
}

// ask sends one request; status 0 means that no whole answer came.
func (c *campaign) ask(ctx context.Context, method, path string, form url.Values, bearer string) (int, string) {
	var body io.Reader
	if form != nil {
		form.Set("transport", "body")
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, c.server.url+path, body)
	if err != nil {
		c.t.Error(err)
		return 0, ""
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	return res.StatusCode, string(text)
}

// A life is what a guest knows of one session.
type life struct {
	access, refresh string
	fresh           bool // its next refresh has to be a rotation
	touched         bool // something was done to it tonight
	over            bool // acknowledged
	unsure          bool // a logout was sent, no answer came
}

func begun(t tokens) *life {
	return &life{access: t.Result.Access, refresh: t.Result.Refresh, fresh: true, touched: true}
}

// A guest is a person with accounts, who does one thing after the other and
// believes only what was acknowledged.
type guest struct {
	c         *campaign
	name      string
	rng       *rand.Rand
	accounts  int
	username  string // empty: none yet
	password  string
	tried     string  // a new password that no answer came for
	lives     []*life // of tonight
	kept      []*life // of the account, alive, from nights before
	left      []*life // of accounts before, alive
	ended     []*life // of all nights
	news      bool    // the password changed, or may have, since it was last tried
	generated int
}

var errNoAnswer = errors.New("no answer")

type tokens struct {
	Result struct {
		Access  string `json:"id_token"`
		Refresh string `json:"refresh_token"`
	}
}

// do asks and demands a status; errNoAnswer when the server died over it.
func (g *guest) do(ctx context.Context, want int, method, path string, form url.Values, bearer string) (tokens, error) {
	status, body := g.c.ask(ctx, method, path, form, bearer)
	var got tokens
	switch {
	case status == 0:
		return got, errNoAnswer
	case status == http.StatusServiceUnavailable:
		return got, errNoAnswer // it cannot know now: nothing is acknowledged
	case status != want:
		g.c.t.Errorf("%s: %s %s answered %d, want %d: %s\n%s", g.name, method, path, status, want, body, g.c.server.said())
		return got, errNoAnswer
	}
	_ = json.Unmarshal([]byte(body), &got)
	if got.Result.Access != "" {
		g.c.signed(got.Result.Access)
	}
	return got, nil
}

// fill tops up the sessions of a guest. One who does not know whether the last
// password change came through gets none: it would have ended those before it only.
func (g *guest) fill(h *house) {
	if g.username == "" || g.tried != "" {
		return
	}
	ctx, now := context.Background(), time.Now()
	row, err := h.accounts.FindIdentifier(ctx, g.username)
	if err != nil {
		g.c.t.Errorf("%s: the account %s is lost: %v", g.name, g.username, err)
		return
	}
	account := strconv.FormatInt(row.ID, 10)
	epoch, err := h.sessions.Epoch(ctx, account)
	for len(g.freshLives()) < stock && err == nil {
		var issued session.Issued
		issued, err = h.sessions.Start(ctx, now, session.Login{Account: account, Audience: "localhost", Methods: []string{"pwd"}}, epoch)
		g.lives = append(g.lives, &life{access: issued.Access, refresh: issued.Refresh, fresh: true})
	}
	if err == nil {
		err = g.endBeside(ctx, h, now, account)
	}
	if err != nil {
		g.c.t.Error(err)
	}
}

// endBeside ends a session as a command does, while nobody serves the feed.
func (g *guest) endBeside(ctx context.Context, h *house, now time.Time, account string) error {
	l := g.freshLives()[0]
	parsed, err := session.ParseRefresh(l.refresh)
	if err == nil {
		err = h.sessions.End(ctx, now, account, parsed.SessionID, "logout", "")
	}
	if err != nil {
		return err
	}
	l.over = true
	return nil
}

// act does one thing and reports whether there is another to do: the server is
// still there, and so is a session.
func (g *guest) act(ctx context.Context) bool {
	var open *life
	if fresh := g.freshLives(); len(fresh) > 0 {
		open = fresh[g.rng.IntN(len(fresh))]
	}
	switch dice := g.rng.IntN(60); {
	case dice == 0:
		return g.signUp(ctx)
	case dice == 1:
		return g.logIn(ctx)
	case open == nil:
		return false
	case dice == 2:
		return g.changePassword(ctx, open)
	case dice < 15:
		return g.logOut(ctx, open)
	default:
		return g.refresh(ctx, open)
	}
}

// freshLives are the sessions that are alive for sure and not refreshed yet:
// each refresh is then a rotation, which the store has to keep.
func (g *guest) freshLives() (all []*life) {
	for _, l := range g.lives {
		if l.fresh && !l.over && !l.unsure {
			all = append(all, l)
		}
	}
	return all
}

func (g *guest) signUp(ctx context.Context) bool {
	g.accounts++
	username, password := fmt.Sprintf("%s-%d", g.name, g.accounts), g.newPassword()
	got, err := g.do(ctx, http.StatusCreated, "POST", "/accounts", url.Values{"username": {username}, "password": {password}}, "")
	if err != nil {
		return false // the name is not used again, so it matters not whether it is there
	}
	g.username, g.password, g.tried, g.news = username, password, "", true
	g.leave()
	g.lives = []*life{begun(got)}
	g.c.acked("account")
	return true
}

// leave turns to another account. The sessions of the one before stay as they are.
func (g *guest) leave() {
	g.left, g.kept = append(g.left, g.kept...), nil
	for _, l := range g.lives {
		if l.over {
			g.ended = append(g.ended, l)
		} else {
			g.left = append(g.left, l)
		}
	}
}

// endAll notes that every session of the account is over.
func (g *guest) endAll() {
	g.lives, g.kept = append(g.lives, g.kept...), nil
	for _, l := range g.lives {
		l.over, l.unsure = true, false
	}
}

func (g *guest) newPassword() string {
	g.generated++
	return fmt.Sprintf("moss-kettle-orbit-%s-%d", g.name, g.generated)
}

func (g *guest) logIn(ctx context.Context) bool {
	got, err := g.do(ctx, http.StatusCreated, "POST", "/session", url.Values{"username": {g.username}, "password": {g.password}}, "")
	if err != nil {
		return false
	}
	g.lives = append(g.lives, begun(got))
	g.c.acked("login")
	return true
}

func (g *guest) refresh(ctx context.Context, l *life) bool {
	l.fresh, l.touched = false, true
	got, err := g.do(ctx, http.StatusCreated, "POST", "/session/refresh", url.Values{"refresh_token": {l.refresh}}, "")
	if err != nil {
		return false
	}
	if got.Result.Refresh == "" || got.Result.Refresh == l.refresh {
		g.c.t.Errorf("%s: the first refresh of a session is no rotation", g.name)
		return false
	}
	l.access, l.refresh = got.Result.Access, got.Result.Refresh
	g.c.acked("rotation")
	return true
}

func (g *guest) logOut(ctx context.Context, l *life) bool {
	l.unsure = true
	if _, err := g.do(ctx, http.StatusOK, "DELETE", "/session", url.Values{"refresh_token": {l.refresh}}, ""); err != nil {
		return false
	}
	l.over, l.unsure = true, false
	g.c.acked("logout")
	return true
}

func (g *guest) changePassword(ctx context.Context, l *life) bool {
	next := g.newPassword()
	g.tried, g.news = next, true
	got, err := g.do(ctx, http.StatusCreated, "POST", "/password",
		url.Values{"refresh_token": {l.refresh}, "currentPassword": {g.password}, "password": {next}}, "")
	if err != nil {
		return false
	}
	g.password, g.tried = next, ""
	g.endAll()
	g.lives = append(g.lives, begun(got))
	g.c.acked("password")
	return true
}

// verify is the guest's morning: what was acknowledged has to be so.
func (g *guest) verify() {
	if g.username == "" {
		return
	}
	ctx := context.Background()
	g.settlePassword(ctx)
	var untouched []*life
	for _, l := range g.lives {
		if l.over {
			g.ended = append(g.ended, l)
		} else if !l.touched && !l.unsure {
			untouched = append(untouched, l)
			continue
		}
		status, body := g.c.ask(ctx, "POST", "/session/refresh", url.Values{"refresh_token": {l.refresh}}, "")
		switch {
		case l.over && status != http.StatusUnauthorized:
			g.c.t.Errorf("%s: a session that had ended answers %d: %s", g.name, status, body)
		case l.over:
			g.c.told(g.name, l)
			// 503 is for a key that was compromised meanwhile: the server looks for
			// an unknown key once a second, and until then cannot know.
			if status, body := g.c.ask(ctx, "GET", "/revocation/v1/check", nil, l.access); status != http.StatusUnauthorized && status != http.StatusServiceUnavailable {
				g.c.t.Errorf("%s: the token of a session that had ended answers %d: %s", g.name, status, body)
			}
		case l.unsure && status == http.StatusUnauthorized: // the logout had come through
		case status != http.StatusCreated:
			g.c.t.Errorf("%s: a living session answers %d: %s", g.name, status, body)
		default:
			var got tokens
			_ = json.Unmarshal([]byte(body), &got)
			l.access, l.unsure = got.Result.Access, false
			if got.Result.Refresh != "" {
				l.refresh = got.Result.Refresh
			}
			g.kept = append(g.kept, l)
		}
	}
	g.lives = untouched
}

// lookBack asks once more for everything that ever ended.
func (g *guest) lookBack() {
	for _, l := range g.ended {
		g.c.told(g.name, l)
		if status, body := g.c.ask(context.Background(), "POST", "/session/refresh", url.Values{"refresh_token": {l.refresh}}, ""); status != http.StatusUnauthorized {
			g.c.t.Errorf("%s: a session that ended nights ago answers %d: %s", g.name, status, body)
		}
	}
	for _, l := range append(g.kept, g.left...) {
		if status, body := g.c.ask(context.Background(), "POST", "/session/refresh", url.Values{"refresh_token": {l.refresh}}, ""); status != http.StatusCreated {
			g.c.t.Errorf("%s: a session that lives since nights ago answers %d: %s", g.name, status, body)
		}
	}
}

// settlePassword finds out which password holds: the acknowledged one, or the
// one that was on its way when the server died. A password costs a hash, so
// one that has not changed is tried now and then only.
func (g *guest) settlePassword(ctx context.Context) {
	if !g.news && g.rng.IntN(4) > 0 {
		return
	}
	g.news = false
	got, body := g.tryPassword(ctx, g.password)
	if got == nil && g.tried != "" {
		if got, body = g.tryPassword(ctx, g.tried); got != nil {
			g.password = g.tried
			g.endAll() // a new password does
		}
	}
	g.tried = ""
	if got == nil {
		g.c.t.Errorf("%s: the account %s or its password is lost: %s", g.name, g.username, body)
		return
	}
	g.lives = append(g.lives, got)
}

func (g *guest) tryPassword(ctx context.Context, password string) (*life, string) {
	status, body := g.c.ask(ctx, "POST", "/session", url.Values{"username": {g.username}, "password": {password}}, "")
	var got tokens
	if status != http.StatusCreated || json.Unmarshal([]byte(body), &got) != nil {
		return nil, body
	}
	return begun(got), body
}
