package sim_test

import (
	"flag"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/sim"
)

// slice are the seeds of every run. Each plays one day of every scenario.
var slice = []uint64{1, 2, 3, 4, 4711}

// named is the seed that -run asks for, in or beside the slice:
//
//	go test ./internal/sim -run 'Sim/seed=4711'
//
// It plays whole weeks.
func named(t *testing.T) (seed uint64, asked bool) {
	t.Helper()
	match := regexp.MustCompile(`seed=(\d+)`).FindStringSubmatch(flag.Lookup("test.run").Value.String())
	if match == nil {
		return 0, false
	}
	seed, err := strconv.ParseUint(match[1], 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", match[0], err)
	}
	return seed, true
}

func TestSim(t *testing.T) {
	seeds, longest := slice, 24*time.Hour
	if seed, asked := named(t); asked {
		seeds, longest = []uint64{seed}, 7*24*time.Hour
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			for _, s := range append(sim.Honest(), sim.Thefts()...) {
				s.Length = min(s.Length, longest)
				keeps(t, s, seed, play(t, s, ours(), seed))
			}
		})
	}
}

func ours() sim.Design { return sim.Designs()[0] }

func play(t *testing.T, s sim.Scenario, d sim.Design, seed uint64) sim.Result {
	t.Helper()
	r, err := sim.Play(s, d, seed)
	if err != nil {
		t.Fatalf("%s, %s, seed %d: %v", s.Name, d.Name, seed, err)
	}
	return r
}

// keeps demands of a story what its scenario promises. That a theft is found
// after at most 4 of the owner's refreshes, and 5 more for each time that chance
// brings the two as close as tabs, is what the explorer of package session
// found to be the worst case.
func keeps(t *testing.T, s sim.Scenario, seed uint64, r sim.Result) {
	t.Helper()
	switch {
	case s.Promise == sim.NoLogout && r.Logouts > 0:
		t.Errorf("seed %d: %s: logged out %d times in %.0f days; want never", seed, s.Name, r.Logouts, r.Days)
	case s.Promise == sim.EveryTheft && !r.Found:
		t.Errorf("seed %d: %s: not found in %.0f days, after %d refreshes of the owner", seed, s.Name, r.Days, r.Survived)
	case s.Promise == sim.EveryTheft && r.Survived > 4+5*r.Lucky:
		t.Errorf("seed %d: %s: found after %d refreshes of the owner and %d coincidences", seed, s.Name, r.Survived, r.Lucky)
	}
}

// TestReplay has a story told again.
func TestReplay(t *testing.T) {
	for _, s := range []sim.Scenario{sim.Honest()[len(sim.Honest())-2], sim.Thefts()[1]} {
		s.Length = 24 * time.Hour
		for _, d := range sim.Designs() {
			first, again := play(t, s, d, 4711), play(t, s, d, 4711)
			if !reflect.DeepEqual(first, again) {
				t.Errorf("%s, %s: %+v, then %+v", s.Name, d.Name, first, again)
			}
			if other := play(t, s, d, 4712); reflect.DeepEqual(first, other) {
				t.Errorf("%s, %s: another seed told the same: %+v", s.Name, d.Name, first)
			}
		}
	}
}

// TestTheOthers has the world trip designs over what they are known for. A
// world that is too kind to hurt them would show nothing of ours.
func TestTheOthers(t *testing.T) {
	scenarios := map[string]sim.Scenario{}
	for _, s := range append(sim.Honest(), sim.Thefts()...) {
		s.Length = 24 * time.Hour
		scenarios[s.Name] = s
	}
	tally := func(design int, name string) (sum sim.Tally) {
		s, known := scenarios[name]
		if !known {
			t.Fatalf("no scenario %q", name)
		}
		for _, seed := range slice {
			sum.Results = append(sum.Results, play(t, s, sim.Designs()[design], seed))
		}
		return sum
	}
	const ours, strict, rerotation, parentAlways = 0, 1, 2, 3
	for _, c := range []struct {
		design int
		name   string
	}{
		{strict, "nothing is lost"},
		{strict, "1 % lost, one retry"},
		{rerotation, "nothing is lost"},
		{rerotation, "1 % lost, one retry"},
		{parentAlways, "the browser dies"},
		{parentAlways, "fail-overs"},
	} {
		if tally(c.design, c.name).Logouts() == 0 {
			t.Errorf("%s: nobody was logged out by %s", c.name, sim.Designs()[c.design].Name)
		}
	}
	for _, design := range []int{strict, rerotation} {
		if found := tally(design, "a naive thief").Found(); len(found) != len(slice) {
			t.Errorf("%s found %d of %d naive thieves", sim.Designs()[design].Name, len(found), len(slice))
		}
	}
	for _, design := range []int{parentAlways, ours} { // nobody can tell a shadow from a tab
		if found := tally(design, "a shadow").Found(); len(found) != 0 {
			t.Errorf("%s found %d shadows", sim.Designs()[design].Name, len(found))
		}
	}
	if found := tally(parentAlways, "a careful thief").Found(); len(found) != 0 {
		t.Errorf("%s found %d careful thieves", sim.Designs()[parentAlways].Name, len(found))
	}
}

// TestEveryLineAnswers shows that the stories reach each line of the refresh
// table that a browser or a thief can reach.
func TestEveryLineAnswers(t *testing.T) {
	var all sim.Tally
	for _, s := range append(sim.Honest(), sim.Thefts()...) {
		s.Length = 24 * time.Hour
		for _, seed := range slice[:2] {
			all.Results = append(all.Results, play(t, s, ours(), seed))
		}
	}
	for _, line := range []string{"same", "rotate", "replay", "reused", "late", "heal"} {
		if all.Lines()[line] == 0 {
			t.Errorf("%s never answered: %v", line, all)
		}
	}
}
