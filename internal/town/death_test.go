package town_test

import (
	"strings"
	"testing"
	"time"
)

// TestDeathBetweenCommitAndAnswer has whichever server is asked die after its
// first commit, each time that somebody ends something. They ask again, and are
// answered; what they were told holds.
func TestDeathBetweenCommitAndAnswer(t *testing.T) {
	s := setting{seed: 1, length: 100 * time.Minute, people: 1, devices: 2, guards: 2, calm: true}
	p := s.plan()
	p.orders, p.devices = nil, [][][]visit{{nil, nil}}
	doom := func(at time.Duration) {
		for i := range nodes {
			p.nodes[i] = append(p.nodes[i], event{at: at - time.Second, kind: "doom", who: i, lasts: 5 * time.Second})
		}
	}
	at := 5 * time.Minute
	for _, act := range []string{"log out", "end others", "new password"} {
		comes := visit{at: at, asks: []ask{{wide: 1}, {after: time.Minute, wide: 1}}}
		acts := comes
		acts.act = act
		if act == "new password" {
			comes, acts = acts, comes // only the first device does that
		}
		p.devices[0][0], p.devices[0][1] = append(p.devices[0][0], comes), append(p.devices[0][1], acts)
		doom(at + time.Minute)
		at += 12 * time.Minute
	}
	for _, kind := range []string{"rights", "rights", "lock", "end all", "lose key"} {
		p.devices[0][0] = append(p.devices[0][0], visit{at: at - time.Minute, asks: []ask{{wide: 1}}})
		p.orders = append(p.orders, event{at: at, kind: kind})
		doom(at)
		at += 12 * time.Minute
	}
	w := play(t, p)
	t.Logf("what came of it:\n%s", strings.Join(w.truth.told, "\n"))
	for name, want := range map[string]int{"told: " + endOne: 1, "told: " + endOthers: 1, "told: " + endAll: 3, "told: " + takeRight: 1, "told: " + loseKey: 1} {
		if got := w.table.counts[name]; got != want {
			t.Errorf("%s %d times, want %d", name, got, want)
		}
	}
	if n := w.table.counts["killed after a commit"]; n < 8 {
		t.Errorf("%d servers died after a commit; want one for each of 8 acts at least", n)
	}
}
