package revocation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// anEvening has a rule of each kind that the format knows.
func anEvening() []revocation.Entry {
	later := ended(revocation.ScopeSession, "AAECAwQFBgcICQoLDA0ODw")
	later.From = noon.Add(10 * time.Second)
	rights := ended(revocation.ScopeSubject, "42")
	rights.Action, rights.Reason = revocation.Rotate, "rights"
	forever := ended(revocation.ScopeKey, "a thumbprint that is longer than sixteen bytes")
	forever.Until = time.Time{}
	return []revocation.Entry{
		entry(1, ended(revocation.ScopeToken, "token")), entry(2, later), entry(3, rights),
		entry(4, ended(revocation.ScopeTenant, "acme")), entry(5, forever), entry(6, ended(revocation.ScopeIssuer, issuer)),
	}
}

func save(t *testing.T, entries ...revocation.Entry) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "revocation")
	if err := indexOf(t, entries...).Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func file(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// refused loads a directory that must be refused, and finds the index as it was.
func refused(t *testing.T, dir string, want error, words string) {
	t.Helper()
	x := revocation.NewIndex(issuer)
	if err := x.Load(dir); !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v, want %v with %q", err, want, words)
	}
	if x.Cursor() != (revocation.Cursor{}) || x.Rules() != 0 || !x.Stale(noon) {
		t.Errorf("what was refused left %+v", x.Stats())
	}
}

const snapshotFile, cursorFile = "rules.snapshot", "rules.cursor"

func TestAVerifierStartsFromItsDisk(t *testing.T) {
	dir := save(t, anEvening()...)
	x := revocation.NewIndex(issuer)
	if err := x.Load(dir); err != nil {
		t.Fatal(err)
	}
	if x.Rules() != 6 || x.Cursor() != at(1, 6) || !x.Stale(noon) {
		t.Errorf("loaded %+v, stale: %v; it must not call itself fresh", x.Stats(), x.Stale(noon))
	}
	fresh := indexOf(t, anEvening()...)
	for _, e := range anEvening() {
		for _, now := range []time.Time{noon, noon.Add(time.Minute), noon.Add(2 * time.Hour)} {
			q := asking(e.Rule.Scope, e.Rule.ID)
			if q.HasRev = true; x.Check(now, &q) != fresh.Check(now, &q) {
				t.Errorf("%s %s: %+v was %+v", e.Rule.Scope, e.Rule.ID, x.Check(now, &q), fresh.Check(now, &q))
			}
		}
	}
	for _, name := range []string{snapshotFile, cursorFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; it names people, want 0600", name, info.Mode(), err)
		}
	}
}

func TestLoadMergesAndNeverTakesAway(t *testing.T) {
	dir := save(t, entry(1, ended(revocation.ScopeToken, "old")))
	x := indexOf(t, entry(1, ended(revocation.ScopeToken, "old")), entry(2, ended(revocation.ScopeToken, "new")))
	if err := x.Load(dir); err != nil {
		t.Fatal(err)
	}
	if x.Rules() != 2 || x.Cursor() != at(1, 2) {
		t.Errorf("after loading an earlier state: %+v", x.Stats())
	}
}

func TestFirstStartHasNothingSaved(t *testing.T) {
	refused(t, t.TempDir(), fs.ErrNotExist, "nothing was saved")
}

func TestEveryByteOfTheSnapshotCounts(t *testing.T) {
	dir := save(t, anEvening()...)
	for name, words := range map[string]string{snapshotFile: "the snapshot's checksum is wrong", cursorFile: "the cursor file"} {
		good := file(t, dir, name)
		for i := range good {
			for _, flip := range []byte{0x01, 0x20, 0x80, 0xff} {
				bent := bytes.Clone(good)
				bent[i] ^= flip
				write(t, dir, name, bent)
				refused(t, dir, revocation.ErrBadSnapshot, words)
				if t.Failed() {
					t.Fatalf("byte %d of %s", i, name)
				}
			}
			write(t, dir, name, good[:i])
			refused(t, dir, revocation.ErrBadSnapshot, "")
		}
		write(t, dir, name, append(bytes.Clone(good), 0))
		refused(t, dir, revocation.ErrBadSnapshot, "")
		write(t, dir, name, good)
	}
	if err := revocation.NewIndex(issuer).Load(dir); err != nil {
		t.Errorf("with its own bytes again: %v", err)
	}
}

// Whoever can write a sum can write rules; but they cannot make the reader
// panic, nor make it take in more than it was given.
func TestNonsenseWithARightSumIsRefusedOrHarmless(t *testing.T) {
	dir := save(t, anEvening()...)
	good := file(t, dir, snapshotFile)
	for i := range len(good) - 32 {
		for bit := range 8 {
			bent := bytes.Clone(good)
			bent[i] ^= 1 << bit
			write(t, dir, snapshotFile, revocation.Sealed(bent))
			x := revocation.NewIndex(issuer)
			if err := x.Load(dir); err == nil && x.Rules() > 6 || x.Rules() > len(good) {
				t.Fatalf("byte %d, bit %d: %d rules, %v", i, bit, x.Rules(), err)
			} else if err != nil && x.Cursor() != (revocation.Cursor{}) {
				t.Fatalf("byte %d, bit %d: refused, and yet at %v", i, bit, x.Cursor())
			}
		}
		write(t, dir, snapshotFile, revocation.Sealed(append(bytes.Clone(good[:i]), good[len(good)-32:]...)))
		if err := revocation.NewIndex(issuer).Load(dir); err == nil {
			t.Fatalf("cut off after %d bytes it is taken", i)
		}
	}
}

func TestOlderSnapshotBesideANewerCursorIsRefused(t *testing.T) {
	for name, newer := range map[string]revocation.Cursor{"the same epoch": at(1, 7), "a later epoch": at(2, 1)} {
		t.Run(name, func(t *testing.T) {
			dir := save(t, anEvening()...)
			old := file(t, dir, snapshotFile)
			x := revocation.NewIndex(issuer)
			last := entry(1, ended(revocation.ScopeSession, "phone"))
			if last.Cursor = newer; newer.Epoch == 1 {
				x = indexOf(t, anEvening()...)
			} else {
				last.Cursor.Seq = 1
			}
			if err := errors.Join(x.Apply(last), x.Save(dir)); err != nil {
				t.Fatal(err)
			}
			write(t, dir, snapshotFile, old) // a restored backup
			refused(t, dir, revocation.ErrOldSnapshot, "the cursor beside it says "+newer.String())
		})
	}
}

func TestHalfOfAPairIsRefused(t *testing.T) {
	for _, name := range []string{snapshotFile, cursorFile} {
		dir := save(t, anEvening()...)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, revocation.ErrBadSnapshot, name)
		if err := revocation.NewIndex(issuer).Load(dir); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half of a pair is told as nothing at all: %v", err)
		}
	}
}

func TestA204AnotherIssuersSnapshotIsRefused(t *testing.T) {
	ours, theirs := save(t, anEvening()...), filepath.Join(t.TempDir(), "theirs")
	y := revocation.NewIndex("https://other.example.com")
	if err := errors.Join(y.Apply(anEvening()...), y.Save(theirs)); err != nil {
		t.Fatal(err)
	}
	refused(t, theirs, revocation.ErrBadSnapshot, "another issuer's")
	write(t, theirs, cursorFile, file(t, ours, cursorFile))
	refused(t, theirs, revocation.ErrBadSnapshot, "the snapshot is another issuer's")
}

func TestSaveNeverReplacesNewerRules(t *testing.T) {
	dir := save(t, anEvening()...)
	before := file(t, dir, snapshotFile)
	behind := indexOf(t, anEvening()[:3]...)
	if err := behind.Save(dir); !errors.Is(err, revocation.ErrOldSnapshot) || !strings.Contains(err.Error(), "up to 1:6, this index has followed to 1:3") {
		t.Errorf("got %v, want ErrOldSnapshot with both places", err)
	}
	if !bytes.Equal(before, file(t, dir, snapshotFile)) {
		t.Error("the snapshot was replaced")
	}
	write(t, dir, cursorFile, []byte("torn"))
	if err := errors.Join(behind.Save(dir), revocation.NewIndex(issuer).Load(dir)); err != nil {
		t.Errorf("what cannot be used must not be in the way: %v", err)
	}
}

// The machine may die between any two steps. What is found then is the old
// state or the new one, never a mixture that loses a rule.
func TestSaveIsDurableAtEachStep(t *testing.T) {
	var steps []string
	restore := revocation.OnSync(func(path string) error { steps = append(steps, filepath.Base(path)); return nil })
	save(t, anEvening()...)
	restore()
	if want := []string{snapshotFile + ".tmp", "revocation", cursorFile + ".tmp", "revocation"}; !slices.Equal(steps, want) {
		t.Errorf("synced %v, want %v: the snapshot before the cursor that vouches for it", steps, want)
	}
	for died := range 4 {
		dir, step, full := save(t, anEvening()[:5]...), 0, errors.New("disk full")
		x := indexOf(t, anEvening()...)
		restore := revocation.OnSync(func(string) error {
			if step++; step > died {
				return full
			}
			return nil
		})
		err := x.Save(dir)
		restore()
		if !errors.Is(err, full) {
			t.Errorf("step %d: Save says %v", died, err)
		}
		found := revocation.NewIndex(issuer)
		if err := found.Load(dir); err != nil || found.Rules() < 5 || found.Cursor().Before(at(1, 5)) {
			t.Errorf("died before sync %d: %d rules at %v, %v", died+1, found.Rules(), found.Cursor(), err)
		}
		if err := x.Save(dir); err != nil {
			t.Errorf("and again: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	}
}

func TestSaveTellsWhatIsWrongWithTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := indexOf(t).Save(path); err == nil || !strings.Contains(err.Error(), "saving the rules") || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

// A restarted verifier reads what happened meanwhile, not everything again.
func TestFollowerGoesOnFromWhereItWasSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(session("a"), session("b"), session("c"))
		x := revocation.NewIndex(issuer)
		if err := x.Load(save(t, entry(1, session("a")), entry(2, session("b")))); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- revocation.Follow(ctx, f, x) }()
		synctest.Wait()
		if !revoked(x, "a") || !revoked(x, "c") || x.Stale(time.Now()) || f.largest != 1 || x.Stats().Snapshots != 0 {
			t.Errorf("%+v, the largest page had %d entries", x.Stats(), f.largest)
		}
		cancel()
		<-done
	})
}

// The clock that swept too much is known after a restart as well.
func TestSavedIndexRemembersAClockAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(revocation.SessionEnded("phone", "logout", time.Now().Add(time.Hour)))
		ahead := indexOf(t, f.kept...)
		if n := ahead.Sweep(time.Now().AddDate(1, 0, 0)); n != 1 {
			t.Fatalf("swept %d", n)
		}
		dir := filepath.Join(t.TempDir(), "revocation")
		x := revocation.NewIndex(issuer)
		if err := errors.Join(ahead.Save(dir), x.Load(dir)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- revocation.Follow(ctx, f, x) }()
		synctest.Wait()
		if !revoked(x, "phone") {
			t.Error("the rule that was swept by mistake stays lost")
		}
		cancel()
		<-done
	})
}

func ExampleIndex_Save() {
	dir, err := os.MkdirTemp("", "revocation")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	before := revocation.NewIndex("https://id.example.com")
	rule := revocation.SessionEnded("phone", "logout", time.Time{})
	_ = before.Apply(revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: 1}, Rule: rule})
	fmt.Println("saved:", before.Save(dir))

	// The verifier restarts, and has its rules before it has a network.
	after := revocation.NewIndex("https://id.example.com")
	fmt.Println("loaded:", after.Load(dir))
	v := after.Check(time.Now(), &revocation.Query{Issuer: "https://id.example.com", SessionID: "phone"})
	fmt.Println(v.Action, after.Cursor())
	// Output:
	// saved: <nil>
	// loaded: <nil>
	// revoke 1:1
}
