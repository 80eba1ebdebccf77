package town_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/api"
	"github.com/jotkeeper/jotkeeper/client"
)

// A person has an account, and devices.
type person struct {
	town    *town
	name    string
	account string
	devices []*device
	scope   string // as the last order set it

	mu        sync.Mutex
	passwords []string // those that may be right
	locked    bool     // perhaps
	change    *deed    // of the password, while nobody was told
}

// A device is one program of a person, with what it keeps of its session.
type device struct {
	person *person
	name   string
	visits []visit
	pocket *pocket
	road   *road
	way    *http.Transport
	client *client.Client
	http   *http.Client
}

func (t *town) device(p *person, name string, visits []visit, r *rand.Rand) (*device, error) {
	d := &device{person: p, name: name, visits: visits}
	street := newStreet(t.net, r)
	d.way = &http.Transport{DialContext: street.dial, IdleConnTimeout: 30 * time.Second, DisableCompression: true}
	d.road = &road{town: t, base: d.way}
	d.pocket = &pocket{device: d}
	p.devices = append(p.devices, d)
	return d, d.restart()
}

// restart is the program that begins anew, with what was stored.
func (d *device) restart() (err error) {
	var services []string
	for _, g := range d.person.town.guards {
		services = append(services, "http://"+g.name)
	}
	d.client, err = client.New(client.Config{
		Issuer: issuer, Audience: audience, Services: services, Tokens: d.pocket,
		HTTP: &http.Client{Transport: d.road, Timeout: 10 * time.Second},
	})
	if err == nil {
		d.http = &http.Client{Transport: d.client.Transport(d.way), Timeout: 40 * time.Second}
	}
	return err
}

// live is everything a device does.
func (d *device) live(ctx context.Context) {
	for _, v := range d.visits {
		began := dawn.Add(v.at)
		until(ctx, began)
		d.road.set(v.seed)
		if v.fresh && d.restart() != nil {
			return
		}
		for _, a := range v.asks {
			until(ctx, began.Add(a.after))
			if d.pocket.sid() != "" || d.logIn(ctx) {
				d.ask(ctx, a)
			}
		}
		if d.pocket.sid() != "" {
			d.act(ctx, v.act)
		}
	}
}

// ask sends requests to a service. What it answers is judged there; here it
// counts that nobody is told something that is no answer.
func (d *device) ask(ctx context.Context, a ask) {
	t := d.person.town
	var all sync.WaitGroup
	for range a.wide {
		all.Go(func() {
			res, err := d.get(ctx, "http://"+t.guards[a.guard].name+routes[a.path].path)
			t.table.count("requests")
			switch {
			case errors.Is(err, client.ErrRefusedCredential):
				t.truth.breaks("%s: %v", d.name, err)
			case errors.Is(err, client.ErrEnded):
				d.ended(err)
			case err != nil:
				t.table.count("requests to be made again")
			case res.StatusCode == http.StatusOK:
			case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusServiceUnavailable:
				t.table.count("requests to be made again")
			default:
				t.truth.breaks("%s: a service answered %s", d.name, res.Status)
			}
		})
	}
	all.Wait()
}

func (d *device) get(ctx context.Context, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := d.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res, nil
}

// ended looks at why a client says that a session has ended. That somebody
// ended it is for the pocket to ask.
func (d *device) ended(err error) {
	if e, ok := errors.AsType[*client.Ended](err); ok && e.Reason != "revoked" {
		d.person.town.truth.breaks("%s: %v; nobody is a thief here", d.name, err)
	}
}

// logIn tries for a while, with every password that may be right.
func (d *device) logIn(ctx context.Context) bool {
	p := d.person
	for range 4 {
		refused := 0
		before := p.may()
		for _, password := range before {
			err := d.client.LogIn(ctx, p.name, password)
			var said *client.Refused
			switch {
			case err == nil:
				p.knows(password)
				p.town.table.count("logins")
				p.town.truth.note("%s has logged in", d.name)
				return true
			case errors.As(err, &said) && said.Has("account", "LOCKED"):
				if !p.perhapsLocked() {
					p.town.truth.breaks("%s: locked, by nobody", d.name)
				}
				return false
			case errors.As(err, &said) && said.Has("credentials", "FAILED"):
				refused++
			case !errors.Is(err, client.ErrUnavailable):
				p.town.truth.breaks("%s logs in: %v", d.name, err)
			}
		}
		if refused == len(before) && refused == len(p.may()) {
			p.town.truth.breaks("%s: the right password was refused", d.name)
		}
		until(ctx, time.Now().Add(2*time.Second))
	}
	return false
}

func (p *person) may() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passwords
}

func (p *person) perhapsLocked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.locked
}

// A pocket is a TokenStore: what a program has stored durably.
type pocket struct {
	device *device

	mu      sync.Mutex
	tokens  client.Tokens
	session string
	leaving bool // the program forgets by itself
}

func (p *pocket) sid() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session
}

func (p *pocket) Load(context.Context) (client.Tokens, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens, nil
}

// Save sees what a client was given, and what it gives up.
func (p *pocket) Save(_ context.Context, t client.Tokens) error {
	d := p.device
	truth := d.person.town.truth
	if t == (client.Tokens{}) && !p.leaves() && !truth.over(p.sid()) {
		truth.breaks("%s was logged out, and nobody has ended its session", d.name)
	}
	if t == (client.Tokens{}) {
		truth.note("%s knows that its session is over", d.name)
	}
	session := ""
	if t.Access != "" {
		if k := truth.learn(d.name, t.Access, d.road.last()); k != nil {
			session = k.session.id
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens, p.session = t, session
	return nil
}

func (p *pocket) leaves() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leaving
}

// A road leads from a device to the auth server. Requests and answers are lost
// on it, or take long.
type road struct {
	town *town
	base http.RoundTripper

	mu     sync.Mutex
	random *rand.Rand // nil: nothing goes wrong
	asked  time.Time
}

var errLost = errors.New("the answer was lost")

func (r *road) set(seed uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.random = rand.New(rand.NewPCG(seed, 0))
	if r.town.plan.calm {
		r.random = nil
	}
}

// last tells when the latest request left that asked for a token.
func (r *road) last() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// A fate is what happens to one call.
type fate struct {
	slow            time.Duration
	request, answer bool // lost
}

func (r *road) fate() (f fate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = time.Now()
	if r.random == nil {
		return fate{}
	}
	n := r.random.IntN(100)
	f = fate{request: n < 3, answer: n >= 3 && n < 13}
	if slow := between(r.random, time.Second, 14*time.Second); n >= 13 && n < 18 {
		f.slow = slow
	}
	return f
}

func (r *road) RoundTrip(req *http.Request) (*http.Response, error) {
	f := r.fate()
	if f.slow > 0 {
		r.town.table.count("slow calls")
	}
	if !until(req.Context(), time.Now().Add(f.slow/2)) || f.request {
		r.town.table.count(when(f.request, "lost requests", "calls given up"))
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, errLost
	}
	res, err := r.base.RoundTrip(req)
	if err != nil {
		r.town.table.count("calls that found no server, or lost it")
		return nil, err
	}
	if !until(req.Context(), time.Now().Add(f.slow/2)) || f.answer {
		r.town.table.count(when(f.answer, "lost answers", "calls given up"))
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return nil, errLost
	}
	r.town.table.count("auth: " + req.Method + " " + req.URL.Path + " " + res.Status[:3])
	return res, nil
}

// call sends what the package client has no word for.
func (d *device) call(ctx context.Context, method, path, bearer string, form url.Values) (int, api.Tokens, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, api.Tokens{}, err
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if len(form) > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := d.road.RoundTrip(req)
	if err != nil {
		return 0, api.Tokens{}, err
	}
	defer res.Body.Close()
	var said struct{ Result api.Tokens }
	text, err := io.ReadAll(res.Body)
	if err == nil && method == http.MethodPost && res.StatusCode < 300 {
		err = json.Unmarshal(text, &said)
	}
	return res.StatusCode, said.Result, err
}
