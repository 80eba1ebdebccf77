package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// tree returns every command, as a person can type it.
func tree() []*cobra.Command {
	p := &program{env: environment{}, stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, flags: map[string]given{}}
	var all []*cobra.Command
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c)
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(p.root())
	return all
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, c := range tree() {
		path := c.CommandPath()
		if c.Short == "" || c.Long == "" || c.Short == c.Long || !strings.HasSuffix(strings.TrimSpace(c.Long), ".") && c.HasParent() {
			t.Errorf("%s lacks its short or long text", path)
		}
		if !strings.HasPrefix(c.Example, "  jotkeeper") && !strings.HasPrefix(c.Example, "  openssl") {
			t.Errorf("%s lacks an example, indented by two: %q", path, c.Example)
		}
		if c.Annotations["exits"] == "" || !strings.HasPrefix(c.Annotations["exits"], "0 ") {
			t.Errorf("%s does not say how it ends", path)
		}
	}
}

// Every flag of an example exists, every command in it too.
func TestExamplesParse(t *testing.T) {
	for _, c := range tree() {
		for line := range strings.Lines(c.Example) {
			_, words, ok := strings.Cut(line, "jotkeeper ")
			if !ok || strings.Contains(words, "completion") {
				continue
			}
			words, _, _ = strings.Cut(words, " |")
			words, _, _ = strings.Cut(words, " <")
			words, _, _ = strings.Cut(words, " >")
			args := strings.Fields(strings.ReplaceAll(words, `"orders pay"`, "orders"))
			about, rest, err := c.Root().Find(args)
			if err != nil || about == c.Root() {
				t.Errorf("%s: example %q names no command", c.CommandPath(), line)
				continue
			}
			if err := about.ParseFlags(rest); err != nil {
				t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
			} else if err := about.ValidateArgs(about.Flags().Args()); err != nil && !about.HasSubCommands() {
				t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
			}
		}
	}
}

// Commands that show data speak JSON too, and stdout holds nothing else.
func TestDataCommandsSpeakJSON(t *testing.T) {
	talk := map[string]bool{"serve": true, "demo": true, "init": true, "completion": true, "help": true, "answer": true} // answer speaks nothing else
	for _, c := range tree() {
		if c.HasSubCommands() || talk[c.Name()] {
			continue
		}
		if c.Flags().Lookup("output") == nil {
			t.Errorf("%s has no -o", c.CommandPath())
		}
	}
}

func TestHelpListsExitCodes(t *testing.T) {
	r := jotkeeper(t, nil, "", "--help").wants(t, exitOK)
	for _, e := range exitCodes {
		if line := fmt.Sprintf("  %d  %s\n", e.Code, e.Meaning); !strings.Contains(r.Out, line) {
			t.Errorf("%q is missing from\n%s", line, r.Out)
		}
	}
	for _, args := range [][]string{{"help", "token", "verify"}, {"token", "verify", "--help"}, {"token", "verify", "-h"}} {
		r := jotkeeper(t, nil, "", args...).wants(t, exitOK)
		if !strings.Contains(r.Out, "Exit codes: 0 1 2 3 4 5 6 7 (jotkeeper --help says what each means)") {
			t.Errorf("%v: %s", args, r.Out)
		}
	}
	jotkeeper(t, nil, "", "help", "tokne").wants(t, exitUsage, `jotkeeper has no command "tokne"`, "try: jotkeeper token")
}

func TestVersionAndCompletion(t *testing.T) {
	if r := jotkeeper(t, nil, "", "version").wants(t, exitOK); !strings.HasPrefix(r.Out, "jotkeeper ") || !strings.Contains(r.Out, " go1.") {
		t.Errorf("said %q", r.Out)
	}
	if r := jotkeeper(t, nil, "", "version", "-o", "json").wants(t, exitOK); !strings.Contains(r.Out, `"version": `) {
		t.Errorf("said %q", r.Out)
	}
	if flag, command := jotkeeper(t, nil, "", "--version").wants(t, exitOK), jotkeeper(t, nil, "", "version"); flag.Out != command.Out {
		t.Errorf("--version says %q, version %q", flag.Out, command.Out)
	}
	for _, shell := range []string{"bash", "fish", "powershell", "zsh"} {
		if r := jotkeeper(t, nil, "", "completion", shell).wants(t, exitOK); !strings.Contains(r.Out, "jotkeeper") {
			t.Errorf("%s: %q", shell, r.Out)
		}
	}
	jotkeeper(t, nil, "", "completion", "tcsh").wants(t, exitUsage, "there is no completion for")
	if r := jotkeeper(t, nil, "", "__complete", "key", "").wants(t, exitOK); !strings.Contains(r.Out, "compromise") {
		t.Errorf("completes to %q", r.Out)
	}
}
