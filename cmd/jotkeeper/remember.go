package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lastServe is the file in the data directory where serve leaves the settings
// it runs with. The commands beside it take what nobody set from there: a
// session ended with a shorter --access-ttl than the server's would leave a
// revocation rule that is gone before the tokens it is about.
const lastServe = "serve.yaml"

// notRemembered: where the data is has to be known before, secrets stay where
// they are.
var notRemembered = []string{"data-dir", "config", "master-key", "admin-password"}

// remember lays the last serve's settings under everything that was set.
func (l *loader) remember(s *settings) {
	if !l.beside {
		return
	}
	dir := s.DataDir
	if dir == "" {
		dir = s.defaultDataDir()
	}
	path := filepath.Join(dir, lastServe)
	data, err := os.ReadFile(path)
	if err != nil {
		return // no server ran here, or doctor and the store will say why
	}
	layer := l.yaml(s, path, data)
	for name := range layer {
		if s.set(name) || slices.Contains(notRemembered, name) {
			delete(layer, name)
		}
	}
	l.apply(s, layer)
}

// leave writes the settings of a server for the commands beside it.
func (s *settings) leave() error {
	var b strings.Builder
	b.WriteString("# Written by jotkeeper serve at its start, for the commands that run beside it.\n")
	for _, o := range s.options() {
		if !o.Secret && !slices.Contains(notRemembered, o.Name) && o.Value.String() != "" {
			fmt.Fprintf(&b, "%s: %s\n", o.Name, yamlText(o.Value.String()))
		}
	}
	return replaceSecretFile(filepath.Join(s.DataDir, lastServe), strings.TrimSuffix(b.String(), "\n"))
}

// yamlText quotes what YAML would read as something else; JSON's quoting is YAML's.
func yamlText(s string) string {
	if strings.ContainsAny(s, ":#{}[]&*!|>'\"%@`, ") || s == "" {
		return strconv.Quote(s)
	}
	return s
}

// lifeFile remembers the longest --access-ttl that a data directory ever had.
const lifeFile = "longest-access-ttl"

// longestLife is the longest life that an access token of this server may
// have: rules and retired keys stay for so long. After --access-ttl was
// lowered, tokens from before are still out there.
func (d *dataDir) longestLife(ttl time.Duration) (time.Duration, error) {
	path := d.file(lifeFile)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist): // there were no tokens before
	case err != nil:
		return 0, secretFileFault(path, err)
	default:
		known, err := parseSpan(strings.TrimSpace(string(data)))
		if err != nil {
			// Tokens may be out there for longer than anybody knows now: a guess would
			// forget the rules about them.
			return 0, &fault{Code: exitConfig, Text: path + " does not hold a length of time",
				Try: []string{"echo 24h > " + shellQuote(path) + ", or the longest --access-ttl that this server ever had"}, Err: err}
		}
		if known >= ttl {
			return known, nil
		}
	}
	return ttl, replaceSecretFile(path, formatSpan(ttl))
}
