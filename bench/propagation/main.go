package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/jotkeeper/jotkeeper/bench/measure"
)

// A plan is what is to be measured.
type plan struct {
	rounds    int
	each      int // single revocations in a round
	burst     int // rules at once
	rate      int // rules a second
	span      time.Duration
	kills     int
	writers   int
	processes int // with verifiers
	dir       string
	profile   string

	role, addr string // of a process that this one starts
	pause      time.Duration
}

var sizes = []int{1, 50, 200} // verifiers

func main() {
	log.SetFlags(0)
	log.SetPrefix("propagation: ")
	var p plan
	flag.IntVar(&p.rounds, "rounds", 10, "rounds of each measurement")
	flag.IntVar(&p.each, "each", 100, "single revocations in a round")
	flag.IntVar(&p.burst, "burst", 1000, "rules of a burst")
	flag.IntVar(&p.rate, "rate", 2000, "rules a second, sustained")
	flag.DurationVar(&p.span, "span", 3*time.Second, "for how long they are sustained")
	flag.IntVar(&p.kills, "kills", 20, "kills of the origin while it is written to")
	flag.IntVar(&p.writers, "writers", 16, "processes that write meanwhile")
	flag.IntVar(&p.processes, "processes", 4, "processes that the verifiers are spread over")
	flag.StringVar(&p.dir, "dir", "", "folder on the disk to measure; empty: the one for temporary files")
	flag.StringVar(&p.profile, "profile", "", "folder for CPU profiles of the origin and of verifiers under sustained load")
	flag.StringVar(&p.role, "role", "", "")
	flag.StringVar(&p.addr, "addr", "", "")
	flag.DurationVar(&p.pause, "pause", 0, "")
	flag.Parse()
	if err := p.play(); err != nil {
		log.Fatal(err)
	}
}

func (p plan) play() error {
	switch p.role {
	case "origin":
		return playOrigin(p.dir, p.addr)
	case "verifiers":
		return playVerifiers()
	case "writer":
		return playWriter(p.dir, p.pause)
	}
	dir, err := os.MkdirTemp(p.dir, "bench-propagation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p.dir = dir
	return p.report(os.Stdout)
}

var errLost = errors.New("rules that were acknowledged are missing")

// report measures everything and prints it as markdown.
func (p plan) report(w io.Writer) (err error) {
	fmt.Fprintf(w, "%s\n%d rounds, verifiers in %d processes\n", measure.Origin(), p.rounds, p.processes)
	s, err := p.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := p.printLatencies(w, s); err != nil {
		return err
	}
	if err := p.printSilence(w, s); err != nil {
		return err
	}
	toll, err := p.kill(s)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n### Loss\n\n%d rules by %d writers, %d kills of the origin, %d verifiers: %d missing, all verifiers together\n",
		toll.acknowledged, p.writers, p.kills, s.n, toll.missing)
	if toll.missing > 0 {
		return errLost
	}
	return nil
}

// progress says what is going on, on one line if somebody watches.
func progress(format string, args ...any) {
	end := "\n"
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		end = "\x1b[K\r"
	}
	fmt.Fprintf(os.Stderr, format+end, args...)
}
