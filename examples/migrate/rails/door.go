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
	Cookie jotkeeper.Cookie // the Keeper's

	ended            sync.Map // IDs of old tokens that were denied here
	fromOld, fromNew atomic.Int64
}

// was is the claim of a new token that names the old one: a logout ends both.
const was = "was"

// Handler serves next to people who are logged in, as the Keeper's does. Who brings
// an old token comes to it with a new one. Pages of other sites may start nothing.
func (d *Door) Handler(next http.Handler, options ...keeper.Option) http.Handler {
	guarded := d.Keeper.Handler(d.counted(next), options...)
	return ownSite.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := d.exchange(w, r)
		if err != nil {
			refuse(w, err)
			return
		}
		guarded.ServeHTTP(w, r)
	}))
}

var ownSite = http.NewCrossOriginProtection()

// exchange takes an old token out of a request, and puts its new one in. A cookie
// decides: the scripts of the old side go on sending what they hold, which may be
// anything but another person's.
func (d *Door) exchange(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	raw := bearer(r)
	if !d.foreign(r.Context(), raw) {
		return r, nil
	}
	f, err := d.Old.Read(d.Now(), r, raw)
	if c, _ := r.Cookie(d.Cookie.String()); c != nil {
		if err != nil { // it is nobody's
			return headless(r), nil
		}
		return headless(r), d.beside(r, raw, f, c.Value)
	}
	if err != nil {
		return r, err
	}
	return d.handOver(w, r, raw, f)
}

// foreign tells whether a token cannot be one of ours.
func (d *Door) foreign(ctx context.Context, raw string) bool {
	if raw == "" {
		return false
	}
	_, err := d.Keeper.Find(ctx, raw)
	return jwt.ReasonOf(err) == jwt.Header
}

// beside ends the old token that came with its new one.
func (d *Door) beside(r *http.Request, raw string, f Former, cookie string) error {
	found, err := d.Keeper.FindRequest(handover.Show(r, cookie))
	switch {
	case err != nil:
		return nil // the Keeper says why
	case f.Account != found.Subject():
		return errTwo
	}
	d.arrived(r.Context(), raw, f.ID)
	return nil
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

// handOver gives the client and its request the new token. That of a locked one is
// locked, and goes into a cookie: no script could read the whole of it, and none will.
func (d *Door) handOver(w http.ResponseWriter, r *http.Request, raw string, f Former) (*http.Request, error) {
	t, err := d.Desk.HandOver(r.Context(), raw, func() (keeper.Claims, error) { return d.claims(r.Context(), f) })
	way := keeper.ByHeader
	if f.Locked {
		way = keeper.ByCookie
	}
	if err == nil {
		err = d.Keeper.Write(w, r, t, way)
	}
	if err != nil {
		return r, err
	}
	r = headless(handover.Bring(w, r, t).WithContext(context.WithValue(r.Context(), handedKey{}, true)))
	if f.Locked {
		r.AddCookie(&http.Cookie{Name: d.Cookie.String(), Value: t.Text()})
	} else {
		r.Header.Set("Authorization", "Bearer "+t.Text())
	}
	return r, nil
}

func (d *Door) claims(ctx context.Context, f Former) (keeper.Claims, error) {
	switch dead, err := d.Denied.Denied(ctx, f.ID); {
	case err != nil:
		return keeper.Claims{}, &jwt.Error{Reason: jwt.Unavailable, Detail: "the old side's denied tokens cannot be read", Err: err}
	case dead:
		return keeper.Claims{}, &jwt.Error{Reason: jwt.Revoked, Detail: "log in again"}
	}
	return keeper.Claims{Subject: f.Account, Locked: f.Locked, Private: map[string]any{was: f.ID}}, nil
}

type handedKey struct{}

// counted is behind the Keeper: the token is good.
func (d *Door) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(handedKey{}) != nil {
			d.fromOld.Add(1)
		} else {
			d.fromNew.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

// Logout ends the old token and then, by the Keeper's Clear, the new session,
// whichever of them the request brings. When it fails the person is still logged
// in. Send it with POST.
func (d *Door) Logout(w http.ResponseWriter, r *http.Request) error {
	if err := ownSite.Check(r); err != nil {
		return &jwt.Error{Reason: jwt.CSRF, Detail: "a logout that another site's page sent", Err: err}
	}
	raw := bearer(r)
	texts := []string{raw}
	for _, c := range r.CookiesNamed(d.Cookie.String()) {
		texts = append(texts, c.Value)
	}
	for _, text := range texts {
		if err := d.endFormer(r, text); err != nil {
			return err
		}
	}
	if d.foreign(r.Context(), raw) {
		if err := d.endHanded(r, raw); err != nil {
			return err
		}
		r = headless(r)
	}
	return d.Keeper.Clear(w, r)
}

// endFormer denies the old token that one of ours came from.
func (d *Door) endFormer(r *http.Request, text string) error {
	t, err := d.Keeper.FindRequest(handover.Show(r, text))
	switch {
	case jwt.ReasonOf(err) == jwt.Unavailable:
		return err
	case err != nil:
		return nil // not a session of ours, or over
	}
	if id, ok := t.Claims().Private[was].(string); ok {
		return d.Denied.Deny(r.Context(), id)
	}
	return nil
}

// endHanded denies an old token, and ends the session that was made of it.
func (d *Door) endHanded(r *http.Request, raw string) error {
	f, err := d.Old.Read(d.Now(), r, raw)
	if err != nil {
		return nil // not a good token of the old side either
	}
	return d.Desk.End(r.Context(), raw, func() error { return d.Denied.Deny(r.Context(), f.ID) })
}

// Counts returns how many requests were let in by an old token and how many by a
// new one. When the first stands still, the old side is empty.
func (d *Door) Counts() (fromOld, fromNew int64) { return d.fromOld.Load(), d.fromNew.Load() }

var errTwo = &jwt.Error{Reason: jwt.Ambiguous, Detail: "two credentials"}

// bearer returns the token of the header, if there is one such header.
func bearer(r *http.Request) string {
	if len(r.Header["Authorization"]) != 1 {
		return ""
	}
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return raw
}

// headless is a request without its header's token.
func headless(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	return r
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
	case jwt.CSRF:
		status = http.StatusForbidden
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, string(reason), status)
}
