package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A grant is what was decided, before anything is signed.
type grant struct {
	row      Row // as committed
	outcome  outcome
	audience string
	rights   Rights
	rev      revocation.Cursor // head of the log at the read (or write) that decided
	renews   bool              // with the refresh token of row's generation
}

// issue signs what was granted. Every call makes a new access token; the
// refresh token of one generation is always the same text.
func (s *Sessions) issue(now time.Time, g grant) (Issued, error) {
	master, known := s.cfg.Master.Find(g.row.KeyID)
	if !known {
		return Issued{}, unavailable(retry, ErrUnknownKey)
	}
	claims, err := s.claims(now, g)
	if err != nil {
		return Issued{}, err
	}
	claims.Generation = fmt.Sprintf("%d.%s", g.row.Generation, seenTag(master, g.row.ID, g.row.Generation))
	issued := Issued{Session: g.row, Outcome: string(g.outcome)}
	issued.ExpiresIn = time.Duration(claims.Expires-claims.IssuedAt) * time.Second
	if issued.Access, err = s.cfg.Signer.Sign(now, claims); err != nil {
		return Issued{}, fmt.Errorf("session: signing an access token: %w", err)
	}
	if g.renews {
		issued.Refresh, err = refreshToken(master, g.row.KeyID, g.row.ID, g.row.Generation)
	}
	return issued, err
}

// claims are those of the login, which a refresh never changes (auth_time, amr,
// acr), and what the account may do now.
func (s *Sessions) claims(now time.Time, g grant) (*jwt.Access, error) {
	row := g.row
	expires := now.Add(s.cfg.Policy.AccessTTL)
	for _, d := range []time.Time{row.Idle, row.Absolute} { // a token never outlives its session
		if !d.IsZero() && d.Before(expires) {
			expires = d
		}
	}
	c := &jwt.Access{
		Registered: jwt.Registered{
			Issuer: s.cfg.Issuer, Subject: row.Account, Audience: jwt.Audience{g.audience},
			IssuedAt: jwt.Time(now.Unix()), NotBefore: jwt.Time(now.Unix()), Expires: jwt.Time(expires.Unix()),
			ID: jwt.NewID(), SessionID: row.ID,
		},
		AuthTime: jwt.Time(row.AuthTime.Unix()), Methods: row.Methods, Context: row.Context,
		Scope: narrowed(g.rights.Scope, row.Scope), Revision: g.rev.String(),
	}
	for name, value := range g.rights.Claims {
		if err := c.SetPrivate(name, value); err != nil {
			return nil, fmt.Errorf("session: rights of account %s: %w", row.Account, err)
		}
	}
	return c, nil
}

// narrowed returns what the account has of what the login asked for. It is
// never more than either.
func narrowed(has, asked string) string {
	if asked == "" {
		return has
	}
	wanted := strings.Fields(asked)
	return strings.Join(slices.DeleteFunc(strings.Fields(has), func(one string) bool {
		return !slices.Contains(wanted, one)
	}), " ")
}

// rights asks for the account's rights; whoever may have none is refused.
func (s *Sessions) rights(ctx context.Context, account string) (Rights, error) {
	if s.cfg.Rights == nil {
		return Rights{}, nil
	}
	r, err := s.cfg.Rights(ctx, account)
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrLocked):
		return Rights{}, &Error{Outcome: string(refused), Reason: refused.reason(), Account: account, Err: err}
	default:
		return Rights{}, unavailable(retry, err)
	}
}
