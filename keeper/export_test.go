package keeper

import (
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// SetMachine makes k measure silence by a clock that a test can set.
func (k *Keeper) SetMachine(now func() time.Time) { k.machine = now }

// Index is what tokens are checked against.
func (k *Keeper) Index() *revocation.Index { return k.index }

// Due is the decision whether a token is to be renewed.
func Due(c *jwt.Session, asked, settled bool, now time.Time, versions, retired []string) string {
	return due(c, asked, settled, now, versions, retired)
}
