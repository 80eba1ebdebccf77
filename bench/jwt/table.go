package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// printVerify prints the contenders of one algorithm; the first is the bare
// signature check.
func printVerify(w io.Writer, f *fixture, samples [][]sample) {
	fmt.Fprintf(w, "\n### %s, token of %d bytes\n\n", f.key.Algorithm(), len(f.raw))
	fmt.Fprintln(w, "| verification | µs of CPU: median (min–max) | × raw: median (min–max) | bytes | allocations |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	raw := samples[0]
	for i, c := range f.contenders() {
		us := over(samples[i], func(_ int, s sample) float64 { return s.ns / 1000 })
		ratio := over(samples[i], func(round int, s sample) float64 { return s.ns / raw[round].ns })
		size := over(samples[i], func(_ int, s sample) float64 { return s.bytes })
		allocs := over(samples[i], func(_ int, s sample) float64 { return s.allocs })
		fmt.Fprintf(w, "| %s | %.2f (%.2f–%.2f) | %.3f (%.3f–%.3f) | %.0f | %.0f |\n",
			c.name, us.median, us.least, us.most, ratio.median, ratio.least, ratio.most, size.median, allocs.median)
	}
}

// printTargets prints what docs/reference/performance.md promises, as it came
// out: cold beside raw, and how many cold verifications by golang-jwt one hit
// costs.
func printTargets(w io.Writer, samples [][]sample) {
	raw, cold, warm, golang := samples[0], samples[1], samples[2], samples[3]
	ratio := over(cold, func(i int, s sample) float64 { return s.ns / raw[i].ns })
	hit := over(warm, func(_ int, s sample) float64 { return s.ns / 1000 })
	times := over(golang, func(i int, s sample) float64 { return s.ns / warm[i].ns })
	fmt.Fprintf(w, "\ncold %.2f × raw, warm %.2f µs, golang-jwt / warm %.0f ×\n", ratio.median, hit.median, times.median)
}

// printGarbage prints what it costs to refuse what nobody signed.
func printGarbage(w io.Writer, f *fixture, rounds int, slice time.Duration) {
	fmt.Fprint(w, "\n### Refusing garbage\n\n")
	fmt.Fprintln(w, "| garbage | by | µs of CPU: median (min–max) | bytes allocated |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, g := range garbage() {
		var contenders []contender
		for _, v := range f.verifiers() {
			contenders = append(contenders, contender{v.name, func() error {
				if v.verify(g.raw) == nil {
					return fmt.Errorf("%s is accepted", g.name)
				}
				return nil
			}})
		}
		for i, samples := range measure(contenders, rounds, slice) {
			us := over(samples, func(_ int, s sample) float64 { return s.ns / 1000 })
			size := over(samples, func(_ int, s sample) float64 { return s.bytes })
			fmt.Fprintf(w, "| %s | %s | %.2f (%.2f–%.2f) | %.0f |\n", g.name, contenders[i].name, us.median, us.least, us.most, size.median)
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
