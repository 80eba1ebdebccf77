package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/jotkeeper/jotkeeper/bench/measure"
)

// A plan is what is to be measured.
type plan struct {
	rounds  int
	each    int // refreshes in a round
	clients int
	starts  int
	dir     string // on the disk that is measured
	keep    bool
	role    string // of a process that this one starts
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("refresh: ")
	var p plan
	flag.IntVar(&p.rounds, "rounds", 12, "rounds, each with every contender")
	flag.IntVar(&p.each, "each", 4000, "refreshes in a round")
	flag.IntVar(&p.clients, "clients", 16, "clients at once")
	flag.IntVar(&p.starts, "starts", 12, "starts of the server, for the time until it is ready")
	flag.StringVar(&p.dir, "dir", "", "folder on the disk to measure; empty: the one for temporary files")
	flag.BoolVar(&p.keep, "keep", false, "leave the folder with the store")
	flag.StringVar(&p.role, "role", "", "")
	flag.Parse()
	if err := p.run(); err != nil {
		log.Fatal(err)
	}
}

func (p plan) run() error {
	switch p.role {
	case "load":
		return playLoad(p.clients)
	case "commit":
		return playCommit(p.dir, p.each, p.clients)
	}
	dir, err := os.MkdirTemp(p.dir, "jotkeeper-bench-")
	if err != nil {
		return err
	}
	if !p.keep {
		defer os.RemoveAll(dir)
	}
	p.dir = dir
	fmt.Printf("%s\n%d rounds of %d refreshes\n", measure.Origin(), p.rounds, p.each)
	return p.measure()
}

func (p plan) measure() error {
	program, err := build(p.dir)
	if err != nil {
		return err
	}
	h := &home{program: program, dir: filepath.Join(p.dir, "home")}
	tokens, err := h.seed((p.rounds + 1) * p.each)
	if err != nil {
		return err
	}
	rounds, err := p.refreshes(h, tokens)
	if err != nil {
		return err
	}
	if err := h.verify(len(tokens)); err != nil {
		return err
	}
	printRounds(os.Stdout, rounds)
	starts, err := p.comings(h)
	if err != nil || len(starts) == 0 {
		return err
	}
	printStarts(os.Stdout, starts)
	return nil
}

// refreshes runs the rounds. The first is not counted: it warms both sides.
func (p plan) refreshes(h *home, tokens []string) ([]round, error) {
	s, err := h.serve()
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var rounds []round
	for n := range p.rounds + 1 {
		r, err := p.round(s, tokens[n*p.each:(n+1)*p.each])
		if err != nil {
			return nil, err
		}
		if n > 0 {
			rounds = append(rounds, r)
		}
	}
	return rounds, nil
}

func (p plan) round(s *server, tokens []string) (r round, err error) {
	before, err := s.cpu()
	if err != nil {
		return r, err
	}
	if r.load, err = runLoad(s.url, tokens, p.clients); err != nil {
		return r, err
	}
	after, err := s.cpu()
	if err != nil {
		return r, err
	}
	r.cpu = (after - before) / float64(len(tokens))
	r.commit, err = runCommit(p.dir, p.each, p.clients)
	return r, err
}

// build makes the program as `make build` does.
func build(dir string) (string, error) {
	program := filepath.Join(dir, "jotkeeper")
	c := exec.Command("go", "build", "-trimpath", "-o", program, "./cmd/jotkeeper")
	c.Dir, c.Env, c.Stderr = "..", append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if _, err := os.Stat("../cmd/jotkeeper"); err != nil {
		return "", fmt.Errorf("run it from bench/: %w", err)
	}
	return program, c.Run()
}
