package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSeedsAreNotStale reads the seeds of the house: a refactoring that moves
// the line of a seed should hear about it from the nearest test run.
func TestSeedsAreNotStale(t *testing.T) {
	if _, err := loadSeeds("../.."); err != nil {
		t.Error(err)
	}
}

const (
	tillSource = `package till

func Change(paid, price int) int { return paid - price }
`
	tillTest = `package till

import "testing"

func TestChange(t *testing.T) {
	if got := Change(10, 7); got != 3 {
		t.Errorf("change is %d, want 3", got)
	}
}

func TestNothing(t *testing.T) {}
`
)

// till writes a module with one function and one seed, and returns its root.
func till(t *testing.T, seedText string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                         "module example.com/till\n\ngo 1.26\n",
		"till.go":                        tillSource,
		"till_test.go":                   tillTest,
		"stall/go.mod":                   "module example.com/stall\n\ngo 1.26\n",
		"stall/till/till.go":             tillSource,
		"stall/till/till_test.go":        tillTest,
		"testdata/seeded/till/first.txt": seedText,
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func seedOf(test, from, to string) string {
	return "# The customer pays for the shop.\ntest: " + test + "\nfile: till.go\n\n-- from --\n" + from + "\n-- to --\n" + to + "\n"
}

func TestRunner(t *testing.T) {
	for _, c := range []struct {
		name, seed, want string
	}{
		{"a bug that is noticed", seedOf("./ -run ^TestChange$", "paid - price", "paid + price"),
			"seeded: 1 passed, 0 failed"},
		{"a bug that is noticed for the right reason",
			"says: change is 17\n" + seedOf("./ -run ^TestChange$", "paid - price", "paid + price"),
			"seeded: 1 passed, 0 failed"},
		{"a bug that panics", seedOf("./ -run ^TestChange$", "return paid - price", "panic(paid - price)"),
			"seeded: 1 passed, 0 failed"},
		{"a bug in two places", seedOf("./ -run ^TestChange$", "(paid, price int)", "(paid, _ int)") +
			"-- from --\npaid - price\n-- to --\npaid\n", "seeded: 1 passed, 0 failed"},
		{"a bug in a module within", strings.Replace(seedOf("./stall/till -run ^TestChange$", "paid - price", "paid + price"), "file: ", "file: stall/till/", 1),
			"seeded: 1 passed, 0 failed"},
		{"a test that stays green", seedOf("./ -run ^TestNothing$", "paid - price", "paid + price"),
			"till/first.txt: ^TestNothing$ stays green with the bug in it"},
		{"a bug that does not compile", seedOf("./ -run ^TestChange$", "paid - price", "paid - prize"),
			"undefined: prize"},
		{"a test that is not there", seedOf("./ -run ^TestAbsent$", "paid - price", "paid + price"),
			"./ has no test that matches ^TestAbsent$"},
		{"a package that is not there", seedOf("./absent -run ^TestChange$", "paid - price", "paid + price"),
			"directory not found"},
		{"red for another reason", "says: the drawer is open\n" + seedOf("./ -run ^TestChange$", "paid - price", "0"),
			`goes red without saying "the drawer is open"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := till(t, c.seed)
			seeds, err := loadSeeds(root)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err = (&runner{root: root, work: t.TempDir(), out: &out}).all(t.Context(), seeds, 1)
			if !strings.Contains(out.String(), c.want) {
				t.Errorf("printed:\n%s\nwant: %s", out.String(), c.want)
			}
			if passed := strings.Contains(c.want, "1 passed"); passed != (err == nil) {
				t.Errorf("the run ended with %v", err)
			}
			if now, _ := os.ReadFile(filepath.Join(root, "till.go")); string(now) != tillSource {
				t.Errorf("the working tree was changed:\n%s", now)
			}
		})
	}
}

func TestStaleSeeds(t *testing.T) {
	for _, c := range []struct {
		name, seed, want string
	}{
		{"the line is gone", seedOf("./ -run ^TestChange$", "paid * price", "0"), "occurs 0 times in till.go"},
		{"the line stands twice", seedOf("./ -run ^TestChange$", "price", "prize"), "occurs 2 times in till.go"},
		{"an empty from", seedOf("./ -run ^TestChange$", "", "0"), "stale: its from block occurs"},
		{"no change", seedOf("./ -run ^TestChange$", "paid - price", "paid - price"), "changes nothing"},
		{"no such file", "file: drawer.go\n" + strings.Replace(seedOf("./ -run ^X$", "a", "b"), "file: till.go\n", "", 1),
			"drawer.go: no such file"},
		{"no test", "file: till.go\n-- from --\na\n-- to --\nb\n", `needs a line "test: ./room -run ^TestName$"`},
		{"no file", "test: ./ -run ^TestChange$\n-- from --\na\n-- to --\nb\n", `needs a line "file: room/file.go"`},
		{"a misspelt header", "tset: x\n-- from --\na\n-- to --\nb\n", `unknown header line "tset: x"`},
		{"no from", "test: ./ -run ^TestChange$\nfile: till.go\n", `has no line "-- from --"`},
		{"no to", "test: ./ -run ^TestChange$\nfile: till.go\n-- from --\na\n", `needs one "-- to --"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := loadSeeds(till(t, c.seed))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("loadSeeds: %v, want %s", err, c.want)
			}
		})
	}
}

func TestNoSeedIsAnError(t *testing.T) {
	root := till(t, "")
	if err := os.Remove(filepath.Join(root, seedFolder, "till/first.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := loadSeeds(root); err == nil || err.Error() != "no seed below testdata/seeded" {
		t.Errorf("loadSeeds: %v", err)
	}
}

func TestChoose(t *testing.T) {
	seeds := []seed{{Path: "jwt/a.txt"}, {Path: "jwt/b.txt"}, {Path: "jwt/c.txt"}, {Path: "store/d.txt"}}
	for _, c := range []struct{ match, slice, want string }{
		{"", "", "jwt/a.txt jwt/b.txt jwt/c.txt store/d.txt"},
		{"jwt", "", "jwt/a.txt jwt/b.txt jwt/c.txt"},
		{"", "2/3", "jwt/b.txt"},
		{"jwt", "1/2", "jwt/a.txt jwt/c.txt"},
		{"keyring", "", `error: no seed matches "keyring" in slice 1/1`},
		{"", "0/3", `error: slice "0/3": want k/n with 1 ≤ k ≤ n`},
		{"", "second", `error: slice "second": want k/n with 1 ≤ k ≤ n`},
	} {
		var got []string
		chosen, err := choose(seeds, c.match, c.slice)
		for _, s := range chosen {
			got = append(got, s.Path)
		}
		if err != nil {
			got = []string{"error: " + err.Error()}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("choose(%q, %q) = %s, want %s", c.match, c.slice, got, c.want)
		}
	}
}
