package feed_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func in(dir string) func(*feed.ClientConfig) {
	return func(c *feed.ClientConfig) { c.Dir = dir }
}

// kept lets a verifier hear of some rules and end, and returns what it leaves.
func kept(t *testing.T, s *site, log *book) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "rules")
	o := s.origin(log)
	v := s.verifier(in(dir))
	v.stop()
	o.stop()
	if got := v.client.Stats().Disk; got != (revocation.DiskStats{Saves: 1}) {
		t.Fatalf("at the end of the first run: %+v", got)
	}
	return dir
}

func TestAVerifierStartsFromItsDisk(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("phone"), ended("tablet"))
		dir := kept(t, s, log)
		v := s.verifier(in(dir)) // nobody answers
		if !v.refuses("phone") || v.refuses("laptop") || !v.stale() {
			t.Errorf("before it has heard a word: %+v", v.Stats())
		}
		pass(time.Hour)
		if !v.refuses("phone") || !v.stale() || v.client.Stats().Disk != (revocation.DiskStats{Loaded: true}) {
			t.Errorf("cut off: %+v", v.client.Stats())
		}
		log.append(ended("laptop"))
		s.origin(log)
		pass(2 * time.Second)
		if !v.refuses("laptop") || v.stale() || v.client.Stats().Snapshots != 0 {
			t.Errorf("it did not go on from where it was: %+v", v.client.Stats())
		}
		v.stop()
		if got := v.client.Stats().Disk; got != (revocation.DiskStats{Loaded: true, Saves: 1}) {
			t.Errorf("at the end: %+v", got)
		}
	})
}

func copyFile(t *testing.T, from, to, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(to, name), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const snapshotFile, cursorFile = "rules.snapshot", "rules.cursor"

// What kill -9 leaves between the two files is good; revocation shows that a kill
// leaves nothing else.
func TestAVerifierWasKilledBetweenSnapshotAndCursor(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log := newBook(ended("phone"))
		dir := kept(t, s, log)
		log.append(ended("laptop"))
		copyFile(t, kept(t, s, log), dir, snapshotFile)
		v := s.verifier(in(dir))
		if !v.refuses("phone") || !v.refuses("laptop") || !v.client.Stats().Disk.Loaded {
			t.Errorf("got %+v", v.client.Stats())
		}
		s.origin(log)
		pass(2 * time.Second)
		if v.stale() || v.client.Stats().Snapshots != 0 {
			t.Errorf("got %+v", v.client.Stats())
		}
	})
}

// Nothing that is found in the directory stops a verifier: it reads everything
// from the origin, as on its first day, and says why.
func TestWhatCannotBeUsedIsSaidAndReadAgain(t *testing.T) {
	for says, spoil := range map[string]func(t *testing.T, s *site, log *book, dir string){
		"was a backup restored?": func(t *testing.T, s *site, log *book, dir string) {
			log.append(ended("laptop"))
			copyFile(t, kept(t, s, log), dir, cursorFile)
		},
		"checksum is wrong": func(t *testing.T, _ *site, _ *book, dir string) {
			if err := os.Truncate(filepath.Join(dir, snapshotFile), 50); err != nil {
				t.Fatal(err)
			}
		},
		"no such file": func(t *testing.T, _ *site, _ *book, dir string) {
			if err := os.Remove(filepath.Join(dir, cursorFile)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(says, func(t *testing.T) {
			evening(t, func(t *testing.T, s *site) {
				log := newBook(ended("phone"))
				dir := kept(t, s, log)
				spoil(t, s, log, dir)
				v := s.verifier(in(dir))
				got := v.client.Stats().Disk
				if v.Rules() != 0 || v.Cursor() != (revocation.Cursor{}) || got.Loaded || !strings.Contains(got.Refused, says) {
					t.Errorf("refused: %+v, with %+v", got, v.Stats())
				}
				s.origin(log)
				pass(2 * time.Second)
				if !v.refuses("phone") || v.stale() || v.client.Stats().Snapshots != 1 {
					t.Errorf("it was not read again: %+v", v.client.Stats())
				}
				v.stop()
				if got := s.verifier(in(dir)).client.Stats().Disk; got != (revocation.DiskStats{Loaded: true}) {
					t.Errorf("the start after that: %+v", got)
				}
			})
		})
	}
}

// What a clock ahead swept by mistake was saved without, so it is read again.
func TestASavedClockAheadIsRemembered(t *testing.T) {
	evening(t, func(t *testing.T, s *site) {
		log, dir := newBook(ended("phone")), t.TempDir()
		ahead := revocation.NewIndex(issuer)
		err := ahead.Apply(log.kept...)
		ahead.Sweep(time.Now().AddDate(1, 0, 0))
		if err = errors.Join(err, ahead.Save(dir)); err != nil || ahead.Rules() != 0 {
			t.Fatal(err)
		}
		s.origin(log)
		v := s.verifier(in(dir))
		synctest.Wait()
		if !v.refuses("phone") || v.client.Stats().Snapshots != 1 {
			t.Errorf("the rule that was swept by mistake stays lost: %+v", v.client.Stats())
		}
	})
}
