package keeper

import (
	"context"
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A foreign is a trusted issuer with the door for its tokens.
type foreign struct {
	verifier *jwt.Verifier[jwt.Session]
	checker  revocation.Checker // nil: its tokens cannot be revoked
}

func strangers(cfg Config) ([]foreign, error) {
	var list []foreign
	for _, f := range cfg.Foreign {
		audience := f.Audience
		if len(audience) == 0 {
			audience = cfg.accepted()
		}
		v, err := jwt.NewVerifier[jwt.Session](jwt.VerifierConfig{
			Issuer: f.Issuer, Audience: audience, Keys: f.Keys, Typ: f.Typ, ForeignHeaders: true,
		})
		if err != nil {
			return nil, errors.Join(ErrConfig, err)
		}
		list = append(list, foreign{v, f.Checker})
	}
	return list, nil
}

// verifyForeign tries the trusted issuers when a token is not known to be ours.
// The first under one of whose keys the signature holds decides: a key speaks
// for its own issuer only. own is why it is not ours.
func (k *Keeper) verifyForeign(ctx context.Context, now time.Time, raw string, own error) (*Token, error) {
	if jwt.ReasonOf(own) == jwt.Malformed || !stranger(own) {
		return nil, own
	}
	for _, f := range k.foreign {
		found, err := f.verifier.Verify(ctx, now, raw)
		switch {
		case err == nil:
			return f.accept(now, raw, found)
		case !stranger(err):
			return nil, err
		}
	}
	return nil, own
}

// stranger tells whether a refusal says that the token may be somebody else's.
func stranger(err error) bool {
	switch jwt.ReasonOf(err) {
	case jwt.Header, jwt.BadKey, jwt.Signature:
		return true
	}
	return false
}

// accept asks the issuer's own rules.
func (f *foreign) accept(now time.Time, raw string, found *jwt.Token[jwt.Session]) (*Token, error) {
	t := &Token{text: raw, claims: found.Claims(), kid: found.KeyID(), foreign: true}
	if f.checker == nil {
		return t, nil
	}
	q := t.query()
	if v := f.checker.Check(now, &q); v.Action == revocation.Revoke {
		return nil, refuse(jwt.Revoked, "its issuer has revoked it")
	}
	return t, nil
}
