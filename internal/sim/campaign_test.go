package sim_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/internal/sim"
)

// weeks is how many stories of a week each line of the table is made of, by
// JOTKEEPER_SIM (make sim). Without it the table is made of one day, so that
// every run draws it.
func weeks(t *testing.T) (trials int, longest time.Duration) {
	t.Helper()
	text := os.Getenv("JOTKEEPER_SIM")
	if text == "" {
		return 1, 24 * time.Hour
	}
	trials, err := strconv.Atoi(text)
	if err != nil || trials < 1 {
		t.Fatalf("JOTKEEPER_SIM=%q is no number of weeks", text)
	}
	return trials, 7 * 24 * time.Hour
}

// TestCampaign draws the table of docs/reference/simulation.md. The seeds are 1
// and onwards; a story that breaks a promise says its own.
func TestCampaign(t *testing.T) {
	trials, longest := weeks(t)
	var table strings.Builder
	write := func(format string, args ...any) {
		fmt.Fprintf(&table, format, args...)
		if os.Getenv("JOTKEEPER_SIM") != "" { // as it grows: it takes minutes
			fmt.Printf(format, args...)
		}
	}
	write("Stories in each cell: %d, seeds 1 to %d, at most %.0f days each.\n", trials, trials, longest.Hours()/24)
	for _, part := range []struct {
		head      string
		scenarios []sim.Scenario
	}{
		{"forced logouts a user-day", sim.Honest()},
		{"thefts found; median, longest in minutes", sim.Thefts()},
	} {
		var answers strings.Builder
		write("\n%s", sim.Head(part.head))
		for _, s := range part.scenarios {
			s.Length = min(s.Length, longest)
			tallies := campaign(t, s, trials)
			write("%s", s.Row(tallies))
			fmt.Fprintf(&answers, "%s: %v\n", s.Name, tallies[jotkeeper])
		}
		write("\nOur answers:\n\n%s", &answers)
	}
	if want := len(sim.Honest()) + len(sim.Thefts()) + 2*2; strings.Count(table.String(), "\n|") != want {
		t.Errorf("the table has not %d lines:\n%s", want, &table)
	}
}

// campaign plays a scenario with all designs.
func campaign(t *testing.T, s sim.Scenario, trials int) []sim.Tally {
	t.Helper()
	tallies := make([]sim.Tally, len(sim.Designs()))
	for i, d := range sim.Designs() {
		for seed := range uint64(trials) {
			r := play(t, s, d, seed+1)
			if i == jotkeeper {
				keeps(t, s, seed+1, r)
			}
			tallies[i].Results = append(tallies[i].Results, r)
		}
	}
	return tallies
}
