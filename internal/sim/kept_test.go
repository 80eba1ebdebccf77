package sim_test

import (
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/sim"
)

// TestTheKeptWorldIsUnkind has the world of tokens that renew themselves log
// people out: of a design that forgives nothing, and of ours where the grace is
// shorter than requests take. A longer one repairs it.
func TestTheKeptWorldIsUnkind(t *testing.T) {
	const atOnce = 1
	for _, c := range []struct {
		name    string
		design  int
		logouts bool
	}{
		{"pages, nothing is lost", atOnce, true},
		{"a native client, 5 % lost", atOnce, true},
		{"pages, 10 % slow, up to 20 s", jotkeeper, true},
		{"pages, 10 % slow, up to 20 s, 30 s of grace", jotkeeper, false},
	} {
		all := stories(t, sim.Kept(), sim.Keepers()[c.design], c.name, 7*24*time.Hour)
		if n := all.Logouts(); (n > 0) != c.logouts {
			t.Errorf("%s: %s logged out %d times in %.0f days; want it: %v", c.name, sim.Keepers()[c.design].Name, n, all.Days(), c.logouts)
		}
	}
}

// TestHowSoonAKeptThiefIsFound plays 200 thefts of each kind of which it is
// promised that the thief is found. Who keeps his copy finds it dead at its first
// use, mostly; for the others it takes a renewal, or two.
func TestHowSoonAKeptThiefIsFound(t *testing.T) {
	const trials = 200
	longest := map[string]float64{ // median, minutes
		"a naive thief of a person's token":                            40,
		"a naive thief of a native client's, shown at once":            45,
		"a thief who renews first of a person's token":                 30,
		"a thief who renews first of a native client's, shown at once": 30,
		"a thief who waits of a person's token":                        0,
		"a thief who waits of a native client's, shown at once":        0,
	}
	for _, s := range sim.KeptThefts() {
		if s.Promise == sim.Nothing {
			continue
		}
		want, known := longest[s.Name]
		delete(longest, s.Name)
		var all sim.Tally
		for seed := range uint64(trials) {
			r := play(t, s, keeper(), seed+1)
			keeps(t, s, seed+1, r)
			all.Results = append(all.Results, r)
		}
		found := all.Found()
		if !known || len(found) != trials || found[trials/2].Minutes() > want {
			t.Errorf("%s: found %d times of %d, median %.1f minutes; want %.0f at most", s.Name, len(found), trials, found[len(found)/2].Minutes(), want)
		}
	}
	if len(longest) > 0 {
		t.Errorf("no scenarios %v", longest)
	}
}

// TestWhoIsNotFound has a thief at work who never shows a token before the owner
// has: to any server the two are one client. A lock or a shorter session is what
// helps.
func TestWhoIsNotFound(t *testing.T) {
	for _, name := range []string{
		"a patient thief of a person's token", "a patient thief of a native client's, shown at once", "a patient thief of a native client's",
	} {
		if found := stories(t, sim.KeptThefts(), keeper(), name, 24*time.Hour).Found(); len(found) > 0 {
			t.Errorf("%s: found %v", name, found)
		}
	}
}
