package main

import (
	"errors"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/conformance"
	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/store/memory"
)

// session asks a keeper of that issuer, which keeps no sessions and has signed
// nothing.
func (v *answerer) session(r *conformance.Request) (err error) {
	set, _, err := jwks.Parse(r.Keys)
	if err != nil {
		return err
	}
	b := memory.New()
	defer func() { err = errors.Join(err, b.Close()) }()
	own, log := b.Set().Keepers, b.Set().Revocations
	unused, err := jwt.GenerateKey(jwt.EdDSA)
	if err != nil {
		return err
	}
	signer := jwt.NewSigner(func(time.Time) (*jwt.PrivateKey, error) { return unused, nil }, jwt.KindSession)
	k, err := keeper.New(keeper.Config{
		Issuer: r.Issuer, Audience: r.Audience, Signer: signer, Keys: set, Store: own, Revocations: log,
		Now: func() time.Time { return time.Unix(r.Now, 0) },
	})
	if err == nil {
		err = k.CatchUp(v.ctx)
	}
	if err == nil {
		_, err = k.Find(v.ctx, r.Token)
	}
	return err
}
