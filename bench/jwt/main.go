package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"time"

	"github.com/jotkeeper/jotkeeper/bench/measure"
	"github.com/jotkeeper/jotkeeper/jwt"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 12, "rounds, each with every contender")
	slice := flag.Duration("slice", 40*time.Millisecond, "CPU time of a contender in a round")
	flag.Parse()
	if err := report(os.Stdout, *rounds, *slice); err != nil {
		log.Fatal(err)
	}
}

// report measures everything and prints it as markdown.
func report(w io.Writer, rounds int, slice time.Duration) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one core's worth, the collector's included
	fmt.Fprintf(w, "%s\n%d rounds of %v each\n", measure.Origin(), rounds, slice)
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.EdDSA, jwt.RS256, jwt.HS256} {
		f, err := newFixture(alg)
		if err != nil {
			return err
		}
		samples := measure.Turns(f.contenders(), rounds, slice)
		printVerify(w, f, samples)
		printTargets(w, samples)
	}
	f, err := newFixture(jwt.ES256)
	if err != nil {
		return err
	}
	printGarbage(w, f, rounds, slice)
	return nil
}
