package sqlite_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// What an older program was told still counts for what is new: a session that
// had ended before the upgrade is not renewed after it.
func TestA198EarlierLogoutsStopRenewals(t *testing.T) {
	for _, dump := range []string{"schema-1.sql", "schema-2.sql"} {
		keepers := reopen(t, previous(t, dump), sqlite.Options{Server: true}).Set().Keepers
		then := time.UnixMicro(1795297988774482)
		r := keeper.Rotation{ID: "t1", Successor: "t2", SessionID: "s", KeyID: "k", Claims: []byte("{}"), At: then, Until: then.Add(time.Hour)}
		_, err := keepers.Rotate(t.Context(), r, revocation.Query{ID: "t1", SessionID: "s7EhqoP8CzVxx9j1dLtk0g", HasRev: true})
		if !errors.Is(err, keeper.ErrRevoked) {
			t.Errorf("%s: a session that had ended: %v", dump, err)
		}
		won, err := keepers.Rotate(t.Context(), r, revocation.Query{ID: "t1", SessionID: "EqvA5Rt4J4Lw-sxY-Qt1RA", HasRev: true})
		if err != nil || won.Successor != "t2" || won.Rev != (revocation.Cursor{Epoch: 1, Seq: 1}) {
			t.Errorf("%s: another: %+v, %v", dump, won, err)
		}
	}
}
