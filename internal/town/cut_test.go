package town_test

import (
	"testing"
	"time"
)

// TestCutOff has sessions end while each service hears nothing for three
// minutes: refused connections, silence, a proxy that buffers. The bounds of
// guard.bound hold, and what ended is refused for good when the news come.
func TestCutOff(t *testing.T) {
	for i, kind := range []string{"cut", "silence", "buffering"} {
		p := setting{seed: uint64(i) + 1, length: 10 * time.Minute, people: 1, devices: 2, guards: 3, calm: true}.plan()
		first := visit{at: 5 * time.Minute, asks: []ask{{wide: 1}, {after: 2 * time.Minute, wide: 1}}}
		second := first
		second.act = "end others"
		p.orders, p.devices = nil, [][][]visit{{{first}, {second}}}
		for g := range p.guards {
			p.lines[g] = []event{{at: 6 * time.Minute, kind: kind, who: g, lasts: 3 * time.Minute}}
		}
		w := play(t, p)
		if n := w.table.counts["told: "+endOthers]; n != 1 {
			t.Errorf("%s: others ended %d times, want once", kind, n)
		}
		if kind != "buffering" && (w.table.counts["answer: stale"] == 0 || w.table.counts["answer: unavailable"] == 0) {
			t.Errorf("%s: nobody noticed: %s", kind, w.table.answers())
		}
	}
}
