package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker for a release; else the module's own tells.
var version string

// A build says what this binary is.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok && b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Commit = s.Value
			}
		}
	}
	return b
}

// String is the line that version prints.
func (b build) String() string {
	if b.Commit == "" {
		return fmt.Sprintf("%s %s %s", b.Version, b.Go, b.System)
	}
	return fmt.Sprintf("%s (%.12s) %s %s", b.Version, b.Commit, b.Go, b.System)
}

func (p *program) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "version", Short: "say which version this is", Args: takes(0, 0),
		Long:    "Says which version this is, of which commit, built by which Go.",
		Example: "  jotkeeper version\n  jotkeeper version -o json",
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if p.json() {
				return p.writeJSON(b)
			}
			_, err := fmt.Fprintln(p.stdout, "jotkeeper", b)
			return err
		},
	}
	p.outputFlag(c)
	return exits(c, exitOK, exitUsage)
}

func (p *program) completionCommand() *cobra.Command {
	shells := []string{"bash", "fish", "powershell", "zsh"}
	c := &cobra.Command{
		Use: "completion SHELL", Short: "write the completion script of a shell",
		Long:    "Writes a script that completes commands with their flags in your shell: bash, fish, powershell or zsh.",
		Example: "  jotkeeper completion bash > ~/.local/share/bash-completion/completions/jotkeeper\n  source <(jotkeeper completion zsh)",
		Args:    takes(1, 1), ValidArgs: shells,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.stdout, true)
			case "fish":
				return root.GenFishCompletion(p.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(p.stdout)
			case "zsh":
				return root.GenZshCompletion(p.stdout)
			}
			f := usage("there is no completion for %q", args[0])
			for _, s := range shells {
				f.Try = append(f.Try, "jotkeeper completion "+s)
			}
			return f
		},
	}
	return exits(c, exitOK, exitUsage)
}

// helpCommand is cobra's, with a refusal for what it would pass over.
func (p *program) helpCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "help [COMMAND]", Short: "say what a command is for",
		Long:    "Says what a command is for, with its flags, examples, exit codes. The same as COMMAND --help.",
		Example: "  jotkeeper help token verify",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
	return exits(c, exitOK, exitUsage)
}
