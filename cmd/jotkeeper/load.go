package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// An environment is the variables of a process.
type environment map[string]string

func newEnvironment(environ []string) environment {
	env := environment{}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		env[name] = text
	}
	return env
}

const envPrefix = "JOTKEEPER_"

// envName is the variable of an option: access-ttl → JOTKEEPER_ACCESS_TTL.
func envName(option string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

// A wrongSetting is one complaint about the configuration, with its remedy.
type wrongSetting struct {
	Where string // --access-ttl, JOTKEEPER_ACCESS_TTL, jotkeeper.yaml:3 access-ttl
	Text  string
	Try   string
}

// wrongSettings holds every complaint: a person repairs them in one go.
type wrongSettings struct{ all []wrongSetting }

func (w *wrongSettings) add(where, text, try string) {
	w.all = append(w.all, wrongSetting{where, text, try})
}

func (w *wrongSettings) Error() string {
	var b strings.Builder
	if n := len(w.all); n == 1 {
		b.WriteString("one setting is wrong")
	} else {
		fmt.Fprintf(&b, "%d settings are wrong", n)
	}
	for _, one := range w.all {
		fmt.Fprintf(&b, "\n  %s %s\n    try: %s", one.Where, one.Text, one.Try)
	}
	return b.String()
}

// err returns nil when there is no complaint.
func (w *wrongSettings) err() error {
	if len(w.all) == 0 {
		return nil
	}
	return w
}

// given is a setting as somebody wrote it.
type given struct{ Where, Text string }

// A loader reads settings from their sources, weakest first.
type loader struct {
	env    environment
	flags  map[string]given // by option
	beside bool             // a command beside a server, which follows that server's settings
	wrong  wrongSettings
}

// load lays file, environment, flags over the defaults, derives the rest,
// checks it. All complaints come back as one error.
func (l *loader) load() (*settings, error) {
	s := newSettings(l.env)
	variables := l.environment(s)
	l.refuseBothForms(variables)
	config, ok := l.flags["config"]
	if !ok {
		config, ok = variables["config"]
	}
	if ok {
		pathValue{&config.Text, s.home}.Set(config.Text)
		l.apply(s, l.file(s, config))
	}
	l.apply(s, variables)
	l.apply(s, l.flags)
	l.remember(s)
	s.complete()
	l.check(s)
	return s, l.wrong.err()
}

// apply sets options in their own order, so complaints come in that order.
func (l *loader) apply(s *settings, layer map[string]given) {
	for _, o := range s.options() {
		g, ok := layer[o.Name]
		if !ok {
			continue
		}
		s.origin[o.Name] = g.Where
		if err := o.Value.Set(strings.TrimSpace(g.Text)); err != nil {
			l.wrong.add(quoteUnlessSecret(g, o), err.Error(), remedy(g, o))
		}
	}
}

func quoteUnlessSecret(g given, o option) string {
	if o.Secret {
		return g.Where
	}
	return fmt.Sprintf("%s %q", g.Where, g.Text)
}

// remedy writes an example the way the setting was given.
func remedy(g given, o option) string {
	switch {
	case strings.HasPrefix(g.Where, "--"):
		return "--" + o.Name + " " + o.Example
	case strings.HasPrefix(g.Where, envPrefix):
		return g.Where + "=" + o.Example
	}
	return o.Name + ": " + o.Example
}

// environment picks our variables. A name that is nearly one of ours is a
// mistake; others are let be, for a cluster sets JOTKEEPER_PORT and the like
// for a service of our name.
func (l *loader) environment(s *settings) map[string]given {
	layer := map[string]given{}
	known := map[string]string{}
	for _, o := range s.options() {
		known[envName(o.Name)] = o.Name
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		if !strings.HasPrefix(name, envPrefix) || l.env[name] == "" {
			continue
		}
		if option, ok := known[name]; ok {
			layer[option] = given{name, l.env[name]}
		} else if near := nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
			l.wrong.add(name, "is not a setting", near)
		}
	}
	return layer
}

// refuseBothForms: of a secret and its file, which one counts should be no riddle.
func (l *loader) refuseBothForms(variables map[string]given) {
	for _, secret := range []string{"admin-password", "master-key"} {
		_, plain := variables[secret]
		file, ok := variables[secret+"-file"]
		if f, byFlag := l.flags[secret+"-file"]; byFlag {
			file, ok = f, true
		}
		if plain && ok {
			l.wrong.add(envName(secret), "is set beside "+file.Where, "unset "+envName(secret))
		}
	}
}

// nearest returns the one of names that a typo most likely meant, or "".
func nearest(typed string, names []string) string {
	parent := &cobra.Command{Use: "names", SuggestionsMinimumDistance: 2}
	for _, name := range names {
		parent.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	for _, near := range parent.SuggestionsFor(typed) {
		if !strings.HasPrefix(near, typed) || len(near)-len(typed) <= 2 {
			return near
		}
	}
	return ""
}

// file reads the configuration file.
func (l *loader) file(s *settings, config given) map[string]given {
	data, err := os.ReadFile(config.Text)
	if err != nil {
		l.wrong.add(fmt.Sprintf("%s %q", config.Where, config.Text), "cannot be read: "+cause(err), "jotkeeper config init "+config.Text)
		return nil
	}
	return l.yaml(s, config.Text, data)
}
