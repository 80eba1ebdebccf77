package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/bench/measure"
)

// printVerify prints the contenders of one algorithm; the first is the bare
// signature check.
func printVerify(w io.Writer, f *fixture, samples [][]measure.Sample) {
	fmt.Fprintf(w, "\n### %s, token of %d bytes\n\n", f.key.Algorithm(), len(f.raw))
	fmt.Fprintln(w, "| verification | µs of CPU: median (min–max) | × raw: median (min–max) | bytes | allocations |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	raw := samples[0]
	for i, c := range f.contenders() {
		us := measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.NS / 1000 })
		ratio := measure.Over(samples[i], func(round int, s measure.Sample) float64 { return s.NS / raw[round].NS })
		size := measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.Bytes })
		allocs := measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.Allocs })
		fmt.Fprintf(w, "| %s | %.2f (%.2f–%.2f) | %.3f (%.3f–%.3f) | %.0f | %.0f |\n",
			c.Name, us.Median, us.Least, us.Most, ratio.Median, ratio.Least, ratio.Most, size.Median, allocs.Median)
	}
}

// printTargets prints what docs/reference/performance.md promises, as it came
// out: cold beside raw, and how many cold verifications by golang-jwt one hit
// costs.
func printTargets(w io.Writer, samples [][]measure.Sample) {
	raw, cold, warm, golang := samples[0], samples[1], samples[2], samples[3]
	ratio := measure.Over(cold, func(i int, s measure.Sample) float64 { return s.NS / raw[i].NS })
	hit := measure.Over(warm, func(_ int, s measure.Sample) float64 { return s.NS / 1000 })
	times := measure.Over(golang, func(i int, s measure.Sample) float64 { return s.NS / warm[i].NS })
	fmt.Fprintf(w, "\ncold %.2f × raw, warm %.2f µs, golang-jwt / warm %.0f ×\n", ratio.Median, hit.Median, times.Median)
}

// printGarbage prints what it costs to refuse what nobody signed.
func printGarbage(w io.Writer, f *fixture, rounds int, slice time.Duration) {
	fmt.Fprint(w, "\n### Refusing garbage\n\n")
	fmt.Fprintln(w, "| garbage | by | µs of CPU: median (min–max) | bytes allocated |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, g := range garbage() {
		var contenders []measure.Contender
		for _, v := range f.verifiers() {
			contenders = append(contenders, measure.Contender{Name: v.name, Op: func(int) error {
				if v.verify(g.raw) == nil {
					return fmt.Errorf("%s is accepted", g.name)
				}
				return nil
			}})
		}
		for i, samples := range measure.Turns(contenders, rounds, slice) {
			us := measure.Over(samples, func(_ int, s measure.Sample) float64 { return s.NS / 1000 })
			size := measure.Over(samples, func(_ int, s measure.Sample) float64 { return s.Bytes })
			fmt.Fprintf(w, "| %s | %s | %.2f (%.2f–%.2f) | %.0f |\n", g.name, contenders[i].Name, us.Median, us.Least, us.Most, size.Median)
		}
	}
}

type junk struct{ name, raw string }

func garbage() []junk {
	members := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"alg":"ES256"`)
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, `,"m%d":%d`, i, i)
		}
		return segment(b.String()+"}") + ".e30.AAAA"
	}
	return []junk{
		{"1 MiB of letters", strings.Repeat("A", 1<<20)},
		{"1 MiB of dots", strings.Repeat(".", 1<<20)},
		{"1 MiB header", members(1 << 20 * 3 / 4)},
		{"8 KiB header", members(8<<10*3/4 - 60)},
		{"8 KiB of letters, two dots", strings.Repeat("A", 8<<10-10) + ".AAAA.AAAA"},
		{"unknown kid, no signature", segment(`{"alg":"ES256","kid":"unknown","typ":"at+jwt"}`) + ".e30.AAAA"},
	}
}
