package sqlite_test

import (
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// previous makes a file of an earlier schema out of what its program left.
func previous(t *testing.T, dump string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", dump))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jotkeeper.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	return file
}

// A newer program brings an older file forward: the schema is that of a new
// file, and what was in it is in it.
func TestEarlierSchemasAreBroughtForward(t *testing.T) {
	dumps, err := filepath.Glob("testdata/schema-*.sql")
	if err != nil || len(dumps) == 0 {
		t.Fatalf("there is no earlier schema: %v", err)
	}
	want, err := open(t, sqlite.Options{}).Columns()
	if err != nil {
		t.Fatal(err)
	}
	for _, dump := range dumps {
		t.Run(filepath.Base(dump), func(t *testing.T) {
			b := reopen(t, previous(t, filepath.Base(dump)), sqlite.Options{Server: true})
			got, err := b.Columns()
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%v; it has the tables %v\n\t%v\nwant\n\t%v", err, maps.Keys(got), got, want)
			}
			remembers(t, b.Set())
		})
	}
}

// remembers looks for what the program of schema 1 was told.
func remembers(t *testing.T, set store.Set) {
	t.Helper()
	ada, err := set.Accounts.FindIdentifier(t.Context(), "ada")
	if err != nil || ada.ID != 1 || ada.Password == "" {
		t.Errorf("ada is %+v: %v", ada, err)
	}
	in, head, err := set.Sessions.Find(t.Context(), "EqvA5Rt4J4Lw-sxY-Qt1RA")
	if err != nil || in.State != "active" || in.Account != "1" || head.String() != "1:1" {
		t.Errorf("her session is %+v at %v: %v", in, head, err)
	}
	out, _, err := set.Sessions.Find(t.Context(), "s7EhqoP8CzVxx9j1dLtk0g")
	if err != nil || out.State != "ended" || out.EndReason != "logout" {
		t.Errorf("the session that was ended is %+v: %v", out, err)
	}
	rules, err := set.Revocations.Read(t.Context(), head, 9)
	if err != nil || len(rules) != 0 {
		t.Errorf("after the head there is %v: %v", rules, err)
	}
	head.Seq = 0
	rules, err = set.Revocations.Read(t.Context(), head, 9)
	if err != nil || len(rules) != 1 || rules[0].Rule.ID != out.ID {
		t.Errorf("the rules are %v: %v", rules, err)
	}
	keys, err := set.Keys.Keys(t.Context())
	if err != nil || len(keys) != 2 {
		t.Errorf("there are %d keys: %v", len(keys), err)
	}
}
