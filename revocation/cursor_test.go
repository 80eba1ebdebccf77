package revocation_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/jotkeeper/jotkeeper/revocation"
)

func TestCursorHasOneSpelling(t *testing.T) {
	for spelling, want := range map[string]revocation.Cursor{
		"0:0":   {},
		"1:42":  at(1, 42),
		"10:10": at(10, 10),
		"18446744073709551615:18446744073709551615": at(1<<64-1, 1<<64-1),
	} {
		got, err := revocation.ParseCursor(spelling)
		if err != nil || got != want {
			t.Errorf("%q is read as %v, %v", spelling, got, err)
		}
	}
	for _, other := range []string{
		"", ":", "1", "1:", ":1", "01:1", "1:01", "00:0", "+1:1", "1:+1", "-1:1", "1:-1", "1:1:1", "1;1", "1: 1", " 1:1", "1:1 ", "1:1\n",
		"1:1\x00", "0x1:1", "1e3:1", "1_0:1", "1.0:1", "١:١", "1:18446744073709551616", "1:99999999999999999999", "1:100000000000000000000", "a:b",
	} {
		if got, err := revocation.ParseCursor(other); !errors.Is(err, revocation.ErrBadCursor) {
			t.Errorf("%q is read as %v, %v; want ErrBadCursor", other, got, err)
		}
	}
}

func anyCursor() *rapid.Generator[revocation.Cursor] {
	return rapid.Custom(func(t *rapid.T) revocation.Cursor {
		return at(rapid.Uint64().Draw(t, "epoch"), rapid.Uint64().Draw(t, "seq"))
	})
}

func TestCursorSurvivesItsSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCursor().Draw(t, "cursor")
		if got, err := revocation.ParseCursor(c.String()); err != nil || got != c {
			t.Fatalf("%v came back as %v, %v", c, got, err)
		}
	})
}

func TestCursorsCompareAsPairs(t *testing.T) {
	ordered := []revocation.Cursor{{}, at(0, 9), at(1, 0), at(1, 9), at(1, 10), at(2, 0), at(2, 1), at(10, 0)}
	for i, c := range ordered {
		for j, d := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if c.Compare(d) != want || c.Before(d) != (want < 0) {
				t.Errorf("%v compared with %v is %d, want %d", c, d, c.Compare(d), want)
			}
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("1:42")
	f.Add("01:1")
	f.Add("1:18446744073709551616")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := revocation.ParseCursor(s); err == nil && c.String() != s {
			t.Fatalf("%q is accepted beside %q", s, c)
		}
	})
}
