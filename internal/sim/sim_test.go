package sim_test

import (
	"flag"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/sim"
)

// slice are the seeds of every run. Each plays one day of every scenario.
var slice = []uint64{1, 2, 3, 4711}

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

// TestSim plays what is promised. It also shows that the stories reach each line
// of the refresh table that a browser or a thief can reach, and each answer to a
// token that renews itself.
func TestSim(t *testing.T) {
	seeds, longest := slice, 24*time.Hour
	if seed, asked := named(t); asked {
		seeds, longest = []uint64{seed}, 7*24*time.Hour
	}
	var all sim.Tally
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			sessions := promised(t, slices.Concat(sim.Honest(), sim.Thefts()), ours(), seed, longest)
			tokens := promised(t, slices.Concat(sim.Kept(), sim.KeptThefts()), keeper(), seed, longest)
			all.Results = slices.Concat(all.Results, sessions, tokens)
		})
	}
	for _, line := range []string{"same", "rotate", "replay", "reused", "late", "heal", "served", "renewed", "repeated"} {
		if all.Lines()[line] == 0 {
			t.Errorf("%s never answered: %v", line, all)
		}
	}
}

// promised plays the scenarios of which something is promised.
func promised(t *testing.T, scenarios []sim.Scenario, d sim.Design, seed uint64, longest time.Duration) (results []sim.Result) {
	t.Helper()
	for _, s := range scenarios {
		if s.Promise == sim.Nothing {
			continue
		}
		s.Length = min(s.Length, longest)
		r := play(t, s, d, seed)
		keeps(t, s, seed, r)
		results = append(results, r)
	}
	return results
}

func ours() sim.Design   { return sim.Designs()[jotkeeper] }
func keeper() sim.Design { return sim.Keepers()[jotkeeper] }

func play(t *testing.T, s sim.Scenario, d sim.Design, seed uint64) sim.Result {
	t.Helper()
	var r sim.Result
	synctest.Test(t, func(t *testing.T) { // this machine's clock stands still, too
		var err error
		if r, err = sim.Play(s, d, seed); err != nil {
			t.Fatalf("%s, %s, seed %d: %v", s.Name, d.Name, seed, err)
		}
	})
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
	case (s.Promise == sim.EveryTheft || s.Promise == sim.EveryThief) && !r.Found:
		t.Errorf("seed %d: %s: not found in %.0f days, after %d refreshes of the owner", seed, s.Name, r.Days, r.Survived)
	case s.Promise == sim.EveryTheft && r.Survived > 4+5*r.Lucky:
		t.Errorf("seed %d: %s: found after %d refreshes of the owner and %d coincidences", seed, s.Name, r.Survived, r.Lucky)
	}
}

// TestReplay has a story told again.
func TestReplay(t *testing.T) {
	for _, c := range []struct {
		story   sim.Scenario
		designs []sim.Design
	}{
		{sim.Honest()[len(sim.Honest())-2], sim.Designs()}, {sim.Thefts()[1], sim.Designs()},
		{sim.Kept()[2], sim.Keepers()}, {sim.KeptThefts()[0], sim.Keepers()},
	} {
		s := c.story
		s.Length = 24 * time.Hour
		for _, d := range c.designs {
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

// The designs, by their place.
const (
	jotkeeper = iota
	strict
	rerotation
	parentAlways
)

// TestTheOthers has the world trip designs over what each is known for. A world
// that is too kind to hurt them would show nothing of ours.
func TestTheOthers(t *testing.T) {
	for _, c := range []struct {
		design       int
		kind, unkind string
	}{
		{strict, "nothing is lost", "1 % lost"},
		{strict, "1 % lost", "5 % lost"},
		{rerotation, "nothing is lost", "1 % lost"},
		{rerotation, "1 % lost, one retry", "1 % lost"},
		{rerotation, "nothing is lost", "10 % slow, up to 20 s"},
		{parentAlways, "nothing is lost", "10 % slow, up to 40 s"},
		{parentAlways, "nothing is lost", "the browser dies"},
		{parentAlways, "nothing is lost", "fail-overs"},
	} {
		if few, many := days(t, c.design, c.kind).Logouts(), days(t, c.design, c.unkind).Logouts(); few >= many {
			t.Errorf("%s: %d logouts when %s, %d when %s; want more", sim.Designs()[c.design].Name, few, c.kind, many, c.unkind)
		}
	}
}

// TestNodesStandApart reads the two clocks. That they cost other designs logouts
// is in the table of the campaign; in a few days it is a matter of luck.
func TestNodesStandApart(t *testing.T) {
	for _, s := range slices.Concat(sim.Honest(), sim.Kept()) {
		want := map[int]time.Duration{0: s.Apart / 2, 1: -s.Apart / 2}
		if got := sim.Clocks(s); s.Apart > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the clocks say %v, want %v", s.Name, got, want)
		}
	}
}

// TestWhoFindsWhom has thieves at work who are known to be found, and others
// who are known not to be: no rule tells a shadow from a second tab, but the
// one that has no second tabs.
func TestWhoFindsWhom(t *testing.T) {
	all := len(slice)
	for _, c := range []struct {
		name                           string
		ours, strict, re, parentAlways int
	}{
		{"a naive thief", all, all, all, all},
		{"a careful thief", all, all, all, 0},
		{"a shadow", 0, all, all, 0},
	} {
		for design, want := range []int{c.ours, c.strict, c.re, c.parentAlways} {
			if found := days(t, design, c.name).Found(); len(found) != want {
				t.Errorf("%s: %s found it %d times of %d, want %d", c.name, sim.Designs()[design].Name, len(found), all, want)
			}
		}
	}
}

// days plays a day of a scenario for each seed of the slice.
func days(t *testing.T, design int, name string) (sum sim.Tally) {
	t.Helper()
	return stories(t, slices.Concat(sim.Honest(), sim.Thefts()), sim.Designs()[design], name, 24*time.Hour)
}

// stories plays the scenario of a name for each seed of the slice.
func stories(t *testing.T, among []sim.Scenario, d sim.Design, name string, length time.Duration) (sum sim.Tally) {
	t.Helper()
	for _, s := range among {
		if s.Name != name {
			continue
		}
		s.Length = min(s.Length, length)
		for _, seed := range slice {
			sum.Results = append(sum.Results, play(t, s, d, seed))
		}
	}
	if len(sum.Results) == 0 {
		t.Fatalf("no scenario %q", name)
	}
	return sum
}
