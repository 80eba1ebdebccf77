package revocation_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

func TestCatchUpReadsToTheEnd(t *testing.T) {
	rules := make([]revocation.Rule, 2500)
	for i := range rules {
		rules[i] = session("phone")
	}
	f, x, asked := newFeed(rules...), revocation.NewIndex(issuer), time.Now()
	if err := revocation.CatchUp(t.Context(), f, x); err != nil {
		t.Fatal(err)
	}
	if x.Cursor() != at(1, 2500) || !revoked(x, "phone") || f.largest != 1000 {
		t.Errorf("in pages of %d it came to %+v", f.largest, x.Stats())
	}
	if heard := x.Stats().Heard; heard.Before(asked) {
		t.Errorf("it was asked at %v, and has heard at %v", asked, heard)
	}
	f.append(session("laptop"))
	if err := revocation.CatchUp(t.Context(), f, x); err != nil || !revoked(x, "laptop") || f.reads != 4 {
		t.Errorf("the next goes on from there: %v, %d reads, %+v", err, f.reads, x.Stats())
	}
}

// What was compacted needs no reading: the cursor comes to the head all the same.
func TestCatchUpComesToTheHead(t *testing.T) {
	f, x := newFeed(session("phone"), session("laptop")), revocation.NewIndex(issuer)
	f.kept = nil
	if err := revocation.CatchUp(t.Context(), f, x); err != nil || x.Cursor() != at(1, 2) {
		t.Errorf("%v, at %v", err, x.Cursor())
	}
}

// A restored backup is read from the start. Beside a follower the cursor only
// moves on: it is the follower that takes it back.
func TestCatchUpReadsWhatWasRestored(t *testing.T) {
	for name, c := range map[string]struct {
		restore func(f *feed)
		at      revocation.Cursor
	}{
		"a new epoch":                      {func(f *feed) { f.epoch, f.kept, f.head = 2, nil, 0 }, at(2, 1)},
		"a head behind, in the same epoch": {func(f *feed) { f.kept, f.head = f.kept[:1], 1 }, at(1, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			f, x := newFeed(session("old"), session("new"), session("phone")), revocation.NewIndex(issuer)
			if err := revocation.CatchUp(t.Context(), f, x); err != nil {
				t.Fatal(err)
			}
			c.restore(f)
			f.append(session("laptop"))
			if err := revocation.CatchUp(t.Context(), f, x); err != nil {
				t.Fatal(err)
			}
			if !revoked(x, "phone") || !revoked(x, "laptop") || x.Cursor() != c.at || x.Stats().Snapshots != 2 {
				t.Errorf("after the restore: %+v", x.Stats())
			}
		})
	}
}

func TestCatchUpSaysWhatIsWrong(t *testing.T) {
	fire, backwards := errors.New("disk on fire"), newFeed(session("a"), session("b"))
	slices.Reverse(backwards.kept)
	for name, c := range map[string]struct {
		source *feed
		want   error
	}{
		"the source":     {&feed{epoch: 1, trouble: fire}, fire},
		"what it says":   {newFeed(session("phone"), ended("planet", "earth")), revocation.ErrBadRule},
		"in which order": {backwards, revocation.ErrDisorder},
	} {
		x := revocation.NewIndex(issuer)
		if err := revocation.CatchUp(t.Context(), c.source, x); !errors.Is(err, c.want) || !x.Stale(time.Now()) {
			t.Errorf("%s: %v, want %v, and stale", name, err, c.want)
		}
	}
}
