package session

import (
	"maps"
	"sync"
	"time"
)

// Stats count since the process started.
type Stats struct {
	Outcomes map[string]uint64 // refreshes by line of the table, all lines present
	Sighted  uint64            // generations that reports confirmed
	Restores uint64            // minutes with more heals than lost writes explain: was a backup restored?
}

// Stats returns what this node has counted.
func (s *Sessions) Stats() Stats { return s.tally.stats() }

// healsExplained in one minute are what a fail-over may cause.
const healsExplained = 3

type tally struct {
	mu       sync.Mutex
	outcomes map[string]uint64
	sighted  uint64
	restores uint64
	minute   time.Time
	heals    int
}

func newTally() *tally {
	t := &tally{outcomes: make(map[string]uint64, len(outcomes))}
	for _, o := range outcomes {
		t.outcomes[string(o)] = 0
	}
	return t
}

func (t *tally) count(o outcome, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes[string(o)]++
	if o != heal {
		return
	}
	if minute := now.Truncate(time.Minute); !minute.Equal(t.minute) {
		t.minute, t.heals = minute, 0
	}
	if t.heals++; t.heals == healsExplained+1 {
		t.restores++
	}
}

func (t *tally) sight() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sighted++
}

func (t *tally) stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Stats{Outcomes: maps.Clone(t.outcomes), Sighted: t.sighted, Restores: t.restores}
}
