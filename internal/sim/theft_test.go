package sim_test

import (
	"testing"

	"github.com/jotkeeper/jotkeeper/internal/sim"
)

// TestHowSoonAThiefIsFound plays 200 thefts of each kind from an owner with one
// tab. Where verifiers report what they see, and the thief lets them see, about
// every second is found at the owner's next refresh; the median lies just past
// that. Where not, it takes three of them.
func TestHowSoonAThiefIsFound(t *testing.T) {
	const trials = 200
	between := map[string][2]float64{ // minutes
		"a naive thief":                 {5, 8},
		"a naive thief, no sightings":   {18, 22},
		"a careful thief":               {18, 22},
		"a careful thief, no sightings": {18, 22},
	}
	for _, s := range sim.Thefts() {
		want, asked := between[s.Name]
		if !asked {
			continue
		}
		delete(between, s.Name)
		var all sim.Tally
		for seed := range uint64(trials) {
			r := play(t, s, ours(), seed+1)
			keeps(t, s, seed+1, r)
			all.Results = append(all.Results, r)
		}
		found := all.Found()
		if len(found) != trials {
			t.Errorf("%s: found %d times of %d", s.Name, len(found), trials)
			continue
		}
		if median := found[trials/2].Minutes(); median < want[0] || median > want[1] {
			t.Errorf("%s: median %.1f minutes; want %.0f to %.0f", s.Name, median, want[0], want[1])
		}
	}
	if len(between) > 0 {
		t.Errorf("no scenarios %v", between)
	}
}
