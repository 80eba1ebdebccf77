package keeper

import (
	"context"
	"net/http"

	"github.com/jotkeeper/jotkeeper/binding"
	"github.com/jotkeeper/jotkeeper/jwt"
)

// An arrival is the token of a request with what its answer must carry.
type arrival struct {
	token          *Token
	header, cookie bool // the ways by which the client is to be given the token
}

// arrive finds the token of a request and renews it when it is due.
func (k *Keeper) arrive(r *http.Request) (arrival, error) {
	ctx := r.Context()
	header, cookie, err := k.read(r)
	if err != nil {
		return arrival{}, err
	}
	found, err := k.find(ctx, r, firstOf(header, cookie))
	if err != nil {
		return arrival{}, err
	}
	t, err := k.Renew(ctx, found)
	if t == nil {
		return arrival{}, err
	}
	if err != nil && k.cfg.Kept != nil {
		k.cfg.Kept(ctx, err)
	}
	return arrival{
		token:  t,
		header: header != "" && header != t.text,
		cookie: cookie != "" && k.older(ctx, cookie, t),
	}, nil
}

// read returns the tokens of a request, at least one. Two are one credential if
// both are genuine, of one session and with their lock; then the header's decides, so it alone is
// looked for among the revoked: nobody who shows a token beside its successor is
// two holders.
func (k *Keeper) read(r *http.Request) (header, cookie string, err error) {
	header, cookie, err = k.carrier.Read(r)
	switch {
	case err != nil:
		return "", "", err
	case header == "" && cookie == "":
		return "", "", refuse(jwt.Missing, "no token in the request")
	case header == "" || cookie == "" || header == cookie:
		return header, cookie, nil
	}
	return header, cookie, k.oneSession(r, header, cookie)
}

func (k *Keeper) oneSession(r *http.Request, header, cookie string) error {
	ctx, now := r.Context(), k.cfg.Now()
	first, err := k.verify(ctx, now, header)
	if jwt.ReasonOf(err) == jwt.Unavailable {
		return err
	}
	second, otherErr := k.verify(ctx, now, cookie)
	if jwt.ReasonOf(otherErr) == jwt.Unavailable {
		return otherErr
	}
	if err != nil || otherErr != nil || !sameSession(first.claims, second.claims) {
		return refuse(jwt.Ambiguous, "two credentials that are not of one session")
	}
	if err := second.unlock(r, binding.WhenLocked); err != nil {
		return err
	}
	return first.unlock(r, binding.WhenLocked)
}

func sameSession(a, b *jwt.Session) bool {
	return a.SessionID != "" && a.Issuer == b.Issuer && a.SessionID == b.SessionID
}

// older tells whether the cookie holds an older token than t. A newer one stays:
// the header may be of a client that slept.
func (k *Keeper) older(ctx context.Context, cookie string, t *Token) bool {
	if cookie == t.text {
		return false
	}
	held, err := k.verify(ctx, k.cfg.Now(), cookie)
	return err == nil && (held.claims.ID == t.claims.Renews || held.claims.IssuedAt < t.claims.IssuedAt)
}

// firstOf returns the text that decides.
func firstOf(header, cookie string) string {
	if header != "" {
		return header
	}
	return cookie
}

// secret returns what a page of a genuine token's session may echo.
func (k *Keeper) secret(r *http.Request, text string) string {
	t, err := k.verify(r.Context(), k.cfg.Now(), text)
	if err != nil {
		return ""
	}
	return t.claims.CSRF
}
