package revocation_test

import (
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// An issuer asks for its own bookkeeping; what it counts are tokens that came.
func TestLookIsNotCounted(t *testing.T) {
	x := revocation.NewIndex("i")
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	err := x.Apply(revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: 1}, At: now, Rule: revocation.SessionEnded("s", "logout", now.Add(time.Hour))})
	if err != nil {
		t.Fatal(err)
	}
	q := &revocation.Query{Issuer: "i", SessionID: "s"}
	want := revocation.Verdict{Action: revocation.Revoke, Scope: revocation.ScopeSession, Reason: "logout"}
	if got := x.Look(now, q); got != want || x.Stats().Revoked != 0 {
		t.Errorf("Look: %+v, %d counted; want %+v, none", got, x.Stats().Revoked, want)
	}
	if got := x.Check(now, q); got != want || x.Stats().Revoked != 1 {
		t.Errorf("Check: %+v, %d counted; want %+v, 1", got, x.Stats().Revoked, want)
	}
}
