package main

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/jotkeeper/jotkeeper/internal/conformance"
)

func (p *program) conformanceCommand() *cobra.Command {
	return p.group("conformance", "hold a verifier in any language against the specification",
		"Drives a verifier, in whatever language, through the test vectors of the specification: tokens, cookie locks,\n"+
			"revocation rules, and evenings with a revocation feed. Nothing leaves this machine.",
		"  jotkeeper conformance verifier -- node verifier.mjs\n  jotkeeper conformance answer < cases.jsonl",
		p.conformanceVerifierCommand(), p.conformanceAnswerCommand())
}

func (p *program) conformanceVerifierCommand() *cobra.Command {
	var only string
	var cfg conformance.Config
	c := &cobra.Command{
		Use: "verifier [flags] -- COMMAND [ARGUMENT…]", DisableFlagsInUseLine: true,
		Short: "ask a verifier every case, and say what it gets wrong", Args: takes(1, -1),
		Long: "Starts COMMAND, writes a case per line on its stdin, reads an answer per line from its stdout, and judges it.\n" +
			"The messages stand in docs/spec/conformance.md. A crash, a silence or garbage fails its case, and the next one\n" +
			"goes to a new process; after five cases in a row without an answer the rest is not asked.",
		Example: "  jotkeeper conformance verifier -- node examples/verifier-js/verifier.mjs\n" +
			"  jotkeeper conformance verifier --only '^token/exp' -o json -- ./verifier",
		RunE: func(c *cobra.Command, args []string) error {
			cfg.Command = args
			if only != "" {
				pattern, err := regexp.Compile(only)
				if err != nil {
					return fail(exitUsage, "--only is no regular expression: "+err.Error(), "--only '^token/'")
				}
				cfg.Only = pattern
			}
			r, err := conformance.Run(c.Context(), cfg)
			if err != nil {
				return conformanceFault(args[0], err)
			}
			return p.conforms(r)
		},
	}
	f := c.Flags()
	f.SetInterspersed(false) // the flags behind COMMAND are its own
	f.StringVar(&only, "only", "", "ask the cases whose group/name matches this regular expression")
	f.DurationVar(&cfg.Deadline, "deadline", 10*time.Second, "the longest wait for an answer, or until a change of the feed is noticed")
	p.outputFlag(c)
	return exits(c, exitOK, exitOther, exitUsage)
}

func conformanceFault(command string, err error) error {
	f := fail(exitOther, err.Error(), "jotkeeper conformance verifier --help")
	switch f.Err = err; {
	case errors.Is(err, conformance.ErrNoCase):
		f.Code, f.Text, f.Try = exitUsage, "no case has a name that --only matches", []string{"--only '^token/'; the groups are token, lock, entry, rules, follow, session, frames, sealed"}
	case errors.Is(err, conformance.ErrStart):
		f.Text, f.Try = command+" cannot be started: "+cause(err), []string{"the command by itself, as it stands behind --"}
	}
	return f
}

// spelledOut is how many failures a person is told of.
const spelledOut = 10

// conforms writes a report and ends with its code.
func (p *program) conforms(r *conformance.Report) error {
	if p.json() {
		if err := p.writeJSON(r); err != nil {
			return err
		}
	} else {
		p.conformsText(r)
	}
	if r.Failed() {
		return errSilent(exitOther)
	}
	return nil
}

func (p *program) conformsText(r *conformance.Report) {
	rows := [][]string{{"group", "passed", "failed"}}
	declined := ""
	for _, g := range r.Groups {
		row := []string{g.Name, fmt.Sprint(g.Passed), fmt.Sprint(g.Failed)}
		if g.NotOffered > 0 {
			row = []string{g.Name, "not offered"}
			declined += fmt.Sprintf(", %d of %s not offered", g.NotOffered, g.Name)
		}
		rows = append(rows, row)
	}
	p.table(rows...)
	fmt.Fprintf(p.stdout, "%d of %d cases asked, %d passed%s\n", r.Asked, r.Cases, r.Passed(), declined)
	for i, f := range r.Failures {
		if i == spelledOut {
			fmt.Fprintf(p.stdout, "\nand %d more: -o json shows all\n", len(r.Failures)-spelledOut)
			return
		}
		fmt.Fprintf(p.stdout, "\n%s: %s\n  about  %s\n  want   %s\n  got    %s\n", f.Case, f.Class, f.Why, f.Want, f.Got)
		if f.Try != "" {
			fmt.Fprintf(p.stdout, "  try    %s\n", f.Try)
		}
	}
}
