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
	Cookie   jotkeeper.Cookie // the Keeper's

	fromOld, fromNew atomic.Int64
}

// Handler serves next to people who are logged in, as the Keeper's does. Who brings
// an old session comes to it with a new token. Pages of other sites may start
// nothing.
func (d *Door) Handler(next http.Handler, options ...keeper.Option) http.Handler {
	guarded := d.Keeper.Handler(d.counted(next), options...)
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		old, err := d.former(r)
		if old != "" {
			r, err = d.handOver(w, r, old)
		}
		w.Header().Set("Cache-Control", "no-store")
		switch jwt.ReasonOf(err) {
		case jwt.Unavailable:
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
		case jwt.Ambiguous:
			http.Error(w, "ambiguous", http.StatusBadRequest)
		default:
			guarded.ServeHTTP(w, r) // with a new token now, or to be denied as anybody is
		}
	}))
}

// former returns the old cookie that is to be handed over. A new cookie decides,
// even when it is refused: an old one beside it must not bring a session back that
// has ended.
func (d *Door) former(r *http.Request) (string, error) {
	old := r.CookiesNamed(d.Sessions.Cookie.Name)
	switch {
	case len(r.CookiesNamed(d.Cookie.String())) > 0, len(old) == 0, !d.Now().Before(d.Until):
		return "", nil
	case len(old) > 1:
		return "", &jwt.Error{Reason: jwt.Ambiguous, Detail: "two old cookies are two people"}
	}
	return old[0].Value, nil
}

// handOver gives the account of an old session a new one, under a new ID, and the
// request its token. The old session stays until the new token comes back: the
// answer may be lost.
func (d *Door) handOver(w http.ResponseWriter, r *http.Request, old string) (*http.Request, error) {
	t, err := d.Desk.HandOver(r.Context(), old, func() (keeper.Claims, error) { return d.who(r.Context(), old) })
	if err == nil {
		err = d.Keeper.Write(w, r, t, keeper.ByCookie)
	}
	if err != nil {
		return r, err
	}
	r = handover.Bring(w, r, t).Clone(context.WithValue(r.Context(), handedKey{}, true))
	r.AddCookie(&http.Cookie{Name: d.Cookie.String(), Value: t.Text()})
	return r, nil
}

type handedKey struct{}

func (d *Door) who(ctx context.Context, old string) (keeper.Claims, error) {
	ctx, err := d.Sessions.Load(ctx, old)
	if err != nil {
		return keeper.Claims{}, &jwt.Error{Reason: jwt.Unavailable, Detail: "the old sessions cannot be read", Err: err}
	}
	account := d.Sessions.GetString(ctx, d.Account)
	if account == "" { // nobody logged in there, or there is no such session
		return keeper.Claims{}, &jwt.Error{Reason: jwt.Missing, Detail: "log in"}
	}
	return keeper.Claims{Subject: account}, nil
}

// counted is behind the Keeper: the token is good. An old cookie beside it has
// done its work.
func (d *Door) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(handedKey{}) != nil {
			d.fromOld.Add(1)
			next.ServeHTTP(w, r)
			return
		}
		d.fromNew.Add(1)
		for _, c := range r.CookiesNamed(d.Sessions.Cookie.Name) {
			if err := d.Desk.Arrived(c.Value, func() error { return d.destroy(w, r, c.Value) }); err != nil {
				log.Print(err) // the next request tries again
			}
		}
		next.ServeHTTP(w, r)
	})
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
// browser brought along ends: it may be somebody else's (fixation). With a token
// beside the error the login stands, and an old session could not be ended yet.
func (d *Door) Login(w http.ResponseWriter, r *http.Request, account string) (*keeper.Token, error) {
	t, err := d.Keeper.Create(r.Context(), keeper.Claims{Subject: account})
	if err == nil {
		err = d.Keeper.Write(w, r, t, keeper.ByCookie)
	}
	if err != nil {
		return nil, err
	}
	return t, d.endOld(w, r)
}

// Logout ends both: the new session, and the old one if it is still there. When
// it fails the person should be told so, and can try again.
func (d *Door) Logout(w http.ResponseWriter, r *http.Request) error {
	if err := d.Keeper.Clear(w, r); err != nil {
		return err
	}
	return d.endOld(w, r)
}

func (d *Door) endOld(w http.ResponseWriter, r *http.Request) error {
	for _, c := range r.CookiesNamed(d.Sessions.Cookie.Name) {
		if err := d.Desk.End(r.Context(), c.Value, func() error { return d.destroy(w, r, c.Value) }); err != nil {
			return err
		}
	}
	return nil
}

// Counts returns how many requests were let in by an old session and how many by
// a token. When the first stands still, the old side is empty.
func (d *Door) Counts() (fromOld, fromNew int64) { return d.fromOld.Load(), d.fromNew.Load() }
