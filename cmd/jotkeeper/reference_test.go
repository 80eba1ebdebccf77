package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// configurationPage is docs/reference/configuration.md, made from the settings
// themselves: a test compares it.
func configurationPage() string {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Made from cmd/jotkeeper/settings.go by: go test ./cmd/jotkeeper -run Pages -update -->

Nothing has to be set. What you set counts in this order: a flag, then the
environment, then the file of ` + "`--config`" + `, then the default. Each
setting has one name in three spellings: ` + "`--access-ttl`, `JOTKEEPER_ACCESS_TTL`,\n`access-ttl:`" + ` in the file. A length of time is
written ` + "`90s`, `15m`, `12h`, `30d`" + `; a list has commas between its items, or is a
YAML list.

All mistakes are reported at once, each with its remedy, and the exit code is 8:

` + "```console\n$ jotkeeper config check --addr 0.0.0.0:443 --access-ttl 15\n" + `jotkeeper: 3 settings are wrong
  --access-ttl "15" is not a length of time
    try: --access-ttl 15m
  --addr "0.0.0.0:443" is reached by others, and passwords would travel in the clear
    try: --tls-cert FILE --tls-key FILE, or --behind-proxy 10.0.0.0/8 when a proxy ends TLS
  --issuer is not set, and 0.0.0.0:443 does not tell how the outside calls this server
    try: --issuer https://id.example.com
exit status 8
` + "```" + `

` + "`jotkeeper config print`" + ` shows every setting with where it came from,
` + "`jotkeeper config init jotkeeper.yaml`" + ` writes a file with all of them.

Commands that work beside a server (` + "`key`, `session`, `account`, `doctor`" + `) take
what you do not set from the settings that the server runs with: it leaves them
in ` + "`serve.yaml`" + ` in its data directory, secrets left out.

| setting | what it is | default |
|---|---|---|
`)
	options := newSettings(environment{}).options()
	for _, o := range options {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", o.Name, o.Name, strings.ReplaceAll(o.Doc, "|", `\|`), defaultCell(o))
	}
	for _, o := range options {
		b.WriteString(configurationSection(o))
	}
	return b.String()
}

func defaultCell(o option) string {
	switch text := o.Value.String(); {
	case o.Absent != "":
		return o.Absent
	case text != "":
		return "`" + text + "`"
	}
	return "—"
}

func configurationSection(o option) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n", o.Name)
	if o.Secret {
		fmt.Fprintf(&b, "`%s` (environment only)\n\n", envName(o.Name))
	} else {
		fmt.Fprintf(&b, "`--%s` · `%s` · `%s: %s`\n\n", o.Name, envName(o.Name), o.Name, yamlText(o.Example))
	}
	fmt.Fprintf(&b, "%s.", sentence(o.Doc))
	if words := o.Value.Type(); strings.Contains(words, "|") {
		fmt.Fprintf(&b, " One of `%s`.", strings.ReplaceAll(words, "|", "`, `"))
	}
	if o.More != "" {
		b.WriteString(" " + o.More)
	}
	fmt.Fprintf(&b, "\n\nDefault: %s.\n", defaultCell(o))
	return b.String()
}

// exitCodesPage is docs/reference/exit-codes.md.
func exitCodesPage() string {
	var b strings.Builder
	b.WriteString(`# Exit codes

<!-- Made from cmd/jotkeeper/exit.go by: go test ./cmd/jotkeeper -run Pages -update -->

They are public: a number never changes its meaning. ` + "`go run`" + ` ends with 1
whatever the program ended with, and prints ` + "`exit status 7`" + ` for it.

| code | meaning |
|---|---|
`)
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", e.Code, e.Meaning)
	}
	return b.String()
}

// cliPage is docs/reference/cli.md: the help of every command.
func cliPage() string {
	var b strings.Builder
	b.WriteString(`# Command line

<!-- Made from the commands' own help by: go test ./cmd/jotkeeper -run Pages -update -->

Data goes to stdout, everything said to a person to stderr. ` + "`-o json`" + ` makes the data
JSON. Commands that open the store work beside a running server, which follows
within a second. The settings behind the flags are explained in
[configuration.md](configuration.md), the exit codes in
[exit-codes.md](exit-codes.md).
`)
	for _, c := range tree() {
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s```\n", c.CommandPath(), helpOf(c))
	}
	return b.String()
}

func helpOf(c *cobra.Command) string {
	var b strings.Builder
	c.InitDefaultHelpFlag()
	c.SetOut(&b)
	_ = c.Help()
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.TrimRight(line, " \n")+"\n")
	}
	return strings.Join(lines, "")
}
