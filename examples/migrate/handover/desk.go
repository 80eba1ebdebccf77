// Package handover gives each old session its one new session.
//
// A page that is opened shows its old credential in ten requests at once, and an
// answer may be lost. Whoever shows the same old credential again is given the
// same token again, until that token has been seen, and a grace longer.
package handover

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// Grace is for how long an old credential still works after its new token was
// seen: for requests under way. It is the Grace of a keeper, and never longer.
const Grace = 10 * time.Second

// A Desk hands over. It is safe for concurrent use. It remembers in memory: after
// a restart, or at another node, a lost answer becomes a second session.
type Desk struct {
	keeper *keeper.Keeper
	now    func() time.Time

	mu      sync.Mutex
	given   map[key]given
	arrived []key // in the order of their sights
}

type key = [32]byte // SHA-256 of an old credential

type given struct {
	token *keeper.Token
	seen  time.Time // zero: it is on its way
}

// NewDesk returns a Desk of sessions in k, by the clock now.
func NewDesk(k *keeper.Keeper, now func() time.Time) *Desk {
	return &Desk{keeper: k, now: now, given: map[key]given{}}
}

// HandOver returns the token for the old credential: the one that was made
// before, or that of a new session for whom who finds. A session that has ended
// is not made again: the error says so.
func (d *Desk) HandOver(ctx context.Context, old string, who func() (keeper.Claims, error)) (*keeper.Token, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	k := sha256.Sum256([]byte(old))
	if g := d.given[k]; g.token != nil {
		found, err := d.again(ctx, g.token)
		if jwt.ReasonOf(err) != jwt.Expired {
			return found, err
		}
	}
	c, err := who()
	if err != nil {
		return nil, err
	}
	t, err := d.keeper.Create(ctx, c)
	if err != nil {
		return nil, &jwt.Error{Reason: jwt.Unavailable, Detail: "no session can be made now", Err: err}
	}
	d.given[k] = given{token: t}
	return t, nil
}

// again finds a token that was made before, as the client will show it.
func (d *Desk) again(ctx context.Context, t *keeper.Token) (*keeper.Token, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return nil, err
	}
	w := &answer{header: http.Header{}}
	if err := d.keeper.Write(w, r, t, keeper.ByHeader); err != nil {
		return nil, err
	}
	return d.keeper.FindRequest(Show(Bring(w, r, t), t.Text()))
}

// Show is a request with a token in its header, and the cookies it came with.
func Show(r *http.Request, text string) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+text)
	return r
}

// Bring gives a request the lock that Write put into its answer, if the token is
// locked: the client has it from the next request on.
func Bring(w http.ResponseWriter, r *http.Request, t *keeper.Token) *http.Request {
	for _, c := range (&http.Response{Header: w.Header()}).Cookies() {
		if c.Name == binding.CookieName(t.SessionID()) {
			r = r.Clone(r.Context())
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	return r
}

// An answer is none: it keeps headers.
type answer struct{ header http.Header }

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(int)             {}

// Arrived is told that the new token came with the old credential. It kills the
// old session; when that fails, tell it again at the next request.
func (d *Desk) Arrived(old string, kill func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := sha256.Sum256([]byte(old))
	if g := d.given[k]; g.token != nil && g.seen.IsZero() {
		g.seen = d.now()
		d.given[k], d.arrived = g, append(d.arrived, k)
	}
	return kill()
}

// End ends both sides of an old credential: the session that was made for it,
// and by kill the old one. No hand-over slips in between.
func (d *Desk) End(ctx context.Context, old string, kill func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := sha256.Sum256([]byte(old))
	if g := d.given[k]; g.token != nil {
		if err := d.keeper.Revoke(ctx, g.token); err != nil {
			return err
		}
	}
	if err := kill(); err != nil {
		return err
	}
	delete(d.given, k)
	return nil
}

// Waiting returns how many new tokens are remembered: on their way, or just seen.
func (d *Desk) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	return len(d.given)
}

// forget drops what was seen a grace ago.
func (d *Desk) forget() {
	for len(d.arrived) > 0 {
		g, there := d.given[d.arrived[0]]
		if there && d.now().Before(g.seen.Add(Grace)) {
			return
		}
		if there && !g.seen.IsZero() {
			delete(d.given, d.arrived[0])
		}
		d.arrived = d.arrived[1:]
	}
}
