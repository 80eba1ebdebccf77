package keeper

import (
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// Why a token is renewed.
const (
	dueAsked   = "rotate"  // a rotate rule asks for it
	dueVersion = "version" // an older release made its claims
	dueHalf    = "half"    // half of its life is over
)

// due decides whether a verified token is to be renewed now, and why. It is the
// whole policy: no I/O, no clock. The lines are tried in their order. settled
// tells that no answer with this very token can be under way any more: see
// settled below.
func due(c *jwt.Session, asked, settled bool, now time.Time, versions, retired []string) string {
	at := jwt.TimeOf(now)
	switch {
	case at >= c.Expires || at >= c.Absolute: // by no leeway: it would mint successors for ever
		return ""
	case settled && asked:
		return dueAsked
	case settled && behind(c.Version, versions, retired):
		return dueVersion
	case c.Expires >= c.Absolute: // its successor would live no longer
		return ""
	case 2*(at-c.IssuedAt) >= c.Expires-c.IssuedAt:
		return dueHalf
	}
	return ""
}

// behind tells whether a version stands before the one that is written. A token
// without a version is older than all; one that nobody lists is of a newer
// release, so that two releases side by side do not renew each other's tokens
// for ever.
func behind(version string, versions, retired []string) bool {
	if len(versions) == 0 || version == versions[len(versions)-1] {
		return false
	}
	return version == "" || slices.Contains(versions, version) || slices.Contains(retired, version)
}

// settled tells whether the last answer that brought a token has arrived: its
// predecessor fetched it until a grace after the first sight, and answers take
// up to another grace. Were it renewed before, such an answer could put the old
// token over the new one in a browser's jar, and later look like theft. Only
// renewals that can wait do wait: a life that is running out cannot.
func (k *Keeper) settled(now time.Time, c *jwt.Session) bool {
	past := revocation.Query{Issuer: k.cfg.Issuer, ID: c.Renews}
	return c.Renews == "" || k.index.Look(now.Add(-k.cfg.Grace), &past).Action == revocation.Revoke
}

// version is what is written into tokens.
func (k *Keeper) version() string {
	if n := len(k.cfg.Versions); n > 0 {
		return k.cfg.Versions[n-1]
	}
	return ""
}
