package revocation_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// keeping runs a test beside a Disk in a bubble whose clock only moves when
// everybody waits. stop ends the Disk, as the end of a program does.
func keeping(t *testing.T, dir string, x *revocation.Index, test func(d *revocation.Disk, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := revocation.OpenDisk(dir, x)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); d.Keep(ctx) }()
		synctest.Wait()
		test(d, func() { cancel(); <-done })
		cancel()
		<-done
	})
}

// Saving costs a bounded share however much is revoked, and nothing when nothing is.
func TestSavesAreFewAndSoon(t *testing.T) {
	x, dir := indexOf(t), filepath.Join(t.TempDir(), "rules")
	for n := range uint64(10_000) {
		if err := x.Apply(entry(n+1, ended(revocation.ScopeSession, jwt.NewID()))); err != nil {
			t.Fatal(err)
		}
	}
	keeping(t, dir, indexOf(t), func(d *revocation.Disk, _ func()) {
		pass(time.Hour)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || d.Stats() != (revocation.DiskStats{}) {
			t.Errorf("an index that never changed was saved: %+v, %v", d.Stats(), err)
		}
	})
	keeping(t, dir, x, func(d *revocation.Disk, stop func()) {
		apply := func(seq uint64) {
			if err := x.Apply(entry(seq, ended(revocation.ScopeSession, "phone"))); err != nil {
				t.Fatal(err)
			}
		}
		apply(10_001)
		pass(6*time.Second - time.Millisecond) // 5 s, and 100 µs for each of 10,000 rules
		if n := d.Stats().Saves; n != 0 {
			t.Errorf("saved %d times too early", n)
		}
		pass(time.Millisecond)
		if n := d.Stats().Saves; n != 1 {
			t.Errorf("%d saves when it is time", n)
		}
		pass(time.Hour)
		if n := d.Stats().Saves - 1; n != 0 {
			t.Errorf("%d saves in a quiet hour", n)
		}
		for seq := range uint64(60) {
			apply(10_002 + seq)
			pass(time.Second)
		}
		if n := d.Stats().Saves - 1; n != 9 && n != 10 {
			t.Errorf("%d saves in a busy minute, want one each 6 s", n)
		}
		apply(10_062)
		stop()
		if y := revocation.NewIndex(issuer); y.Load(dir) != nil || y.Cursor() != x.Cursor() || y.Rules() != x.Rules() {
			t.Errorf("it ended at %s, saved is %s", x.Cursor(), y.Cursor())
		}
	})
}

// What was loaded is not saved again until something changes.
func TestALoadedIndexIsSaved(t *testing.T) {
	dir, x := save(t, anEvening()...), revocation.NewIndex(issuer)
	keeping(t, dir, x, func(d *revocation.Disk, stop func()) {
		pass(time.Minute)
		if got := d.Stats(); got != (revocation.DiskStats{Loaded: true}) || !revoked(x, "AAECAwQFBgcICQoLDA0ODw") {
			t.Errorf("got %+v", got)
		}
		x.Reached(at(1, 7))
		stop()
		if got := d.Stats(); got != (revocation.DiskStats{Loaded: true, Saves: 1}) {
			t.Errorf("after it went on: %+v", got)
		}
	})
}

// A full disk stops nothing, and what could not be saved is saved when it can be.
func TestASaveThatFailsIsTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	x := revocation.NewIndex(issuer)
	keeping(t, dir, x, func(d *revocation.Disk, _ func()) {
		if got := d.Stats(); got.Loaded || !strings.Contains(got.Refused, dir) {
			t.Errorf("a file in the place of the directory: %+v", got)
		}
		if err := x.Apply(anEvening()...); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := d.Stats(); got.Saves != 0 || !strings.Contains(got.Trouble, "saving the rules") {
			t.Errorf("got %+v", got)
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		pass(6 * time.Second)
		if got := d.Stats(); got.Saves != 1 || got.Trouble != "" {
			t.Errorf("once it is possible: %+v", got)
		}
	})
}

// An index from which a wrong clock took rules away never replaces one that has
// them, or a crash before they are read again would lose them.
func TestWhatAWrongClockTookAwayIsNotSaved(t *testing.T) {
	x, now := indexOf(t, anEvening()...), noon
	dir := filepath.Join(t.TempDir(), "rules")
	if err := x.Save(dir); err != nil {
		t.Fatal(err)
	}
	if x.Sweep(now.AddDate(1, 0, 0)) == 0 || !x.SweptAfter(now) || x.SweptAfter(now) {
		t.Fatal("the clock that was wrong is told once")
	}
	if err := x.Save(dir); !errors.Is(err, revocation.ErrOldSnapshot) || !strings.Contains(err.Error(), "being read again") {
		t.Errorf("got %v, want ErrOldSnapshot", err)
	}
	found := revocation.NewIndex(issuer)
	if err := found.Load(dir); err != nil || found.Rules() != 6 {
		t.Errorf("%d rules on the disk, %v", found.Rules(), err)
	}
	if err := x.Apply(anEvening()...); err != nil {
		t.Fatal(err)
	}
	x.Reached(at(1, 6))
	if err := x.Save(dir); err != nil {
		t.Errorf("after they were read again: %v", err)
	}
}

func TestWithoutADirectoryNothingIsKept(t *testing.T) {
	t.Chdir(t.TempDir())
	x := indexOf(t, anEvening()...)
	keeping(t, "", x, func(d *revocation.Disk, stop func()) {
		pass(time.Hour)
		stop()
		if left, err := os.ReadDir("."); err != nil || len(left) != 0 || d.Stats() != (revocation.DiskStats{}) {
			t.Errorf("found %v, %v; %+v", left, err, d.Stats())
		}
	})
}

// A program that ends before it has begun to wait saves all the same.
func TestWhatEndsAtOnceIsSaved(t *testing.T) {
	x, dir := revocation.NewIndex(issuer), t.TempDir()
	d := revocation.OpenDisk(dir, x)
	if err := x.Apply(anEvening()...); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	d.Keep(ended)
	if got := d.Stats(); got != (revocation.DiskStats{Saves: 1}) {
		t.Errorf("got %+v", got)
	}
}
