// Package scssession moves a program from sessions of scs to those of keeper,
// while people are logged in.
package scssession

import (
	"context"
	"log"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/jotkeeper/jotkeeper"
	"github.com/jotkeeper/jotkeeper/examples/migrate/handover"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// A Door lets people in by the keeper's token or, until a date, by the session
// that they have in scs.
type Door struct {
	Keeper   *keeper.Keeper
	Desk     *handover.Desk
	Sessions *scs.SessionManager // not asked any more from Until on
	Account  string              // the key under which sessions hold the account, a string
	Until    time.Time
	Now      func() time.Time
	Cookie   jotkeeper.Cookie

	fromOld, fromNew atomic.Int64
}

// Handler serves next to people who are logged in. Pages of other sites may
// start nothing.
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

// enter returns who asks. The new cookie decides, even when it is refused: an
// old cookie beside it must not bring a session back that has ended.
func (d *Door) enter(w http.ResponseWriter, r *http.Request) (*keeper.Token, error) {
	raw, old, err := credentials(r, d.cookie(), d.Sessions.Cookie.Name)
	switch {
	case err != nil:
		return nil, err
	case raw == "" && old != "" && d.Now().Before(d.Until):
		return d.handOver(w, r, old)
	case raw == "":
		return nil, &jwt.Error{Reason: jwt.Missing, Detail: "log in"}
	}
	found, err := d.Keeper.Find(r.Context(), raw)
	if err != nil {
		return nil, err
	}
	if old != "" {
		if err := d.Desk.Arrived(old, func() error { return d.destroy(w, r, old) }); err != nil {
			log.Print(err) // the next request tries again
		}
	}
	t, err := d.Keeper.Renew(r.Context(), found)
	if t == nil {
		return nil, err
	}
	d.fromNew.Add(1)
	if t.Text() != raw {
		d.Cookie.Set(w, t.Text(), t.Expires())
	}
	return t, nil
}

// handOver gives the account of an old session a new one, under a new ID. The
// old session stays until the new token comes back: the answer may be lost.
func (d *Door) handOver(w http.ResponseWriter, r *http.Request, old string) (*keeper.Token, error) {
	t, err := d.Desk.HandOver(r.Context(), old, func() (keeper.Claims, error) {
		ctx, err := d.Sessions.Load(r.Context(), old)
		if err != nil {
			return keeper.Claims{}, &jwt.Error{Reason: jwt.Unavailable, Detail: "the old sessions cannot be read", Err: err}
		}
		account := d.Sessions.GetString(ctx, d.Account)
		if account == "" { // nobody logged in there, or there is no such session
			return keeper.Claims{}, &jwt.Error{Reason: jwt.Missing, Detail: "log in"}
		}
		return keeper.Claims{Subject: account}, nil
	})
	if err != nil {
		return nil, err
	}
	d.fromOld.Add(1)
	d.Cookie.Set(w, t.Text(), t.Expires())
	return t, nil
}

// destroy ends an old session and takes its cookie from the browser.
func (d *Door) destroy(w http.ResponseWriter, r *http.Request, old string) error {
	ctx, err := d.Sessions.Load(r.Context(), old)
	if err != nil {
		return err
	}
	if d.Sessions.Token(ctx) != "" {
		if err := d.Sessions.Destroy(ctx); err != nil {
			return err
		}
	}
	d.Sessions.WriteSessionCookie(ctx, w, "", time.Time{})
	return nil
}

// Login begins a session for somebody who has just proved who they are. What the
// browser brought along ends: it may be somebody else's (fixation).
func (d *Door) Login(w http.ResponseWriter, r *http.Request, account string) (*keeper.Token, error) {
	if err := d.end(w, r); err != nil {
		return nil, err
	}
	t, err := d.Keeper.Create(r.Context(), keeper.Claims{Subject: account})
	if err != nil {
		return nil, err
	}
	d.Cookie.Set(w, t.Text(), t.Expires())
	return t, nil
}

// Logout ends both: the new session, and the old one if it is still there. When
// it fails the person is still logged in, and should be told so.
func (d *Door) Logout(w http.ResponseWriter, r *http.Request) error {
	if err := d.end(w, r); err != nil {
		return err
	}
	d.Cookie.Clear(w)
	return nil
}

func (d *Door) end(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	for _, c := range r.CookiesNamed(d.cookie()) {
		t, err := d.Keeper.Find(ctx, c.Value)
		switch {
		case jwt.ReasonOf(err) == jwt.Unavailable:
			return err
		case err == nil:
			if err := d.Keeper.Revoke(ctx, t); err != nil {
				return err
			}
		}
	}
	for _, c := range r.CookiesNamed(d.Sessions.Cookie.Name) {
		if err := d.Desk.End(ctx, c.Value, func() error { return d.destroy(w, r, c.Value) }); err != nil {
			return err
		}
	}
	return nil
}

// Counts returns how many requests were let in by an old session and how many by
// a token. When the first stands still, the old side is empty.
func (d *Door) Counts() (fromOld, fromNew int64) { return d.fromOld.Load(), d.fromNew.Load() }
