package jwt_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// The page lists every reason, and none that does not exist.
func TestReasonsPageIsComplete(t *testing.T) {
	read := func(file, pattern string) (found []string) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(data, -1) {
			found = append(found, string(m[1]))
		}
		slices.Sort(found)
		return found
	}
	code := read("reason.go", `Reason = "(\w+)"`)
	page := read("../docs/spec/reasons.md", "(?m)^\\| `(\\w+)` \\|")
	if len(code) == 0 || !slices.Equal(code, page) {
		t.Errorf("reason.go has  %q\nreasons.md has %q", code, page)
	}
}
