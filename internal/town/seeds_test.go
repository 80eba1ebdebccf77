package town_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is the town of every run, large that of a named seed and of a campaign.
var (
	small = setting{length: 30 * time.Minute, people: 3, devices: 2, guards: 3}
	large = setting{length: 24 * time.Hour, people: 6, devices: 2, guards: 4}
)

func (s setting) with(seed uint64) setting {
	s.seed = seed
	return s
}

// TestTown plays a few seeds, or the one that -run names; with JOTKEEPER_TOWN
// (make town) so many large towns. It also shows that what may go wrong did.
func TestTown(t *testing.T) {
	seeds, size := []uint64{1, 2, 3, 4711}, small
	if seed, asked := named(t); asked {
		seeds, size = []uint64{seed}, large
		t.Logf("\n%s", size.with(seed).plan().history())
	} else if n := towns(t); n > 0 {
		seeds, size = nil, large
		for i := range n {
			seeds = append(seeds, i+1)
		}
	}
	all := newTable()
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := play(t, size.with(seed).plan())
			all.add(w.table)
			if len(seeds) == 1 {
				t.Logf("what came of it:\n%s", strings.Join(w.truth.told, "\n"))
			}
		})
	}
	t.Logf("%d towns, %s each:\n%s\nanswers: %s", len(seeds), size.length, all, all.answers())
	for _, name := range append([]string{"told: " + endOne, "told: " + endOthers, "told: " + endAll, "told: " + takeRight, "told: " + loseKey}, faults...) {
		if len(seeds) > 1 && all.counts[name] == 0 {
			t.Errorf("never: %s", name)
		}
	}
}

// named is the seed that -run asks for.
func named(t *testing.T) (seed uint64, asked bool) {
	t.Helper()
	match := regexp.MustCompile(`seed=(\d+)`).FindStringSubmatch(flag.Lookup("test.run").Value.String())
	if match == nil {
		return 0, false
	}
	seed, err := strconv.ParseUint(match[1], 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", match[0], err)
	}
	return seed, true
}

func towns(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("JOTKEEPER_TOWN")
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < 1 {
		t.Fatalf("JOTKEEPER_TOWN=%q is no number of towns", text)
	}
	return n
}

// TestReplay has a history told again.
func TestReplay(t *testing.T) {
	first, again, other := large.with(4711).plan().history(), large.with(4711).plan().history(), large.with(4712).plan().history()
	if first != again {
		t.Error("one seed, two histories")
	}
	if first == other {
		t.Error("two seeds, one history")
	}
}

// TestNobodyAsksTheIssuer counts what services ask when nothing goes wrong: it
// does not grow with the number of people, and no token is asked about.
func TestNobodyAsksTheIssuer(t *testing.T) {
	asked := func(people int) map[string]int {
		w := play(t, setting{seed: 1, length: 10 * time.Minute, people: people, devices: 2, guards: 1, calm: true}.plan())
		for name, n := range w.table.counts {
			if strings.HasPrefix(name, "answer: ") && name != "answer: " && name != "answer: revoked" {
				t.Errorf("%s: %d times, and nothing was wrong", name, n)
			}
		}
		t.Logf("%d people, %d requests: %v", people, w.table.counts["requests"], w.guards[0].asked)
		asked := w.guards[0].asked
		const streams, acks = "/revocation/v1/stream", "/revocation/v1/acks"
		if asked[acks] > asked[streams]+w.table.counts["revocations"] {
			t.Errorf("%d acks, of %d streams and %d revocations", asked[acks], asked[streams], w.table.counts["revocations"])
		}
		delete(asked, streams) // each lasts for a random time
		delete(asked, acks)    // they follow from streams and rules
		return asked
	}
	few, many := asked(1), asked(12)
	want := map[string]int{
		"/.well-known/revocation-feed": 1, "/revocation/v1/snapshot": 1,
		"/.well-known/openid-configuration": 1, "/.well-known/jwks.json": few["/.well-known/jwks.json"],
	}
	if !maps.Equal(few, want) || !maps.Equal(many, want) {
		t.Errorf("asked for one person %v, for twelve %v; want %v", few, many, want)
	}
}
