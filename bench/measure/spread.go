package measure

import (
	"cmp"
	"fmt"
	"slices"
)

// A Spread is a median with the smallest and the largest.
type Spread struct{ Median, Least, Most float64 }

// SpreadOf returns the spread of values, of which there is at least one.
func SpreadOf(values []float64) Spread {
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare)
	return Spread{sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]}
}

// Over returns the spread of a figure of each round.
func Over[S any](samples []S, figure func(round int, s S) float64) Spread {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(i, s)
	}
	return SpreadOf(values)
}

// Text writes "median (least–most)", each in the format.
func (s Spread) Text(format string) string {
	return fmt.Sprintf(format+" ("+format+"–"+format+")", s.Median, s.Least, s.Most)
}
