package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// A contender does one thing, again and again; n counts the operations.
type contender struct {
	name string
	op   func(n int) error
}

// A sample is what one operation cost in one round.
type sample struct{ ns, allocs float64 }

// measure runs the contenders in turns and returns, for each, a sample a round.
func measure(contenders []contender, rounds int, slice time.Duration) [][]sample {
	times := make([]int, len(contenders))
	for i, c := range contenders {
		times[i] = calibrate(c, slice)
	}
	samples := make([][]sample, len(contenders))
	for round := range rounds {
		for i := range contenders {
			i = (i + round) % len(contenders)
			samples[i] = append(samples[i], run(contenders[i], times[i]))
		}
	}
	return samples
}

// calibrate finds how many operations fill the slice.
func calibrate(c contender, slice time.Duration) int {
	for n := 64; ; n *= 2 {
		if total := run(c, n).ns * float64(n); total > float64(slice)/4 {
			return max(1, int(float64(n)*float64(slice)/total))
		}
	}
}

func run(c contender, n int) sample {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	for i := range n {
		if err := c.op(i); err != nil {
			panic(c.name + ": " + err.Error())
		}
	}
	used := cpuTime() - start
	runtime.ReadMemStats(&after)
	return sample{float64(used) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)}
}

// cpuTime returns the CPU time of this process, user and system, so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A spread is a median with the smallest and the largest.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare)
	return spread{sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]}
}

func (s spread) text(format string) string {
	return fmt.Sprintf(format+" ("+format+"–"+format+")", s.median, s.least, s.most)
}

// over collects a figure of each round.
func over(samples []sample, figure func(round int, s sample) float64) spread {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(i, s)
	}
	return spreadOf(values)
}
