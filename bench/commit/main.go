// Command commit measures durable changes to a session on SQLite: those that
// wait committed together, beside the same one by one.
//
// Each round runs both in turn on the same two files, in turning order. A
// change is what a refresh costs the store: one read of the row, one
// compare-and-set of it, answered after the sync of the disk.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jotkeeper/jotkeeper/bench/measure"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 12, "rounds, each with both")
	changes := flag.Int("changes", 4000, "changes of each in a round")
	rows := flag.Int("rows", 20_000, "sessions in each file")
	dir := flag.String("dir", "", "where the files stand (default: the directory for temporary files)")
	flag.Parse()
	if err := run(*dir, *rounds, *changes, *rows); err != nil {
		log.Fatal(err)
	}
}

func run(dir string, rounds, changes, rows int) error {
	dir, err := os.MkdirTemp(dir, "jotkeeper-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	contenders := []*contender{{name: "together", batch: 256}, {name: "one by one", batch: 1}}
	for _, c := range contenders {
		if err := c.open(dir, rows); err != nil {
			return err
		}
		defer c.backend.Close()
	}
	fmt.Printf("%s\n%d rounds of %d changes each, %d sessions, synchronous=FULL\n\n", measure.Origin(), rounds, changes, rows)
	fmt.Println("| change | callers | together: durable/s | one by one: durable/s | × | CPU µs: together | one by one | × | changes a commit |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, work := range []workload{{"refresh", refresh}, {"logout", logout}} {
		for _, callers := range []int{1, 4, 16, 64} {
			if err := compare(contenders, work, callers, rounds, changes); err != nil {
				return err
			}
		}
	}
	return nil
}

// A contender is one way to commit.
type contender struct {
	name    string
	batch   int
	backend *sqlite.Backend
	set     store.Set
	rows    int
}

func (c *contender) open(dir string, rows int) (err error) {
	ctx := context.Background()
	c.backend, err = sqlite.Open(ctx, filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-")+".db"), sqlite.Options{Batch: c.batch})
	if err != nil {
		return err
	}
	c.set, c.rows = c.backend.Set(), rows
	for from := 0; from < rows; from += 1000 {
		if err := c.backend.Together(ctx, func(tx store.Set) error {
			for i := from; i < min(from+1000, rows); i++ {
				if _, err := tx.Sessions.Insert(ctx, row(i), 0, session.Cap{}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

var evening = time.Date(2030, 5, 17, 20, 15, 0, 0, time.UTC)

func name(i int) string { return fmt.Sprintf("%022d", i) }

func row(i int) session.Row {
	return session.Row{
		ID: name(i), Account: fmt.Sprint(i), State: session.Active, KeyID: 7, RotatedAt: evening, HeldAt: evening, AuthTime: evening,
		Methods: []string{"pwd"}, Audience: "https://api.example.com", Idle: evening.Add(720 * time.Hour), Absolute: evening.Add(2160 * time.Hour),
		Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Address: "192.0.2.7", CreatedAt: evening, SeenAt: evening,
		Events: []session.Event{{At: evening, Kind: "login", Note: "pwd from 192.0.2.7", RequestID: "0123456789abcdef"}},
	}
}

// A workload is one kind of change. Number n of it touches a row of its own.
type workload struct {
	name string
	do   func(ctx context.Context, c *contender, n int) error
}

func refresh(ctx context.Context, c *contender, n int) error {
	from, _, err := c.set.Sessions.Find(ctx, name(n*7919%c.rows))
	if err != nil {
		return err
	}
	to := from
	to.Generation++
	return c.set.Sessions.Swap(ctx, from, to)
}

// logout appends a rule in the transaction that ends a row; here the row has
// ended after the first time, so the rule is the caller's.
func logout(ctx context.Context, c *contender, n int) error {
	i := n * 7919 % c.rows
	_, _, err := c.set.Sessions.End(ctx, session.Ending{Account: fmt.Sprint(i), IDs: []string{name(i)}, Reason: "logout", Now: evening, Until: evening,
		Rules: []revocation.Rule{revocation.SessionEnded(name(i), "logout", evening)}})
	return err
}

// A sample is one contender's share of a round.
type sample struct{ perSecond, cpu, batch float64 }

func compare(contenders []*contender, work workload, callers, rounds, changes int) error {
	samples := make([][]sample, len(contenders))
	for round := range rounds {
		for i := range contenders {
			i = (i + round) % len(contenders)
			s, err := act(contenders[i], work, callers, changes, round)
			if err != nil {
				return err
			}
			samples[i] = append(samples[i], s)
		}
	}
	together, alone := samples[0], samples[1]
	column := func(f func(round int) float64) string { return spread(rounds, f) }
	fmt.Printf("| %s | %d | %s | %s | %s | %s | %s | %s | %s |\n", work.name, callers,
		column(func(r int) float64 { return together[r].perSecond }), column(func(r int) float64 { return alone[r].perSecond }),
		column(func(r int) float64 { return together[r].perSecond / alone[r].perSecond }),
		column(func(r int) float64 { return together[r].cpu }), column(func(r int) float64 { return alone[r].cpu }),
		column(func(r int) float64 { return together[r].cpu / alone[r].cpu }),
		column(func(r int) float64 { return together[r].batch }))
	return nil
}

// act lets callers make changes at once, each on rows of its own.
func act(c *contender, work workload, callers, changes, round int) (sample, error) {
	runtime.GC()
	errs := make([]error, callers)
	var all sync.WaitGroup
	before, cpu, start := c.backend.Stats(), measure.CPU(), time.Now()
	for i := range callers {
		all.Go(func() {
			for n := i; n < changes; n += callers {
				if err := work.do(context.Background(), c, round*changes+n); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	all.Wait()
	took, used, after := time.Since(start), measure.CPU()-cpu, c.backend.Stats()
	for _, err := range errs {
		if err != nil {
			return sample{}, fmt.Errorf("%s, %s: %w", work.name, c.name, err)
		}
	}
	return sample{
		perSecond: float64(changes) / took.Seconds(),
		cpu:       used.Seconds() * 1e6 / float64(changes),
		batch:     float64(after.Writes-before.Writes) / float64(after.Commits-before.Commits),
	}, nil
}

// spread writes a median with the smallest and the largest.
func spread(rounds int, f func(round int) float64) string {
	var values []float64
	for r := range rounds {
		values = append(values, f(r))
	}
	of := measure.SpreadOf(values)
	if of.Least >= 100 {
		return of.Text("%.0f")
	}
	return of.Text("%.2f")
}
