package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// A program is one run of the command line: all that a process has.
type program struct {
	env    environment
	stdin  io.Reader
	stdout io.Writer // data, nothing else
	stderr io.Writer // talk
	flags  map[string]given
	output string // text or json
}

// run is the whole program: it returns the exit code.
func run(args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{env: newEnvironment(environ), stdin: stdin, stdout: stdout, stderr: stderr, flags: map[string]given{}}
	root := p.root()
	root.SetArgs(idsLast(args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.Execute())
}

// root is the command tree.
func (p *program) root() *cobra.Command {
	root := p.group("jotkeeper", "portable sessions with JSON Web Tokens",
		"Jotkeeper keeps sessions: it signs people in, hands out tokens that any service verifies\n"+
			"on its own, ends sessions everywhere.\n\n"+exitTable(),
		"  jotkeeper serve\n  jotkeeper token inspect eyJ…\n  jotkeeper doctor",
		p.serveCommand(), p.demoCommand(), p.tokenCommand(), p.keyCommand(), p.sessionCommand(), p.accountCommand(), p.revocationCommand(), p.feedCommand(),
		p.conformanceCommand(), p.configCommand(), p.doctorCommand(), p.versionCommand(), p.completionCommand())
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(p.helpCommand())
	root.SetHelpTemplate(helpTemplate)
	root.Version = thisBuild().String()
	root.SetVersionTemplate("jotkeeper {{.Version}}\n")
	root.InitDefaultVersionFlag()
	root.Flags().Lookup("version").Usage = "say which version this is"
	return root
}

// helpTemplate leads with what a command is for, then how it looks.
const helpTemplate = `{{.Long}}

Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}

Examples:
{{.Example}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{with .Annotations.exits}}

Exit codes: {{.}} (jotkeeper --help says what each means){{end}}
`

func exitTable() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %d  %s\n", e.Code, e.Meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

// group is a command that only holds others.
func (p *program) group(use, short, long, example string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: cobra.ArbitraryArgs}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(c, args[0])
		}
		c.SetOut(p.stderr)
		_ = c.Help()
		return errSilent(exitUsage)
	}
	c.AddCommand(children...)
	return exits(c, exitOK, exitUsage)
}

// exits notes the codes a command may end with, for its help.
func exits(c *cobra.Command, codes ...int) *cobra.Command {
	c.Annotations = map[string]string{"exits": strings.Trim(fmt.Sprint(codes), "[]")}
	return c
}

func unknownCommand(c *cobra.Command, typed string) error {
	f := usage("%s has no command %q", c.CommandPath(), typed)
	if c.SuggestionsMinimumDistance <= 0 {
		c.SuggestionsMinimumDistance = 2
	}
	for _, near := range c.SuggestionsFor(typed) {
		f.Try = append(f.Try, c.CommandPath()+" "+near)
	}
	if len(f.Try) == 0 {
		f.Try = []string{c.CommandPath() + " --help"}
	}
	return f
}

// flagError adds what a typo most likely meant.
func flagError(c *cobra.Command, err error) error {
	f := usage("%s: %s", c.CommandPath(), err)
	var unknown interface{ GetSpecifiedName() string }
	if errors.As(err, &unknown) {
		if near := nearest(unknown.GetSpecifiedName(), flagNames(c)); near != "" {
			f.Try = append(f.Try, "--"+near)
		}
	}
	if len(f.Try) == 0 {
		f.Try = []string{c.CommandPath() + " --help"}
	}
	return f
}

// flagNames reads the names from the flags' own help: their type is that of a
// library we do not import.
func flagNames(c *cobra.Command) []string {
	var names []string
	for line := range strings.Lines(c.Flags().FlagUsages()) {
		if _, name, ok := strings.Cut(line, "--"); ok {
			names = append(names, strings.Fields(name)[0])
		}
	}
	return names
}

// takes says how many arguments a command has, in its own words.
func takes(min, max int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) >= min && (max < 0 || len(args) <= max) {
			return nil
		}
		f := usage("%s: %s", c.CommandPath(), unfit(len(args), min, max))
		f.Try = []string{c.UseLine()}
		return f
	}
}

// unfit repeats no argument: it may be a token.
func unfit(have, min, max int) string {
	switch {
	case have < min:
		return "an argument is missing"
	case have == max+1:
		return "one argument too many"
	}
	return fmt.Sprintf("%d arguments too many", have-max)
}

// A rawFlag keeps the text of a setting's flag; the loader makes sense of it
// together with the other sources, so that all mistakes show at once.
type rawFlag struct {
	option option
	flags  map[string]given
}

func (f *rawFlag) Set(text string) error {
	if g, ok := f.flags[f.option.Name]; ok && f.option.Value.Type() == "list" {
		text = g.Text + "," + text
	}
	f.flags[f.option.Name] = given{"--" + f.option.Name, text}
	return nil
}
func (f *rawFlag) String() string { return "" }
func (f *rawFlag) Type() string {
	if strings.Contains(f.option.Value.Type(), "|") {
		return "word"
	}
	return f.option.Value.Type()
}

// settingFlags gives a command the flags of the options that pick wants.
func (p *program) settingFlags(c *cobra.Command, pick func(option) bool) {
	for _, o := range newSettings(environment{}).options() {
		if !o.Secret && pick(o) {
			c.Flags().Var(&rawFlag{o, p.flags}, o.Name, o.Doc+helpDefault(o))
		}
	}
	c.Flags().SortFlags = false
}

func helpDefault(o option) string {
	text := o.Value.String()
	if o.Absent != "" {
		text = strings.ReplaceAll(o.Absent, "`", "")
	}
	if text == "" {
		return ""
	}
	if words := o.Value.Type(); strings.Contains(words, "|") {
		return " (" + words + "; default " + text + ")"
	}
	return " (default " + text + ")"
}

func everyOption(option) bool   { return true }
func storeOption(o option) bool { return o.Store }

// outputFlag gives a data command its -o.
func (p *program) outputFlag(c *cobra.Command) {
	c.Flags().VarP(&outputValue{choiceValue{&p.output, []string{"text", "json"}}}, "output", "o", "text or json")
}

type outputValue struct{ choiceValue }

func (v *outputValue) Type() string { return "format" }

func (p *program) json() bool { return p.output == "json" }
