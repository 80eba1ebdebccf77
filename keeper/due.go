package keeper

import (
	"slices"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// Why a token is renewed.
const (
	dueAsked   = "rotate"  // a rotate rule asks for it
	dueVersion = "version" // an older release made its claims
	dueHalf    = "half"    // half of its life is over
)

// due decides whether a verified token is to be renewed now, and why. It is the
// whole policy: no I/O, no clock. The lines are tried in their order.
func due(c *jwt.Session, asked bool, now time.Time, versions, retired []string) string {
	at := jwt.TimeOf(now)
	switch {
	case at >= c.Expires || at >= c.Absolute: // by no leeway: it would mint successors for ever
		return ""
	case asked:
		return dueAsked
	case behind(c.Version, versions, retired):
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

// version is what is written into tokens.
func (k *Keeper) version() string {
	if n := len(k.cfg.Versions); n > 0 {
		return k.cfg.Versions[n-1]
	}
	return ""
}
