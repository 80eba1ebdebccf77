package main

import (
	"slices"
	"strings"
	"testing"
)

func TestAnIDMayBeginWithADash(t *testing.T) {
	const sid, kid = "-8y1klyi0H5gFAiahjyWDQ", "--9cze9OEdRL_9BcmY5IsdDAMMwKNzRN7gw6PgqRTcA"
	for _, c := range []struct{ args, want string }{
		{"session explain " + sid, "session explain -- " + sid},
		{"session explain " + sid + " -o json", "session explain -o json -- " + sid},
		{"key retire " + kid + " --data-dir d", "key retire --data-dir d -- " + kid},
		{"session explain -- " + sid, "session explain -- " + sid},
		{"session end RuGKNsWuWUWiWnfEX9vPGg -o json", "session end RuGKNsWuWUWiWnfEX9vPGg -o json"},
		{"token sign --session " + sid + " --ago 3m", "token sign --session " + sid + " --ago 3m"},
		{"serve --admin-password-file f", "serve --admin-password-file f"},
		{"serve --this-is-no-flag-here", "serve --this-is-no-flag-here"},
	} {
		if got := idsLast(strings.Fields(c.args)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s\n got %q\nwant %s", c.args, got, c.want)
		}
	}
	jotkeeper(t, nil, "", "session", "explain", sid).wants(t, exitConfig, "there is no data directory") // and not a word of flags
}
