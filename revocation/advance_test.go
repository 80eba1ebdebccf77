package revocation_test

import (
	"testing"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// Who reads the log beside a follower never takes back what another has read:
// a session that begins right after "log out everywhere" would be hit by it.
func TestAdvanceNeverMovesBack(t *testing.T) {
	x := revocation.NewIndex("i")
	for _, c := range []struct{ to, want revocation.Cursor }{
		{at(1, 5), at(1, 5)}, {at(1, 3), at(1, 5)}, {at(2, 1), at(2, 1)}, {at(1, 9), at(2, 1)},
	} {
		if x.Advance(c.to); x.Cursor() != c.want {
			t.Errorf("after Advance(%v) the cursor is %v, want %v", c.to, x.Cursor(), c.want)
		}
	}
}
