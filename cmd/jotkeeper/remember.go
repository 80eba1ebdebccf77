package main

import (
	"fmt"
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
	return os.WriteFile(filepath.Join(s.DataDir, lastServe), []byte(b.String()), 0o600)
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
	if err == nil {
		if known, err := parseSpan(strings.TrimSpace(string(data))); err == nil && known >= ttl {
			return known, nil
		}
	}
	if err := os.WriteFile(path, []byte(formatSpan(ttl)+"\n"), 0o600); err != nil {
		return 0, d.unusable(err)
	}
	return ttl, nil
}
