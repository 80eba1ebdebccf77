package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/jotkeeper/jotkeeper/bench/measure"
	"github.com/jotkeeper/jotkeeper/bench/neighbour"
	"github.com/jotkeeper/jotkeeper/revocation"
)

// A plan is what is to be measured.
type plan struct {
	rounds, checks, starts int
	slice                  time.Duration
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("revocation: ")
	var p plan
	flag.IntVar(&p.rounds, "rounds", 12, "rounds, each with every contender")
	flag.DurationVar(&p.slice, "slice", 40*time.Millisecond, "CPU time of a contender in a round")
	flag.IntVar(&p.checks, "checks", 100_000_000, "checks in search of a false refusal")
	flag.IntVar(&p.starts, "starts", 10, "cold starts")
	flag.Parse()
	if err := p.report(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

var sizes = []int{1_000, 10_000, 100_000, 1_000_000, 5_000_000}

// report measures everything and prints it as markdown.
func (p plan) report(w io.Writer) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one core's worth, the collector's included
	fmt.Fprintf(w, "%s\n%d rounds of %v each\n", measure.Origin(), p.rounds, p.slice)
	var houses []inhabited
	for _, n := range sizes {
		h, err := inhabit(n)
		if err != nil {
			return err
		}
		houses = append(houses, h)
	}
	printMemory(w, houses)
	if err := p.printChecks(w, houses); err != nil {
		return err
	}
	million := houses[3].index
	if err := p.printColdStart(w, million); err != nil {
		return err
	}
	if err := p.printOriginStart(context.Background(), w, million); err != nil {
		return err
	}
	refused, err := falseRefusals(million, p.checks)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d false refusals in %d checks at %d rules\n", refused, p.checks, million.Rules())
	return nil
}

func printMemory(w io.Writer, houses []inhabited) {
	fmt.Fprint(w, "\n### Memory\n\n| rules | heap a rule, bytes | µs of CPU to apply one |\n|---|---|---|\n")
	for i, h := range houses {
		fmt.Fprintf(w, "| %d | %.1f | %.2f |\n", sizes[i], h.perID, float64(h.filled)/1000/float64(sizes[i]))
	}
}

// printChecks lets everybody run in turns.
func (p plan) printChecks(w io.Writer, houses []inhabited) error {
	stream := newStream()
	var list []measure.Contender
	for i, h := range houses {
		list = append(list, measure.Contender{Name: fmt.Sprintf("%d rules", sizes[i]), Op: ask(h.index, stream)})
	}
	list = append(list, measure.Contender{Name: "a revoked session, 1000000 rules", Op: refuse(houses[3])})
	more, err := handlers(houses[2].index)
	if err != nil {
		return err
	}
	list = append(list, more...)
	list = append(list, measure.Contender{Name: "a warm cache (otter), the same four IDs", Op: cached(stream)})
	redis, err := startRedis(100_000)
	switch {
	case errors.Is(err, neighbour.ErrMissing):
		fmt.Fprintf(w, "\n%v\n", err)
	case err != nil:
		return err
	default:
		defer redis.Close()
		list = append(list, measure.Contender{Name: "one Redis EXISTS, loopback", Op: func(n int) error { return redis.exists(stream.id(n)) }})
	}
	printContenders(w, list, measure.Turns(list, p.rounds, p.slice))
	if redis != nil {
		p.printAllCores(w, list[2], list[len(list)-1])
	}
	return nil
}

// printAllCores lets the two run as services do, with a thread for each core: a
// goroutine that waits for the network is then woken by another thread.
func (p plan) printAllCores(w io.Writer, check, exists measure.Contender) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU()))
	samples := measure.Turns([]measure.Contender{check, exists}, p.rounds, p.slice)
	ns := func(i int) string {
		return measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.NS }).Text("%.1f")
	}
	ratio := measure.Over(samples[1], func(round int, s measure.Sample) float64 { return s.NS / samples[0][round].NS })
	fmt.Fprintf(w, "\non %d cores: a check at 100000 rules %s ns, one EXISTS %s ns, ratio %s\n", runtime.NumCPU(), ns(0), ns(1), ratio.Text("%.0f"))
}

func printContenders(w io.Writer, list []measure.Contender, samples [][]measure.Sample) {
	fmt.Fprint(w, "\n### Checks\n\n| what | ns of CPU: median (min–max) | × the check at 100000 rules: median (min–max) | allocations |\n|---|---|---|---|\n")
	for i, c := range list {
		ns := measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.NS })
		ratio := measure.Over(samples[i], func(round int, s measure.Sample) float64 { return s.NS / samples[2][round].NS })
		allocs := measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.Allocs })
		fmt.Fprintf(w, "| %s | %s | %s | %.0f |\n", c.Name, ns.Text("%.1f"), ratio.Text("%.2f"), allocs.Median)
	}
}

func ask(x *revocation.Index, s *stream) func(int) error {
	now := time.Now()
	return func(n int) error {
		if x.Check(now, s.next(n)).Action != revocation.None {
			return errors.New("a false refusal")
		}
		return nil
	}
}

func refuse(h inhabited) func(int) error {
	now, q := time.Now(), newStream().next(0)
	q.SessionID = h.sid
	return func(int) error {
		if h.index.Check(now, q).Scope != revocation.ScopeSession {
			return errors.New("it is not refused")
		}
		return nil
	}
}

// cached is what a verifier pays that asked Redis before, for every ID, and
// keeps the answers. It is warm, so it also keeps them when they are wrong.
func cached(s *stream) func(int) error {
	cache := otter.Must(&otter.Options[string, bool]{MaximumSize: 8 * tokens})
	for n := range tokens {
		cache.Set(s.id(n), false)
	}
	return func(n int) error {
		q := s.next(n)
		for _, id := range [...]string{q.ID, q.SessionID, q.Subject, q.Tenant} {
			if revoked, ok := cache.GetIfPresent(id); !ok || revoked {
				return errors.New("the cache is not warm")
			}
		}
		return nil
	}
}

// printColdStart loads the saved rules again and again.
func (p plan) printColdStart(w io.Writer, x *revocation.Index) error {
	dir, err := os.MkdirTemp("", "bench-revocation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	saving := measure.CPU()
	if err := x.Save(dir); err != nil {
		return err
	}
	saving = measure.CPU() - saving
	var seconds []float64
	var y *revocation.Index
	for range p.starts {
		y = revocation.NewIndex(issuer)
		runtime.GC()
		begun := measure.CPU()
		if err := y.Load(dir); err != nil {
			return err
		}
		seconds = append(seconds, (measure.CPU() - begun).Seconds())
		if y.Rules() != x.Rules() {
			return fmt.Errorf("%d rules of %d loaded", y.Rules(), x.Rules())
		}
	}
	info, err := os.Stat(dir + "/rules.snapshot")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n### Cold start\n\n%d rules: loaded in %s s of CPU (%d starts), saved in %.2f s, %.1f bytes a rule on disk\n",
		x.Rules(), measure.SpreadOf(seconds).Text("%.2f"), p.starts, saving.Seconds(), float64(info.Size())/float64(x.Rules()))
	sweeping := measure.CPU()
	gone := y.Sweep(start.Add(time.Hour + time.Duration(x.Rules()/10)*time.Microsecond))
	fmt.Fprintf(w, "\nsweeping %d rules, %d of them over: %.0f ms of CPU in 256 parts\n", x.Rules(), gone, 1000*(measure.CPU()-sweeping).Seconds())
	return nil
}
