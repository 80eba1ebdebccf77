package sim

import (
	"math/rand/v2"
	"time"
)

// Clocks returns what the clock of each node of a scenario says at dawn.
func Clocks(s Scenario) map[int]time.Duration {
	w := &world{Scenario: s, random: rand.New(rand.NewPCG(1, 1))}
	clocks := map[int]time.Duration{}
	for range 100 {
		n, at := w.node()
		clocks[n] = at.Sub(dawn)
	}
	return clocks
}
