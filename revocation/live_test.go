package revocation_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// What an index holds can be appended again as it was.
func TestLiveGivesBackWhatWasApplied(t *testing.T) {
	now := time.Date(2026, 5, 1, 20, 0, 0, 123456000, time.UTC)
	x := revocation.NewIndex("https://id.example.com")
	want := []revocation.Rule{
		{Scope: revocation.ScopeToken, ID: "a", Action: revocation.Revoke, Reason: "logout"},
		{Scope: revocation.ScopeSession, ID: "b", Action: revocation.Revoke, Reason: "logout", From: now.Add(time.Second), Until: now.Add(time.Hour)},
		{Scope: revocation.ScopeSubject, ID: "c", Action: revocation.Rotate, Reason: "rights", Until: now},
		{Scope: revocation.ScopeKey, ID: "d", Action: revocation.Revoke, Reason: "key", Until: now.Add(time.Hour)},
	}
	for i, r := range want {
		e := revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: uint64(i + 1)}, At: now, Rule: r}
		if r.Scope.Relative() {
			e.Rule.Before = e.Cursor
			want[i].Before = e.Cursor
		}
		if err := x.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	over := revocation.SessionEnded("over", "logout", now.Add(-time.Microsecond))
	if err := x.Apply(revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: 5}, Rule: over}); err != nil {
		t.Fatal(err)
	}
	got := x.Live(now)
	slices.SortFunc(got, func(a, b revocation.Rule) int { return strings.Compare(a.ID, b.ID) })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}
