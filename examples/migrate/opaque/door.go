package opaque

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
)

// A Door lets in who brings a token of the keeper, or an old one.
type Door struct {
	Keeper   *keeper.Keeper
	Table    *Table
	Lifetime time.Duration // of a new token: longer than the clients' longest silence
	Now      func() time.Time
}

// A Person is who asks, whichever token said so.
type Person struct {
	Account string
	Scopes  []string
}

// Handler serves next to people whose token holds all of scopes.
func (d *Door) Handler(next http.Handler, scopes ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		p, err := d.enter(w, r)
		switch {
		case err != nil:
			refuse(w, err)
		case slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(p.Scopes, s) }):
			http.Error(w, "scope", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, p)))
		}
	})
}

func (d *Door) enter(w http.ResponseWriter, r *http.Request) (Person, error) {
	raw, err := bearer(r)
	if err != nil {
		return Person{}, err
	}
	if old(raw) {
		row, err := d.look(r.Context(), raw)
		return Person{row.Account, strings.Fields(row.Scope)}, err
	}
	found, err := d.Keeper.Find(r.Context(), raw)
	if err != nil {
		return Person{}, err
	}
	t, err := d.Keeper.Renew(r.Context(), found)
	if t == nil {
		return Person{}, err
	}
	if t.Text() != raw { // it goes back the way it came
		w.Header().Set("Authorization", "Bearer "+t.Text())
	}
	c := t.Claims()
	return Person{c.Subject, strings.Fields(c.Scope)}, nil
}

// ServeHTTP exchanges an old token: it answers with a new one for the same account
// and scope. A second exchange, after a lost answer or on another machine, begins
// another session.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	t, err := d.exchange(r)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"token": t.Text()})
}

func (d *Door) exchange(r *http.Request) (*keeper.Token, error) {
	ctx := r.Context()
	raw, err := bearer(r)
	if err != nil {
		return nil, err
	}
	row, err := d.look(ctx, raw)
	if err != nil {
		return nil, err
	}
	t, err := d.Keeper.Create(ctx, keeper.Claims{Subject: row.Account, Scope: row.Scope, Lifetime: d.Lifetime})
	if err != nil {
		return nil, away(err)
	}
	if err := d.Table.Exchange(ctx, d.Now(), row.ID, t.SessionID(), t.Ends()); err != nil {
		return nil, reason(err) // nobody has t: it is as if it had not been made
	}
	return t, nil
}

// Revoke ends an old token and every session that it became. When it fails, repeat it.
func (d *Door) Revoke(ctx context.Context, id int64) error {
	sids, err := d.Table.Delete(ctx, id)
	if err != nil {
		return err
	}
	for _, sid := range sids {
		if err := d.Keeper.RevokeSession(ctx, sid); err != nil {
			return err
		}
	}
	return nil
}

// old tells the two kinds apart without asking anybody: a new one has dots.
func old(raw string) bool { return !strings.Contains(raw, ".") }

func (d *Door) look(ctx context.Context, raw string) (Row, error) {
	row, err := d.Table.Look(ctx, d.Now(), raw)
	return row, reason(err)
}

func reason(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errUnknown):
		return &jwt.Error{Reason: jwt.Malformed, Detail: "not a token", Err: err}
	}
	return away(err)
}

func away(err error) error {
	return &jwt.Error{Reason: jwt.Unavailable, Detail: "cannot be known now", Err: err}
}

func bearer(r *http.Request) (string, error) {
	header := r.Header["Authorization"]
	if len(header) > 1 {
		return "", &jwt.Error{Reason: jwt.Ambiguous, Detail: "two Authorization headers"}
	}
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return "", &jwt.Error{Reason: jwt.Missing, Detail: "no token"}
	}
	return raw, nil
}

func refuse(w http.ResponseWriter, err error) {
	reason, status := jwt.ReasonOf(err), http.StatusUnauthorized
	switch reason {
	case jwt.Unavailable:
		status = http.StatusServiceUnavailable
	case jwt.Ambiguous:
		status = http.StatusBadRequest
	default:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	http.Error(w, string(reason), status)
}

type personKey struct{}

// From returns who asks, in a handler behind a Door.
func From(ctx context.Context) (Person, bool) {
	p, ok := ctx.Value(personKey{}).(Person)
	return p, ok
}
