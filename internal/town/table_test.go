package town_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A table counts what happened in a town, or in several.
type table struct {
	mu       sync.Mutex
	counts   map[string]int
	userTime time.Duration // of all devices together
	delays   []time.Duration
	stale    time.Duration // of all services together
	served   time.Duration
}

func newTable() *table { return &table{counts: map[string]int{}} }

// count returns how often it was called with a name.
func (t *table) count(name string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[name]++
	return t.counts[name]
}

func (t *table) delay(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.delays = append(t.delays, d)
}

func (t *table) watched(d time.Duration, stale bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.served += d; stale {
		t.stale += d
	}
}

// add takes another table in.
func (t *table) add(o *table) {
	for name, n := range o.counts {
		t.counts[name] += n
	}
	t.userTime += o.userTime
	t.delays = append(t.delays, o.delays...)
	t.stale += o.stale
	t.served += o.served
}

// faults are the names of what goes wrong, as the table counts them.
var faults = []string{
	"lost requests", "lost answers", "slow calls", "calls that found no server, or lost it",
	"line: cut", "line: silence", "line: buffering", "node: drain", "node: kill", "node: doom", "killed after a commit",
}

// String is the table of docs/reference/simulation.md.
func (t *table) String() string {
	var b strings.Builder
	row := func(name string, format string, args ...any) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, fmt.Sprintf(format, args...))
	}
	row("device-weeks", "%.2f", t.userTime.Hours()/24/7)
	for _, name := range []string{"logins", "requests", "requests to be made again"} {
		row(name, "%d", t.counts[name])
	}
	row("refreshes answered", "%d", t.counts["auth: POST /session/refresh 201"])
	for _, name := range faults {
		row(strings.ReplaceAll(name, ": ", ", "), "%d", t.counts[name])
	}
	row("revocations", "%d", t.counts["revocations"])
	slices.Sort(t.delays)
	if n := len(t.delays); n > 0 {
		row("from a commit to a service on whole lines: median, longest", "%d ms, %d ms", t.delays[n/2].Milliseconds(), t.delays[n-1].Milliseconds())
	}
	row("minutes that services were stale", "%.0f of %.0f", t.stale.Minutes(), t.served.Minutes())
	return b.String()
}

// answers tells what was answered, how often.
func (t *table) answers() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.counts)) {
		fmt.Fprintf(&b, "%s %d; ", name, t.counts[name])
	}
	return b.String()
}
