// Command seeded proves that each check fails on its seeded bug.
//
// A checker that has never failed is not a checker. Each file below
// testdata/seeded is one small bug, and names the test that must notice it.
// The command compiles the bug in through an overlay, without touching the
// working tree, runs that test, and demands that it goes red: green, or a bug
// that does not compile, is a failure. It refuses to pass when it chose no seed.
//
// The format of a seed is in testdata/seeded/README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	var opts options
	flag.StringVar(&opts.Match, "match", "", "run only the seeds whose path contains this `text`")
	flag.StringVar(&opts.Slice, "slice", "", "run only every n-th seed, beginning with the k-th: `k/n`")
	flag.IntVar(&opts.Parallel, "parallel", 2, "run this `number` of seeds side by side")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, opts); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "seeded:", err)
		os.Exit(1)
	}
}

type options struct {
	Match, Slice string
	Parallel     int
}

func run(ctx context.Context, opts options) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	seeds, err := loadSeeds(root)
	if err != nil {
		return err
	}
	seeds, err = choose(seeds, opts.Match, opts.Slice)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "jotkeeper-seeded-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	return (&runner{root: root, work: work, out: os.Stdout}).all(ctx, seeds, opts.Parallel)
}

// choose filters the seeds by path, then takes every n-th. Choosing nothing is
// an error: it would pass in no time.
func choose(seeds []seed, match, slice string) ([]seed, error) {
	k, n := 1, 1
	if slice != "" {
		if _, err := fmt.Sscanf(slice, "%d/%d", &k, &n); err != nil || k < 1 || k > n {
			return nil, fmt.Errorf("slice %q: want k/n with 1 ≤ k ≤ n", slice)
		}
	}
	var matching, chosen []seed
	for _, s := range seeds {
		if strings.Contains(s.Path, match) {
			matching = append(matching, s)
		}
	}
	for i := k - 1; i < len(matching); i += n {
		chosen = append(chosen, matching[i])
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no seed matches %q in slice %d/%d", match, k, n)
	}
	return chosen, nil
}
