package conformance

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// Config says who is driven through what.
type Config struct {
	Command  []string       // the program with its arguments; required
	Only     *regexp.Regexp // the names of the cases to run; nil: all
	Deadline time.Duration  // for one answer; 0: ten seconds
	Patience time.Duration  // for a change of the feed to be noticed; 0: Deadline
}

// A Class tells how bad a failure is.
type Class string

// The classes, the worst first.
const (
	Accepted Class = "accepted what must be refused"
	Refused  Class = "refused what must be accepted"
	Another  Class = "another answer"
	Silent   Class = "no answer"
)

// A Failure is a case whose answer was not the right one.
type Failure struct {
	Case  string `json:"case"`
	Class Class  `json:"class"`
	Why   string `json:"why"`  // what the case is about
	Want  string `json:"want"` // the answers that are right
	Got   string `json:"got"`
	Try   string `json:"try"`
}

// A Group counts the cases of one kind. Those of a group that the verifier does not
// offer are not asked: it neither passes nor fails them.
type Group struct {
	Name       string `json:"name"`
	Passed     int    `json:"passed"`
	Failed     int    `json:"failed"`
	NotOffered int    `json:"not_offered"`
}

// A Report is the outcome of a run.
type Report struct {
	Cases    int       `json:"cases"` // that were wanted
	Asked    int       `json:"asked"` // that the verifier has got
	Groups   []Group   `json:"groups"`
	Failures []Failure `json:"failures"`
}

// Passed counts the cases that were answered rightly.
func (r *Report) Passed() (n int) {
	for _, g := range r.Groups {
		n += g.Passed
	}
	return n
}

// Failed tells whether a case failed, or none was asked: that shows nothing.
func (r *Report) Failed() bool { return len(r.Failures) > 0 || r.Asked == 0 }

// giveUp is how many cases in a row may stay without an answer: a program that
// cannot even start is not asked hundreds of times.
const giveUp = 5

// Run asks the command every case that cfg wants, one after another. An error
// means that it could not be asked: it cannot be started, or no case is wanted.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Deadline == 0 {
		cfg.Deadline = 10 * time.Second
	}
	if cfg.Patience == 0 {
		cfg.Patience = cfg.Deadline
	}
	cases, err := wanted(cfg.Only)
	if err != nil {
		return nil, err
	}
	p := &peer{command: cfg.Command, deadline: cfg.Deadline, patience: cfg.Patience}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	defer p.stop()
	p.greet(ctx)
	report := &Report{Failures: []Failure{}}
	report.ask(ctx, p, cases)
	return report, ctx.Err()
}

// ask puts one case after another, until too many in a row were not answered.
func (r *Report) ask(ctx context.Context, p *peer, cases []testCase) {
	unanswered := 0
	for _, c := range cases {
		switch {
		case ctx.Err() != nil:
			return
		case p.declines(c.group):
			r.group(c).NotOffered++
		case unanswered == giveUp:
			r.add(c, skipped)
		default:
			f := c.run(ctx, p)
			r.Asked++
			r.add(c, f)
			if unanswered++; f == nil || f.Class != Silent {
				unanswered = 0
			}
		}
	}
}

var skipped = &Failure{Class: Silent, Want: "an answer", Got: fmt.Sprintf("not asked: the %d cases before it got no answer", giveUp),
	Try: "the failures before this one first"}

// group counts c, and returns where what became of it is counted.
func (r *Report) group(c testCase) *Group {
	r.Cases++
	if len(r.Groups) == 0 || r.Groups[len(r.Groups)-1].Name != c.group {
		r.Groups = append(r.Groups, Group{Name: c.group})
	}
	return &r.Groups[len(r.Groups)-1]
}

func (r *Report) add(c testCase, f *Failure) {
	g := r.group(c)
	if f == nil {
		g.Passed++
		return
	}
	g.Failed++
	told := *f
	told.Case, told.Why = c.id(), c.why
	r.Failures = append(r.Failures, told)
}

// A testCase is one question, or one evening with a feed.
type testCase struct {
	group, name, why string
	run              func(context.Context, *peer) *Failure
}

func (c testCase) id() string { return c.group + "/" + c.name }

func wanted(only *regexp.Regexp) ([]testCase, error) {
	var picked []testCase
	for _, load := range []func() ([]testCase, error){tokenCases, lockCases, entryCases, ruleCases, followCases, sessionCases, frameCases, sealedCases} {
		cases, err := load()
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			if only == nil || only.MatchString(c.id()) {
				picked = append(picked, c)
			}
		}
	}
	if len(picked) == 0 {
		return nil, ErrNoCase
	}
	return picked, nil
}
