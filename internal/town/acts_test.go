package town_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/jotkeeper/jotkeeper/client"
)

// tries is how often somebody repeats what has got no answer.
const tries = 5

// act ends what a person wants to end.
func (d *device) act(ctx context.Context, act string) {
	switch act {
	case "log out":
		d.logOut(ctx)
	case "end others":
		d.endOthers(ctx)
	case "new password":
		d.newPassword(ctx)
	}
}

func (d *device) logOut(ctx context.Context) {
	t := d.person.town
	e := t.truth.act(deed{kind: endOne, account: d.person.account, sid: d.pocket.sid()})
	d.pocket.leave(true)
	defer d.pocket.leave(false)
	for range tries {
		err := d.client.LogOut(ctx)
		if err == nil {
			t.done(e)
			return
		}
		if !errors.Is(err, client.ErrUnavailable) {
			t.truth.breaks("%s logs out: %v", d.name, err)
		}
		until(ctx, time.Now().Add(2*time.Second))
	}
}

func (p *pocket) leave(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaving = on
}

func (d *device) endOthers(ctx context.Context) {
	t := d.person.town
	e := t.truth.act(deed{kind: endOthers, account: d.person.account, sid: d.pocket.sid()})
	for range tries {
		held, _ := d.pocket.Load(ctx)
		status, _, err := d.call(ctx, http.MethodDelete, "/sessions", held.Refresh, nil)
		switch {
		case err == nil && status == http.StatusOK:
			t.done(e)
			return
		case err == nil && status != http.StatusServiceUnavailable:
			if !t.truth.over(d.pocket.sid()) {
				t.truth.breaks("%s ends others: %d", d.name, status)
			}
			return
		}
		until(ctx, time.Now().Add(2*time.Second))
	}
}

// newPassword changes it, and goes on with the session that comes with it. Who
// is not told how it went finds out at the next login.
func (d *device) newPassword(ctx context.Context) {
	p := d.person
	old := p.may()[0]
	next := fmt.Sprintf("%s, number %d", good, p.town.table.count("passwords changed"))
	e := p.town.truth.act(deed{kind: endAll, account: p.account})
	p.changes(e, next)
	held, _ := d.pocket.Load(ctx)
	form := url.Values{"refresh_token": {held.Refresh}, "currentpassword": {old}, "password": {next}, "transport": {"body"}}
	status, got, err := d.call(ctx, http.MethodPost, "/password", "", form)
	switch {
	case err == nil && status == http.StatusCreated:
		p.knows(next)
		d.road.now()
		life := time.Duration(got.ExpiresIn) * time.Second
		_ = d.pocket.Save(ctx, client.Tokens{Access: got.IDToken, Refresh: got.RefreshToken, Renew: time.Now().Add(life / 2), Expires: time.Now().Add(life)})
		_ = d.restart()
	case err == nil && status != http.StatusServiceUnavailable && !p.town.truth.over(d.pocket.sid()):
		p.town.truth.breaks("%s: a new password: %d", d.name, status)
	}
}

// now counts a token as asked for at this moment.
func (r *road) now() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = time.Now().Add(time.Nanosecond)
}

// changes notes a password that may be right from now on.
func (p *person) changes(e *deed, next string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change, p.passwords = e, []string{next, p.passwords[0]}
}

// knows notes which password was right, and so what became of the change.
func (p *person) knows(password string) {
	p.mu.Lock()
	changed, e := password == p.passwords[0], p.change
	open := len(p.passwords) > 1
	p.passwords, p.change = []string{password}, nil
	p.mu.Unlock()
	switch {
	case !open || e == nil:
	case changed:
		if e.done.IsZero() {
			p.town.done(e)
		}
	default:
		p.town.truth.withdrawn(e)
	}
}

// command carries out what administrators order, one thing after another.
func (t *town) command(ctx context.Context) {
	for _, e := range t.plan.orders {
		until(ctx, dawn.Add(e.at))
		p := t.people[e.who]
		t.table.count("order: " + e.kind)
		switch e.kind {
		case "lock":
			t.lock(ctx, p)
		case "end all":
			t.end(ctx, p)
		case "rights":
			t.rights(ctx, p)
		case "rotate keys":
			t.somewhere(ctx, func(a *alive) error { return a.keys.Rotate(ctx, a.node.ahead.now(), "") })
		case "lose key":
			t.loseKey(ctx)
		}
	}
}

func (t *town) lock(ctx context.Context, p *person) {
	p.lock(true)
	e := t.truth.act(deed{kind: endAll, account: p.account})
	if t.order(ctx, "/accounts/"+p.account+"/lock", nil) {
		t.done(e)
	}
	until(ctx, time.Now().Add(45*time.Second))
	if t.order(ctx, "/accounts/"+p.account+"/unlock", nil) {
		p.lock(false)
	}
}

func (p *person) lock(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.locked = on
}

func (t *town) end(ctx context.Context, p *person) {
	e := t.truth.act(deed{kind: endAll, account: p.account})
	if t.somewhere(ctx, func(a *alive) error {
		_, err := a.acts.EndAll(ctx, a.node.ahead.now(), p.account, "ended by admin", "")
		return err
	}) {
		t.done(e)
	}
}

// rights gives a right, or takes it away.
func (t *town) rights(ctx context.Context, p *person) {
	if p.scope == "" {
		p.scope = "pay"
		t.order(ctx, "/accounts/"+p.account, url.Values{"scope": {p.scope}})
		return
	}
	p.scope = ""
	e := t.truth.act(deed{kind: takeRight, account: p.account})
	if t.order(ctx, "/accounts/"+p.account, url.Values{"scope": {""}}) {
		t.done(e)
	}
}

// loseKey is a signing key that somebody else has.
func (t *town) loseKey(ctx context.Context) {
	var e *deed
	if t.somewhere(ctx, func(a *alive) error {
		if e == nil {
			e = t.truth.act(deed{kind: loseKey, kid: a.keys.Stats().Signing})
		}
		return a.acts.CompromiseKey(ctx, a.node.ahead.now(), e.kid)
	}) {
		t.done(e)
	}
}

// order is a private route, asked until it answers.
func (t *town) order(ctx context.Context, path string, form url.Values) bool {
	for range tries {
		status, err := t.private(ctx, path, form)
		if err == nil && status == http.StatusOK {
			return true
		}
		if err == nil && status != http.StatusServiceUnavailable {
			t.truth.breaks("administrator: %s: %d", path, status)
			return false
		}
		until(ctx, time.Now().Add(3*time.Second))
	}
	return false
}

// somewhere runs a command beside a node that lives.
func (t *town) somewhere(ctx context.Context, do func(*alive) error) bool {
	for i := range 4 * tries {
		if a := t.nodes[i%nodes].now(); a != nil && do(a) == nil {
			return true
		}
		until(ctx, time.Now().Add(3*time.Second))
	}
	return false
}
