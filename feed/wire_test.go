package feed_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/feed"
	"github.com/jotkeeper/jotkeeper/revocation"
)

type vector struct {
	Name, Line, Result        string
	Scope, ID, Action, Before string
	At, From, Until           int64
	Reason                    string
}

func vectors(t testing.TB) (epoch uint64, list []vector) {
	t.Helper()
	var spec struct {
		Epoch   uint64
		Entries []vector
	}
	text, err := os.ReadFile("../docs/spec/vectors/revocation-feed.json")
	if err == nil {
		err = json.Unmarshal(text, &spec)
	}
	if err != nil || len(spec.Entries) < 20 {
		t.Fatalf("%d entries: the file lost some; %v", len(spec.Entries), err)
	}
	return spec.Epoch, spec.Entries
}

func TestVectorsOfTheSpecification(t *testing.T) {
	epoch, list := vectors(t)
	for _, c := range list {
		got, err := feed.Decode([]byte(c.Line), epoch)
		switch {
		case err != nil:
			if c.Result != "malformed" {
				t.Errorf("%s: %v, want %s", c.Name, err, c.Result)
			}
			continue
		case got.Rule.Validate() != nil:
			if c.Result != "stale" {
				t.Errorf("%s: %v, want %s", c.Name, got.Rule.Validate(), c.Result)
			}
			continue
		case c.Result != "rule":
			t.Errorf("%s: a rule, want %s", c.Name, c.Result)
			continue
		}
		before := ""
		if got.Rule.Before != (revocation.Cursor{}) {
			before = got.Rule.Before.String()
		}
		r := got.Rule
		read := vector{c.Name, c.Line, c.Result, string(r.Scope), r.ID, r.Action.String(), before, ms(got.At), ms(r.From), ms(r.Until), r.Reason}
		if read != c || got.Cursor.Epoch != epoch {
			t.Errorf("%s: read as %+v", c.Name, read)
		}
	}
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// A time between two milliseconds goes to where the rule reaches further, and
// never to 0, which would mean that there is none.
func TestTimesAreRoundedTowardsTheStronger(t *testing.T) {
	noon := time.UnixMilli(1767225600000)
	for name, c := range map[string]struct {
		at, from, until time.Time
		want            string
	}{
		"exact":   {noon, noon, noon, `"at":1767225600000,"f":1767225600000,"u":1767225600000`},
		"between": {noon.Add(1), noon.Add(999_999), noon.Add(1000), `"at":1767225600001,"f":1767225600000,"u":1767225600001`},
		"1970":    {time.UnixMilli(0), time.UnixMilli(0), time.UnixMilli(0), `"at":1,"u":1`},
		"before":  {time.UnixMilli(-5), time.UnixMilli(-5), time.UnixMilli(-5), `"at":1,"u":1`},
	} {
		got, err := feed.Encode(revocation.Entry{Cursor: revocation.Cursor{Epoch: 1, Seq: 1}, At: c.at, Rule: revocation.Rule{
			Scope: revocation.ScopeToken, ID: "x", Action: revocation.Revoke, From: c.from, Until: c.until,
		}})
		if want := `{"s":1,"k":"jti","id":"x","a":"revoke",` + c.want + `}`; err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v\nwant %s", name, got, err, want)
		}
	}
}

// Whatever is read as a rule is written and read again as the same rule.
func FuzzEntry(f *testing.F) {
	_, list := vectors(f)
	for _, c := range list {
		f.Add([]byte(c.Line))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := feed.Decode(text, 3)
		if err != nil || first.Rule.Validate() != nil || first.Rule.From.UnixMilli() < 0 || ms(first.Rule.Until) < 0 || ms(first.At) < 0 {
			return
		}
		again, err := feed.Encode(first)
		if err != nil {
			t.Fatalf("%s cannot be written: %v", text, err)
		}
		second, err := feed.Decode(again, 3)
		if err != nil || second != first {
			t.Fatalf("%s became %s: %+v, %+v, %v", text, again, first, second, err)
		}
	})
}
