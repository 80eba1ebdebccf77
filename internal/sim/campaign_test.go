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

// parts are the tables of docs/reference/simulation.md.
var parts = []struct {
	name, head string
	designs    []sim.Design
	scenarios  []sim.Scenario
}{
	{"honest", "forced logouts a user-day", sim.Designs(), sim.Honest()},
	{"thefts", "thefts found; median, longest in minutes", sim.Designs(), sim.Thefts()},
	{"kept", "forced logouts a user-day", sim.Keepers(), sim.Kept()},
	{"kept_thefts", "thieves found; median, longest in minutes", sim.Keepers(), sim.KeptThefts()},
}

// TestCampaign draws the tables of docs/reference/simulation.md. The seeds are 1
// and onwards; a story that breaks a promise says its own.
func TestCampaign(t *testing.T) {
	trials, longest := weeks(t)
	if os.Getenv("JOTKEEPER_SIM") != "" {
		fmt.Printf("Stories in each cell: %d, seeds 1 to %d, at most %.0f days each.\n", trials, trials, longest.Hours()/24)
	}
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			var table, answers strings.Builder
			write := func(format string, args ...any) {
				fmt.Fprintf(&table, format, args...)
				if os.Getenv("JOTKEEPER_SIM") != "" { // as it grows: it takes minutes
					fmt.Printf(format, args...)
				}
			}
			write("\n%s", sim.Head(part.head, part.designs))
			for _, s := range part.scenarios {
				s.Length = min(s.Length, longest)
				tallies := campaign(t, s, part.designs, trials)
				write("%s", s.Row(tallies))
				fmt.Fprintf(&answers, "%s: %v\n", s.Name, tallies[jotkeeper])
			}
			write("\nOur answers:\n\n%s", &answers)
			if want := len(part.scenarios) + 2; strings.Count(table.String(), "\n|") != want {
				t.Errorf("the table has not %d lines:\n%s", want, &table)
			}
		})
	}
}

// campaign plays a scenario with several designs, ours first.
func campaign(t *testing.T, s sim.Scenario, designs []sim.Design, trials int) []sim.Tally {
	t.Helper()
	tallies := make([]sim.Tally, len(designs))
	for i, d := range designs {
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
