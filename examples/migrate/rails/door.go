// Package rails takes over the people of a Rails program: from JWT Keeper, whose
// tokens may be locked to a cookie, or from Knock, whose tokens are plain.
package rails

import (
	"context"
	"log"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/examples/migrate/handover"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// A Former is what a good token of the old side says.
type Former struct {
	ID      string // of the token; names it among the denied
	Account string
	Locked  bool // it came with its cookie, so it is from a browser
}

// An Old reads tokens of the old side, until its date. Gem and Knock are two.
type Old interface {
	Read(now time.Time, r *http.Request, raw string) (Former, error)
}

// Denied is the old side's list of tokens that have ended. For the gem it is its
// own in Redis, so that Rails knows too: JWTKeeper:ID is "hard".
type Denied interface {
	Denied(ctx context.Context, id string) (bool, error)
	Deny(ctx context.Context, id string) error // at least to the old side's date; may be repeated
}

// A Door lets in who brings a token of the keeper, or one of the old side.
type Door struct {
	Keeper *keeper.Keeper
	Desk   *handover.Desk
	Old    Old
	Denied Denied
	Now    func() time.Time
	Cookie jotkeeper.Cookie

	ended            sync.Map // IDs of old tokens that were denied here
	fromOld, fromNew atomic.Int64
}

// was is the claim of a new token that names the old one: a logout ends both.
const was = "was"

// Handler serves next to people who are logged in. A token goes back the way it
// came, and a locked one into a cookie: no script could read the whole of it, and
// none will. Cookies go with requests of other sites, which may start nothing.
func (d *Door) Handler(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		t, err := d.enter(w, r)
		if err != nil {
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)))
	}))
}

func (d *Door) enter(w http.ResponseWriter, r *http.Request) (*keeper.Token, error) {
	header, cookie, err := credentials(r, d.cookie())
	switch {
	case err != nil:
		return nil, err
	case cookie != "":
		return d.byCookie(w, r, cookie, header)
	case header == "":
		return nil, &jwt.Error{Reason: jwt.Missing, Detail: "log in"}
	}
	found, err := d.Keeper.Find(r.Context(), header)
	if jwt.ReasonOf(err) == jwt.Header { // not one of ours
		return d.handOver(w, r, header)
	}
	if err != nil {
		return nil, err
	}
	return d.goOn(r.Context(), found, header, func(t *keeper.Token) { w.Header().Set("Authorization", "Bearer "+t.Text()) })
}

// byCookie lets the cookie decide. The scripts of the old side go on sending what
// they hold; it may be anything but another person's.
func (d *Door) byCookie(w http.ResponseWriter, r *http.Request, cookie, header string) (*keeper.Token, error) {
	found, err := d.Keeper.Find(r.Context(), cookie)
	if err != nil {
		return nil, err
	}
	if other, err := d.Keeper.Find(r.Context(), header); err == nil && other.SessionID() != found.SessionID() {
		return nil, errTwo
	}
	if f, err := d.Old.Read(d.Now(), r, header); err == nil {
		if f.Account != found.Claims().Subject {
			return nil, errTwo
		}
		d.arrived(r.Context(), header, f.ID)
	}
	return d.goOn(r.Context(), found, cookie, func(t *keeper.Token) { d.Cookie.Set(w, t.Text(), t.Expires()) })
}

// arrived ends the old token that came with its new one. Scripts send it again and
// again; it is denied once. If that fails the next request tries, and nobody is
// refused for it.
func (d *Door) arrived(ctx context.Context, raw, id string) {
	if _, done := d.ended.Load(id); done {
		return
	}
	if err := d.Desk.Arrived(raw, func() error { return d.Denied.Deny(ctx, id) }); err != nil {
		log.Print("an old token could not be ended: ", err)
		return
	}
	d.ended.Store(id, true)
}

func (d *Door) goOn(ctx context.Context, found *keeper.Token, raw string, send func(*keeper.Token)) (*keeper.Token, error) {
	t, err := d.Keeper.Renew(ctx, found)
	if t == nil {
		return nil, err
	}
	d.fromNew.Add(1)
	if t.Text() != raw {
		send(t)
	}
	return t, nil
}

func (d *Door) handOver(w http.ResponseWriter, r *http.Request, raw string) (*keeper.Token, error) {
	f, err := d.Old.Read(d.Now(), r, raw)
	if err != nil {
		return nil, err
	}
	t, err := d.Desk.HandOver(r.Context(), raw, func() (keeper.Claims, error) {
		switch dead, err := d.Denied.Denied(r.Context(), f.ID); {
		case err != nil:
			return keeper.Claims{}, &jwt.Error{Reason: jwt.Unavailable, Detail: "the old side's denied tokens cannot be read", Err: err}
		case dead:
			return keeper.Claims{}, &jwt.Error{Reason: jwt.Revoked, Detail: "log in again"}
		}
		return keeper.Claims{Subject: f.Account, Private: map[string]any{was: f.ID}}, nil
	})
	if err != nil {
		return nil, err
	}
	d.fromOld.Add(1)
	if f.Locked {
		d.Cookie.Set(w, t.Text(), t.Expires())
	} else {
		w.Header().Set("Authorization", "Bearer "+t.Text())
	}
	return t, nil
}

// Logout ends the new session and the old token that it came from, whichever of
// them the request brings. When it fails the person is still logged in.
func (d *Door) Logout(w http.ResponseWriter, r *http.Request) error {
	header, cookie, err := credentials(r, d.cookie())
	if err != nil {
		return err
	}
	for _, raw := range []string{header, cookie} {
		if err := d.end(r.Context(), raw); err != nil {
			return err
		}
	}
	if f, err := d.Old.Read(d.Now(), r, header); err == nil {
		if err := d.Desk.End(r.Context(), header, func() error { return d.Denied.Deny(r.Context(), f.ID) }); err != nil {
			return err
		}
	}
	d.Cookie.Clear(w)
	return nil
}

func (d *Door) end(ctx context.Context, raw string) error {
	t, err := d.Keeper.Find(ctx, raw)
	switch {
	case jwt.ReasonOf(err) == jwt.Unavailable:
		return err
	case err != nil:
		return nil // not a session of ours, or over
	}
	if id, ok := t.Claims().Private[was].(string); ok {
		if err := d.Denied.Deny(ctx, id); err != nil {
			return err
		}
	}
	return d.Keeper.Revoke(ctx, t)
}

// Counts returns how many requests were let in by an old token and how many by a
// new one. When the first stands still, the old side is empty.
func (d *Door) Counts() (fromOld, fromNew int64) { return d.fromOld.Load(), d.fromNew.Load() }

func (d *Door) cookie() string {
	if d.Cookie.Name == "" {
		return jotkeeper.DefaultCookie
	}
	return d.Cookie.Name
}

var errTwo = &jwt.Error{Reason: jwt.Ambiguous, Detail: "two credentials"}

func credentials(r *http.Request, name string) (header, cookie string, err error) {
	if len(r.Header["Authorization"]) > 1 || len(r.CookiesNamed(name)) > 1 {
		return "", "", errTwo
	}
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		header = raw
	}
	if c, err := r.Cookie(name); err == nil {
		cookie = c.Value
	}
	return header, cookie, nil
}

func refuse(w http.ResponseWriter, err error) {
	reason, status := jwt.ReasonOf(err), http.StatusUnauthorized
	switch reason {
	case jwt.Unavailable:
		status = http.StatusServiceUnavailable
	case "": // without a reason it is the operator's to mend
		log.Print(err)
		reason, status = jwt.Unavailable, http.StatusServiceUnavailable
	case jwt.Ambiguous:
		status = http.StatusBadRequest
	}
	http.Error(w, string(reason), status)
}

type tokenKey struct{}

// From returns the session of the request, in a handler behind a Door.
func From(ctx context.Context) (*keeper.Token, bool) {
	t, ok := ctx.Value(tokenKey{}).(*keeper.Token)
	return t, ok
}
