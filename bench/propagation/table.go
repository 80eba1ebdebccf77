package main

import (
	"fmt"
	"io"

	"github.com/jotkeeper/jotkeeper/bench/measure"
)

// printLatencies measures how soon rules are refused everywhere.
func (p plan) printLatencies(w io.Writer, s *stage) error {
	fmt.Fprint(w, "\n### Until it is refused\n\n| what | ms: median (min–max) of half | of 99 in 100 | of the slowest | target for 99 in 100 |\n|---|---|---|---|---|\n")
	for _, n := range sizes {
		if err := s.grow(n); err != nil {
			return err
		}
		var every, last []latencies
		for i := range p.rounds {
			progress("one revocation, %d verifiers: round %d of %d", n, i+1, p.rounds)
			round, err := s.one(p.each)
			if err != nil {
				return err
			}
			every, last = append(every, round.every), append(last, round.last)
		}
		printRow(w, fmt.Sprintf("one revocation → %d verifiers, each", n), target(n == 200, "≤ 20"), every)
		printRow(w, fmt.Sprintf("one revocation → %d verifiers, the last", n), "—", last)
	}
	var bursts []latencies
	for i := range p.rounds {
		progress("a burst of %d: round %d of %d", p.burst, i+1, p.rounds)
		round, err := s.revoke(p.burst)
		if err != nil {
			return err
		}
		bursts = append(bursts, round)
	}
	printRow(w, fmt.Sprintf("%d at once → %d verifiers, each all of them", p.burst, s.n), "≤ 300", bursts)
	return p.printStrain(w, s)
}

func target(has bool, text string) string {
	if has {
		return text
	}
	return "—"
}

func printRow(w io.Writer, name, target string, rounds []latencies) {
	part := func(share float64) string {
		return measure.Over(rounds, func(_ int, l latencies) float64 { return l.share(share) }).Text("%.1f")
	}
	fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", name, part(0.5), part(0.99), part(1), target)
}

// printStrain measures sustained load.
func (p plan) printStrain(w io.Writer, s *stage) error {
	if err := s.profile(p.profile); err != nil {
		return err
	}
	var rounds []strain
	var after []latencies
	for i := range p.rounds {
		progress("%d rules a second: round %d of %d", p.rate, i+1, p.rounds)
		round, err := s.sustain(p.rate, p.span)
		if err != nil {
			return err
		}
		rounds, after = append(rounds, round), append(after, round.after)
	}
	if err := s.profiled(p.profile); err != nil {
		return err
	}
	printRow(w, fmt.Sprintf("one after %v of %d a second → %d verifiers", p.span, p.rate, s.n), "≤ 20", after)
	text := func(format string, figure func(strain) float64) string {
		return measure.Over(rounds, func(_ int, r strain) float64 { return figure(r) }).Text(format)
	}
	fmt.Fprintf(w, "\n### CPU, %d verifiers\n\n| figure | median (min–max) |\n|---|---|\n", s.n)
	fmt.Fprintf(w, "| rules appended a second | %s |\n", text("%.0f", func(r strain) float64 { return r.rate }))
	fmt.Fprintf(w, "| a verifier at rest, ms a second | %s |\n", text("%.2f", func(r strain) float64 { return 1e3 * r.rest.verifier }))
	fmt.Fprintf(w, "| a verifier meanwhile, ms a second | %s |\n", text("%.2f", func(r strain) float64 { return 1e3 * r.busy.verifier }))
	fmt.Fprintf(w, "| a verifier for a rule, µs | %s |\n", text("%.2f", func(r strain) float64 { return 1e6 * r.busy.verifier / r.rate }))
	fmt.Fprintf(w, "| the origin at rest, ms a second | %s |\n", text("%.1f", func(r strain) float64 { return 1e3 * r.rest.origin }))
	fmt.Fprintf(w, "| the origin meanwhile, ms a second | %s |\n", text("%.0f", func(r strain) float64 { return 1e3 * r.busy.origin }))
	return nil
}

// printSilence measures what verifiers say of an origin that is gone.
func (p plan) printSilence(w io.Writer, s *stage) error {
	var rounds []silence
	for i := range p.rounds {
		progress("the origin is killed: round %d of %d", i+1, p.rounds)
		round, err := s.silence()
		if err != nil {
			return err
		}
		rounds = append(rounds, round)
	}
	text := func(format string, figure func(silence) float64) string {
		return measure.Over(rounds, func(_ int, r silence) float64 { return figure(r) }).Text(format)
	}
	fmt.Fprintf(w, "\n### The origin is killed, %d verifiers\n\n| figure | median (min–max) | target |\n|---|---|---|\n", s.n)
	fmt.Fprintf(w, "| the last says that it is stale after, × MaxStale | %s | ≤ 1.05 |\n", text("%.3f", func(r silence) float64 { return r.stale.share(1) }))
	fmt.Fprintf(w, "| the first, × MaxStale | %s | — |\n", text("%.3f", func(r silence) float64 { return r.stale[0] }))
	fmt.Fprintf(w, "| the last is fresh again after the next start, ms | %s | — |\n", text("%.0f", func(r silence) float64 { return r.fresh.share(1) }))
	return nil
}
