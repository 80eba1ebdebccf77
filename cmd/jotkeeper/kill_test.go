package main

import (
	"context"
	"encoding/json"
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
	defer c.tell()
	if c.move(home); t.Failed() {
		return
	}
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
	lives  int // of the server
	acks   atomic.Int64
	alone  sync.Mutex // held over a password before and after the nights: a small machine hashes one at a time

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
	c.lives++
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

// move lets every guest sign up. Who comes after, comes with an account.
func (c *campaign) move(home string) {
	c.start(home)
	var work sync.WaitGroup
	for _, g := range c.guests {
		work.Go(g.moveIn)
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

// tell prints what those guests remember who found something wrong.
func (c *campaign) tell() {
	for _, g := range c.guests {
		if g.upset {
			c.t.Logf("the diary of %s:\n%s", g.name, strings.Join(g.diary, "\n"))
		}
	}
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
