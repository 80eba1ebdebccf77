package shellblock

import (
	"slices"
	"strings"
	"testing"
)

func TestMatchLine(t *testing.T) {
	for _, c := range []struct {
		pattern, line string
		want          bool
	}{
		{"", "", true},
		{"a", "a", true},
		{"a", "ab", false},
		{"…", "", true},
		{"…", "anything", true},
		{"id …", "id 42", true},
		{"id …", "id ", true},
		{"id …", "no 42", false},
		{"…ms", "12ms", true},
		{"…ms", "12s", false},
		{`{"id":"…","n":…}`, `{"id":"x","n":7}`, true},
		{`{"id":"…","n":…}`, `{"id":"x","m":7}`, false},
		{"aba…aba", "aba", false},
		{"a…b…c", "a b b c", true},
		{"a…b…b", "a b", false},
		{"a.c", "abc", false},
	} {
		if got := matchLine(c.pattern, c.line); got != c.want {
			t.Errorf("matchLine(%q, %q) = %v", c.pattern, c.line, got)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct{ name, want, got, diff string }{
		{"the same", "a\nb", "a\nb", ""},
		{"space at the end", "a\nb", "a  \r\nb\n\n", ""},
		{"a gap", "a\n…\nz", "a\nb\nc\nz", ""},
		{"a gap of nothing", "a\n…\nz", "a\nz", ""},
		{"a gap at the end", "a\n…", "a\nb", ""},
		{"a gap, then a repetition", "…\na\nb", "a\nx\na\nb", ""},
		{"nothing wanted, nothing came", "", "", ""},
		{"another line", "a\nb\nc", "a\nx\nc", "  a\n- b\n+ x\n  c\n"},
		{"a missing line", "a\nb", "a", "  a\n- b\n"},
		{"an unwanted line", "a", "a\nb", "  a\n+ b\n"},
		{"an empty line between", "a\nb", "a\n\nb", "  a\n+ \n  b\n"},
		{"after a gap", "a\n…\nz", "a\nb\ny", "  a\n… b\n… y\n- z\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := compare(splitLines(c.want), splitLines(c.got)); diff != c.diff {
				t.Errorf("compare:\n%s\nwant:\n%s", diff, c.diff)
			}
		})
	}
}

// FuzzCompare: an output always matches itself, wherever one line of it is
// replaced by a gap, and never matches itself with a line more.
func FuzzCompare(f *testing.F) {
	f.Add("a\nb\nc", uint8(1))
	f.Add("\n\n…\n", uint8(0))
	f.Add("\n", uint8(1))
	f.Fuzz(func(t *testing.T, text string, at uint8) {
		lines := tidy(strings.Split(text, "\n"))
		if len(lines) == 0 || len(lines) > 50 {
			return // the alignment is quadratic
		}
		if diff := compare(lines, lines); diff != "" {
			t.Errorf("differs from itself:\n%s", diff)
		}
		gapped := slices.Clone(lines)
		gapped[int(at)%len(lines)] = anything
		if diff := compare(gapped, lines); diff != "" {
			t.Errorf("a gap does not match:\n%s", diff)
		}
		if !strings.Contains(text, anything) && compare(append(slices.Clone(lines), "one more"), lines) == "" {
			t.Errorf("%q matches with a line missing", lines)
		}
	})
}
