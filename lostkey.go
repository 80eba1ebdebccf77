package jotkeeper

import (
	"context"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// knownKeys are an Auth's keys, where a key that a rule revokes is known to be
// no key any more. A compromised key leaves the issuer's set, and its tokens are
// in many hands: without this each of them would have the set fetched again, or
// during the cool-down be answered 503, which has no client refresh.
type knownKeys struct{ auth *Auth }

func (k knownKeys) Snapshot(now time.Time) (*jwt.Snapshot, error) { return k.auth.keys.Snapshot(now) }

// Missing is asked before anything is verified. What it tells is no secret: a
// compromised key is missing from the published set.
func (k knownKeys) Missing(ctx context.Context, now time.Time, kid string) error {
	if rules := k.auth.config.Revocations; rules != nil {
		v := rules.Check(now, &revocation.Query{Issuer: k.auth.config.Issuer, KeyID: kid})
		if v.Action == revocation.Revoke && v.Scope == revocation.ScopeKey {
			return &jwt.Error{Reason: jwt.BadKey, Detail: "the key was compromised"}
		}
	}
	return k.auth.keys.Missing(ctx, now, kid)
}
