package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 12, "rounds, each with every contender")
	slice := flag.Duration("slice", 40*time.Millisecond, "CPU time of a contender in a round")
	flag.Parse()
	runtime.GOMAXPROCS(1) // one core's worth, the collector's included
	fmt.Printf("commit %s, %s, %s/%s, %d rounds of %v each\n", commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH, *rounds, *slice)
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.EdDSA, jwt.RS256, jwt.HS256} {
		f, err := newFixture(alg)
		if err != nil {
			log.Fatal(err)
		}
		samples := measure(f.contenders(), *rounds, *slice)
		printVerify(os.Stdout, f, samples)
		printTargets(os.Stdout, samples)
	}
	f, err := newFixture(jwt.ES256)
	if err != nil {
		log.Fatal(err)
	}
	printGarbage(os.Stdout, f, *rounds, *slice)
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
