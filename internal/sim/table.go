package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Tally is many stories of one scenario under one design.
type Tally struct {
	Results []Result
}

// Days is how long they were, together.
func (t Tally) Days() (sum float64) {
	for _, r := range t.Results {
		sum += r.Days
	}
	return sum
}

// Logouts is how often an owner was logged out.
func (t Tally) Logouts() (sum int) {
	for _, r := range t.Results {
		sum += r.Logouts
	}
	return sum
}

// Found returns how long each theft went on that was found, shortest first.
func (t Tally) Found() (list []time.Duration) {
	for _, r := range t.Results {
		if r.Found {
			list = append(list, r.After)
		}
	}
	slices.Sort(list)
	return list
}

// Lines counts the answers by line of our refresh table.
func (t Tally) Lines() map[string]int {
	sum := map[string]int{}
	for _, r := range t.Results {
		for line, n := range r.Lines {
			sum[line] += n
		}
	}
	return sum
}

// Row renders the tallies of a scenario, one for each design, as a line of
// markdown.
func (s Scenario) Row(tallies []Tally) string {
	cells := []string{s.Name}
	for _, t := range tallies {
		if s.Thief == nobody {
			cells = append(cells, t.logouts())
		} else {
			cells = append(cells, t.thefts())
		}
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// Head renders the head of a table of such lines.
func Head(what string, designs []Design) string {
	names := []string{what}
	for _, d := range designs {
		names = append(names, d.Name)
	}
	return "| " + strings.Join(names, " | ") + " |\n" + strings.Repeat("|---", len(names)) + "|\n"
}

func (t Tally) logouts() string {
	if t.Logouts() == 0 {
		return "0"
	}
	return fmt.Sprintf("%.4f (%d)", float64(t.Logouts())/t.Days(), t.Logouts())
}

func (t Tally) thefts() string {
	found := t.Found()
	if len(found) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d; %.1f, %.0f", len(found), found[len(found)/2].Minutes(), found[len(found)-1].Minutes())
}

// String tells how often each line of the table answered.
func (t Tally) String() string {
	var parts []string
	lines := t.Lines()
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		parts = append(parts, fmt.Sprintf("%s %d", line, lines[line]))
	}
	return strings.Join(parts, ", ")
}
