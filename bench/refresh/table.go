package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/jotkeeper/jotkeeper/bench/measure"
)

// A round is what was measured in one turn.
type round struct {
	load   outcome
	cpu    float64 // of the server, seconds a refresh
	commit bare
}

func (r round) rate() float64 { return float64(len(r.load.Latencies)) / r.load.Seconds }

// share is the latency below which a share of the refreshes stayed, in ms.
func (r round) share(part float64) float64 {
	all := r.load.Latencies
	return 1000 * all[min(len(all)-1, int(part*float64(len(all))))]
}

func printRounds(w io.Writer, rounds []round) {
	total := 0
	for _, r := range rounds {
		total += len(r.load.Latencies)
	}
	fmt.Fprintf(w, "\n### Refresh over HTTP, SQLite, every commit synced\n\n%d rotations, each found in the store afterwards, 0 errors.\n\n", total)
	fmt.Fprintln(w, "| figure | median (min–max) | target |\n|---|---|---|")
	line := func(name, target, format string, figure func(round) float64) {
		fmt.Fprintf(w, "| %s | %s | %s |\n", name, measure.Over(rounds, func(_ int, r round) float64 { return figure(r) }).Text(format), target)
	}
	line("refreshes a second", "≥ 1,500", "%.0f", round.rate)
	line("half of them below, ms", "—", "%.1f", func(r round) float64 { return r.share(0.5) })
	line("99 of 100 below, ms", "≤ 25", "%.1f", func(r round) float64 { return r.share(0.99) })
	line("CPU of the server a refresh, µs", "—", "%.0f", func(r round) float64 { return 1e6 * r.cpu })
	line("bare: durable swaps a second, no HTTP", "—", "%.0f", func(r round) float64 { return r.commit.Swaps })
	line("bare: transactions a second they shared", "—", "%.0f", func(r round) float64 { return r.commit.Commits })
	line("disk: the same 4 KiB with a sync, one by one, a second", "—", "%.0f", func(r round) float64 { return r.commit.Syncs })
	line("refreshes ÷ bare swaps", "—", "%.2f", func(r round) float64 { return r.rate() / r.commit.Swaps })
}

func printStarts(w io.Writer, all []coming) {
	fmt.Fprint(w, "\n### Start\n\n| figure | median (min–max) | target |\n|---|---|---|\n")
	for _, fresh := range []bool{false, true} {
		where := "on the store above"
		if fresh {
			where = "in a new data directory"
		}
		starts := slices.DeleteFunc(slices.Clone(all), func(c coming) bool { return c.fresh != fresh })
		line := func(name, target, format string, figure func(coming) float64) {
			fmt.Fprintf(w, "| %s, %s | %s | %s |\n", name, where, measure.Over(starts, func(_ int, c coming) float64 { return figure(c) }).Text(format), target)
		}
		line("ready after, ms", "≤ 300", "%.0f", func(c coming) float64 { return 1000 * c.ready })
		line("resident when idle, MiB", "≤ 40", "%.1f", func(c coming) float64 { return c.all })
		line("of that no copy of a file, MiB", "—", "%.1f", func(c coming) float64 { return c.own })
	}
}
