// Command keeper measures an authenticated request through a whole handler: a
// keeper's, beside server-side sessions, a plain JWT check, and a JWT that is
// looked up in Redis twice.
//
// Every contender answers the same request with the same empty page, and must
// find whose it is. The cost is CPU time of this process; what Redis spends of
// its own and the waiting for it are not in it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/jotkeeper/jotkeeper/bench/measure"
	"github.com/jotkeeper/jotkeeper/bench/neighbour"
)

// account is whose requests they are.
const account = "42"

func main() {
	log.SetFlags(0)
	log.SetPrefix("keeper: ")
	rounds := flag.Int("rounds", 12, "rounds, each with every contender")
	slice := flag.Duration("slice", 40*time.Millisecond, "CPU time of a contender in a round")
	flag.Parse()
	if err := report(os.Stdout, *rounds, *slice); err != nil {
		log.Fatal(err)
	}
}

// A visitor is one contender: a guarded handler with a request that it knows.
type visitor struct {
	name    string
	handler http.Handler
	request *http.Request
	calls   func() int64 // to Redis so far; nil: it has none
}

func report(w io.Writer, rounds int, slice time.Duration) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one core's worth, the collector's included
	fmt.Fprintf(w, "%s\n%d rounds of %v each\n\n", measure.Origin(), rounds, slice)
	visitors, closing, err := contenders(w)
	defer closing()
	if err != nil {
		return err
	}
	var list []measure.Contender
	for _, v := range visitors {
		if err := v.visit(1); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		list = append(list, measure.Contender{Name: v.name, Op: v.visit})
	}
	print(w, visitors, measure.Turns(list, rounds, slice))
	return nil
}

// contenders makes those that this machine can run.
func contenders(w io.Writer) ([]visitor, func(), error) {
	ours, stop, err := keepers()
	if err != nil {
		return nil, stop, err
	}
	visitors := append(ours, memorySessions())
	n, err := startRedis()
	switch {
	case errors.Is(err, neighbour.ErrMissing):
		fmt.Fprintf(w, "%v\n\n", err)
	case err != nil:
		return nil, stop, err
	default:
		visitors = append(visitors, n.sessions(), n.tokens())
		closeAll := stop
		stop = func() {
			closeAll()
			if err := n.Close(); err != nil {
				log.Print(err)
			}
		}
	}
	plain, err := plainTokens()
	return append(visitors, plain...), stop, err
}

// print shows each beside the first, a ratio within each round.
func print(w io.Writer, visitors []visitor, samples [][]measure.Sample) {
	fmt.Fprint(w, "| request | µs of CPU | × the first | bytes | allocations | calls to Redis |\n|---|---|---|---|---|---|\n")
	for i, v := range visitors {
		took := measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.NS / 1000 })
		ratio := measure.Over(samples[i], func(round int, s measure.Sample) float64 { return s.NS / samples[0][round].NS })
		bytes := measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.Bytes })
		allocs := measure.Over(samples[i], func(_ int, s measure.Sample) float64 { return s.Allocs })
		fmt.Fprintf(w, "| %s | %s | %s | %.0f | %.0f | %d |\n", v.name, took.Text("%.2f"), ratio.Text("%.1f"), bytes.Median, allocs.Median, v.counted())
	}
}

// counted returns how often one request asks Redis.
func (v visitor) counted() int64 {
	if v.calls == nil {
		return 0
	}
	before := v.calls()
	if err := v.visit(1); err != nil {
		panic(err)
	}
	return v.calls() - before
}

// visit sends the request.
func (v visitor) visit(int) error {
	w := page{header: http.Header{}, status: http.StatusOK}
	v.handler.ServeHTTP(&w, v.request)
	if w.status != http.StatusOK {
		return fmt.Errorf("it answered %d", w.status)
	}
	return nil
}

// A page is a ResponseWriter that keeps only the status.
type page struct {
	header http.Header
	status int
}

func (p *page) Header() http.Header         { return p.header }
func (p *page) Write(b []byte) (int, error) { return len(b), nil }
func (p *page) WriteHeader(status int)      { p.status = status }

// whose serves whoever the contender found to ask.
func whose(find func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if find(r) != account {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
}

func request(header, value string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, "https://shop.example.com/orders", nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set(header, value)
	return r
}
