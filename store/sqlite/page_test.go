package sqlite_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

const page = "../../docs/reference/database.md"

var (
	pageTable  = regexp.MustCompile("^### `([a-z_]+)`$")
	pageColumn = regexp.MustCompile("^\\| `([a-z_]+)` \\| ([A-Z]+) \\| .+ \\|$")
)

// The schema is a public format: the page that promises it says what the
// migrations make, table by table, column by column, in that order.
func TestDatabasePageIsTheSchema(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	promised := map[string][]string{}
	table := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if m := pageTable.FindStringSubmatch(line); m != nil {
			table = m[1]
		} else if m := pageColumn.FindStringSubmatch(line); m != nil {
			promised[table] = append(promised[table], m[1]+" "+m[2])
		}
	}
	b := open(t, sqlite.Options{})
	made, err := b.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range slices.Sorted(maps.Keys(made)) {
		if !slices.Equal(promised[table], made[table]) {
			t.Errorf("%s: the page says\n\t%v\nthe migrations make\n\t%v", table, promised[table], made[table])
		}
		delete(promised, table)
	}
	if len(promised) > 0 {
		t.Errorf("the page has tables that are never made: %v", promised)
	}
	if want := fmt.Sprintf("Schema version **%d**.", b.Newest()); !strings.Contains(string(text), want) {
		t.Errorf("the page does not say %q", want)
	}
}
