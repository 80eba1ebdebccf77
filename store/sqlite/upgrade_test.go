package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/keeper"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// A file of the schema before is brought forward as it is opened: what it holds
// stays, what is new works.
func TestA198UpgradeFromSchemaOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.db")
	err := sqlite.MakeOld(t.Context(), file, 1,
		`INSERT INTO session_epoch VALUES ('ada', 7)`,
		`INSERT INTO revocation_rule VALUES (1, 1, 5, 'sid', 's1', 0, 0, 2, 'logout')`,
		`UPDATE revocation_head SET seq = 1`)
	if err != nil {
		t.Fatal(err)
	}
	b := reopen(t, file, sqlite.Options{Server: true})
	set, ctx := b.Set(), t.Context()
	if got := b.Newest(); got < 2 {
		t.Errorf("the schema is %d after opening", got)
	}
	if epoch, err := set.Sessions.Epoch(ctx, "ada"); err != nil || epoch != 7 {
		t.Errorf("the epoch is %d, %v; want 7", epoch, err)
	}
	state, err := set.Revocations.State(ctx, evening, revocation.ScopeSession, "s1")
	if err != nil || state["s1"] != revocation.Revoke {
		t.Errorf("the logout is %v, %v", state, err)
	}
	r := keeper.Rotation{ID: "t1", Successor: "t2", SessionID: "s1", KeyID: "k", Claims: []byte("{}"), At: evening, Until: evening.Add(time.Hour)}
	if _, err := set.Keepers.Rotate(ctx, r, revocation.Query{ID: "t1", SessionID: "s1", HasRev: true}); !errors.Is(err, keeper.ErrRevoked) {
		t.Errorf("a session that was ended before the upgrade: %v", err)
	}
	won, err := set.Keepers.Rotate(ctx, r, revocation.Query{ID: "t1", SessionID: "s2", HasRev: true})
	if err != nil || won.Successor != "t2" || won.Rev != (revocation.Cursor{Epoch: 1, Seq: 1}) {
		t.Errorf("a renewal: %+v, %v", won, err)
	}
}
