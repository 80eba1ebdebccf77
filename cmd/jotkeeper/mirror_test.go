package main

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jotkeeper/jotkeeper/revocation"
)

func at(epoch, seq uint64) revocation.Cursor { return revocation.Cursor{Epoch: epoch, Seq: seq} }

func (m mirror) wants(t *testing.T, want revocation.Cursor) {
	t.Helper()
	if got, err := m.read(); err != nil || got != want {
		t.Fatalf("the mirror says %v, %v; want %v", got, err, want)
	}
}

func (m mirror) keeps(t *testing.T, head revocation.Cursor) {
	t.Helper()
	if err := m.keep(head); err != nil {
		t.Fatal(err)
	}
}

func TestTheMirrorOnlyGrows(t *testing.T) {
	m := mirror{filepath.Join(t.TempDir(), mirrorFile)}
	m.wants(t, at(0, 0))
	for _, step := range []struct{ head, want revocation.Cursor }{
		{at(1, 5), at(1, 5)}, {at(1, 3), at(1, 5)}, {at(1, 6), at(1, 6)}, {at(2, 0), at(2, 0)}, {at(1, 99), at(2, 0)},
		{at(1<<63-1, 1<<63-1), at(1<<63-1, 1<<63-1)},
	} {
		m.keeps(t, step.head)
		m.wants(t, step.want)
	}
	if stat, err := os.Stat(m.path); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", stat.Mode(), err)
	}
}

// A machine that dies while one place is written leaves the other.
func TestAHalfWrittenMirrorStillKnowsWhatItKnew(t *testing.T) {
	m := mirror{filepath.Join(t.TempDir(), mirrorFile)}
	m.keeps(t, at(1, 5))
	before, err := os.ReadFile(m.path)
	if err != nil {
		t.Fatal(err)
	}
	m.keeps(t, at(1, 6))
	after, err := os.ReadFile(m.path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range mirrorLine {
		torn := append([]byte{}, after...)
		for i := mirrorApart + cut; i < len(torn); i++ {
			torn[i] = 0
		}
		if cut == 0 {
			torn = before
		}
		if err := os.WriteFile(m.path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := m.read(); err != nil || got != at(1, 5) && !(cut == mirrorLine-1 && got == at(1, 6)) {
			t.Fatalf("cut at %d it says %v, %v", cut, got, err)
		}
	}
	m.keeps(t, at(1, 7))
	m.wants(t, at(1, 7))
}

// A mirror that tells nothing has known something: it is no reason to believe
// the database.
func TestADamagedMirrorIsNoBlankOne(t *testing.T) {
	m := mirror{filepath.Join(t.TempDir(), mirrorFile)}
	for _, damage := range []string{"x", mirrorText(at(1, 5))[:20], "jotkeeper-head 1 1 6 00000000"} {
		if err := os.WriteFile(m.path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		m.wants(t, unknownHead)
	}
	m.keeps(t, at(2, 1))
	m.wants(t, at(2, 1))
	if err := os.WriteFile(m.path, []byte("jotkeeper-head 2 whatever\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.read(); !errors.Is(err, errMirrorNewer) {
		t.Errorf("a newer format: %v", err)
	}
	if err := m.keep(at(9, 9)); !errors.Is(err, errMirrorNewer) {
		t.Errorf("a newer format is written over: %v", err)
	}
}

func TestTheMirrorIsShared(t *testing.T) {
	m := mirror{filepath.Join(t.TempDir(), mirrorFile)}
	var all sync.WaitGroup
	for w := range uint64(8) {
		all.Go(func() {
			for i := range uint64(20) {
				if err := m.keep(at(1, 8*i+w)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	m.wants(t, at(1, 8*19+7))
}
