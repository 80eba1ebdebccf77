package measure

import (
	"runtime"
	"syscall"
	"time"
)

// A Contender does one thing, again and again; n counts the operations of a round.
type Contender struct {
	Name string
	Op   func(n int) error
}

// A Sample is what one operation cost in one round.
type Sample struct {
	NS            float64 // of CPU
	Bytes, Allocs float64
}

// Turns runs the contenders one after the other, each for a slice of CPU time,
// as often as there are rounds. It returns for each a sample a round, and panics
// when one of them fails. The order turns too, so that nobody always runs after
// the same neighbour.
func Turns(contenders []Contender, rounds int, slice time.Duration) [][]Sample {
	times := make([]int, len(contenders))
	for i, c := range contenders {
		times[i] = c.calibrate(slice)
	}
	samples := make([][]Sample, len(contenders))
	for round := range rounds {
		for i := range contenders {
			i = (i + round) % len(contenders)
			samples[i] = append(samples[i], contenders[i].run(times[i]))
		}
	}
	return samples
}

// calibrate finds how many operations fill the slice.
func (c Contender) calibrate(slice time.Duration) int {
	for n := 1; ; n *= 2 {
		if total := c.run(n).NS * float64(n); total > float64(slice)/4 {
			return max(1, int(float64(n)*float64(slice)/total))
		}
	}
}

func (c Contender) run(n int) Sample {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := CPU()
	for i := range n {
		if err := c.Op(i); err != nil {
			panic(c.Name + ": " + err.Error())
		}
	}
	used := CPU() - start
	runtime.ReadMemStats(&after)
	per := func(x uint64) float64 { return float64(x) / float64(n) }
	return Sample{float64(used) / float64(n), per(after.TotalAlloc - before.TotalAlloc), per(after.Mallocs - before.Mallocs)}
}

// CPU returns the CPU time of this process, user and system, so far.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
