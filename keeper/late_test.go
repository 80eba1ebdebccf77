package keeper_test

import (
	"testing"
	"time"
)

// An answer that is late brings the old token back into the jar, where it stays:
// by then the newer one must not have been made. It was found by asking what the
// jar holds when answers overtake each other.
func TestLateAnswersAreNoLogout(t *testing.T) {
	w := newWorld(t, t.Fatalf)
	node := func() int { return 0 }
	slow, quick := func() time.Duration { return 9 * time.Second }, func() time.Duration { return 0 }
	rights := func() {
		if err := w.nodes[0].RotateSubject(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		w.follow()
	}
	w.login()
	first := w.jar
	rights()
	w.send(0, false)
	w.pass(0, node, slow) // its answer is under way for 9 s
	w.send(0, false)
	w.pass(0, node, quick)
	second := w.jar
	rights() // again
	for range 2 {
		w.send(0, false)
		w.pass(time.Second, node, quick)
	}
	w.pass(30*time.Second, node, quick) // the slow one arrives; the person reads
	w.send(0, false)
	w.pass(time.Second, node, quick)
	w.check()
	if w.jar == first || w.jar == second || w.jar == "" || len(w.issued) != 3 {
		t.Errorf("after 3 changes of rights the session had %d tokens; refused %v", len(w.issued), w.refused)
	}
}
