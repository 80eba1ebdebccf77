package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) configCommand() *cobra.Command {
	return p.group("config", "check, print or write the configuration",
		"Looks at the configuration without starting anything. A setting comes from a flag, else from its\n"+
			"JOTKEEPER_… variable, else from the file of --config, else from its default. Nothing has to be set.",
		"  jotkeeper config init jotkeeper.yaml\n  jotkeeper config check --config jotkeeper.yaml",
		p.configCheckCommand(), p.configPrintCommand(), p.configInitCommand())
}

// load reads the settings for a command that runs by itself.
func (p *program) load() (*settings, error) {
	l := &loader{env: p.env, flags: p.flags}
	return l.load()
}

// loadBeside reads the settings for a command that works beside a server.
func (p *program) loadBeside() (*settings, error) {
	l := &loader{env: p.env, flags: p.flags, beside: true}
	return l.load()
}

func (p *program) configCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "say what is wrong with the configuration", Args: takes(0, 0),
		Long: "Reads the settings from flags, environment, file, as serve would, and says everything that is wrong\n" +
			"with them at once, each with a remedy. It makes no file and opens no port.",
		Example: "  jotkeeper config check --config jotkeeper.yaml\n  jotkeeper config check -o json --addr 0.0.0.0:443",
		RunE: func(*cobra.Command, []string) error {
			_, err := p.load()
			if p.json() {
				return p.checkJSON(err)
			}
			if err == nil {
				p.say("the configuration is fine")
			}
			return err
		},
	}
	p.outputFlag(c)
	p.settingFlags(c, everyOption)
	return exits(c, exitOK, exitUsage, exitConfig)
}

type complaintJSON struct {
	Where string `json:"where"`
	Text  string `json:"text"`
	Try   string `json:"try"`
}

func (p *program) checkJSON(err error) error {
	out := struct {
		Valid bool            `json:"valid"`
		Wrong []complaintJSON `json:"wrong"`
	}{Valid: err == nil, Wrong: []complaintJSON{}}
	var wrong *wrongSettings
	if errors.As(err, &wrong) {
		for _, w := range wrong.all {
			out.Wrong = append(out.Wrong, complaintJSON(w))
		}
	}
	if werr := p.writeJSON(out); werr != nil || err == nil {
		return werr
	}
	return errSilent(exitConfig)
}

func (p *program) configPrintCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "print", Short: "print every setting with where it came from", Args: takes(0, 0),
		Long: "Prints every setting that serve would run with, and who set it: a flag, a variable, a line of the file,\n" +
			"or nobody (default). Secrets are named, never shown.",
		Example: "  jotkeeper config print\n  jotkeeper config print -o json --config jotkeeper.yaml",
		RunE: func(*cobra.Command, []string) error {
			s, err := p.load()
			if err != nil {
				return err
			}
			return p.printSettings(s)
		},
	}
	p.outputFlag(c)
	p.settingFlags(c, everyOption)
	return exits(c, exitOK, exitUsage, exitConfig)
}

type settingJSON struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

func (p *program) printSettings(s *settings) error {
	var all []settingJSON
	for _, o := range s.options() {
		one := settingJSON{o.Name, o.Value.String(), s.origin[o.Name]}
		if one.Origin == "" {
			one.Origin = "default"
		}
		if o.Secret && one.Value != "" {
			one.Value = "[secret]"
		}
		all = append(all, one)
	}
	if p.json() {
		return p.writeJSON(all)
	}
	var rows [][]string
	for _, one := range all {
		value := one.Value
		if value == "" {
			value = "-"
		}
		rows = append(rows, []string{one.Name, value, one.Origin})
	}
	p.table(rows...)
	return nil
}

func (p *program) configInitCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "init [FILE]", Short: "write a commented configuration file", Args: takes(0, 1),
		Long: "Writes a YAML file with every setting, commented out at its default, to FILE or to stdout. A file that\n" +
			"is there already is left alone without --force.",
		Example: "  jotkeeper config init jotkeeper.yaml\n  jotkeeper config init | less",
		RunE: func(_ *cobra.Command, args []string) error {
			text := configTemplate()
			if len(args) == 0 || args[0] == "-" {
				fmt.Fprint(p.stdout, text)
				return nil
			}
			return p.writeConfig(args[0], text, force)
		},
	}
	c.Flags().BoolVar(&force, "force", false, "overwrite FILE")
	return exits(c, exitOK, exitUsage, exitConfig)
}

func (p *program) writeConfig(path, text string, force bool) error {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, mode, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fail(exitConfig, path+" is there already", "jotkeeper config init --force "+path)
	}
	if err != nil {
		return fail(exitConfig, path+" cannot be written: "+cause(err), "jotkeeper config init > FILE, in a folder that you may write to")
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fail(exitConfig, path+" cannot be written: "+cause(err), "free some room on its disk")
	}
	p.say("wrote %s; use it with --config %s", path, path)
	return nil
}

// configTemplate is the commented file: every line of it that is a setting
// works when its # is taken away.
func configTemplate() string {
	var b strings.Builder
	b.WriteString("# Jotkeeper's configuration. Nothing here has to be set: take away a # to change a default.\n" +
		"# A flag (--access-ttl) or variable (JOTKEEPER_ACCESS_TTL) counts for more than this file.\n")
	for _, o := range newSettings(environment{}).options() {
		if o.Secret || o.Name == "config" {
			continue
		}
		text, note := o.Value.String(), ""
		if o.Absent != "" {
			text, note = o.Example, " Default: "+strings.ReplaceAll(o.Absent, "`", "")+"."
		}
		fmt.Fprintf(&b, "\n# %s.%s\n", sentence(o.Doc), note)
		if words := o.Value.Type(); strings.Contains(words, "|") {
			fmt.Fprintf(&b, "# One of %s.\n", strings.ReplaceAll(words, "|", ", "))
		}
		fmt.Fprintf(&b, "#%s: %s\n", o.Name, yamlText(text))
	}
	return b.String()
}

// sentence gives a line of help its capital.
func sentence(s string) string {
	if strings.HasPrefix(s, "typ ") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
