package revocation_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jotkeeper/jotkeeper/revocation"
)

// An oracle keeps every entry it was ever given and reads all of them for each
// question, as the specification says it.
type oracle []revocation.Entry

func (o oracle) check(now time.Time, q revocation.Query) revocation.Action {
	strongest := revocation.None
	for _, e := range o {
		if e.Rule.Live(now) && q.Issuer == issuer && names(e, q) {
			strongest = max(strongest, e.Rule.Action)
		}
	}
	return strongest
}

func names(e revocation.Entry, q revocation.Query) bool {
	r := e.Rule
	switch r.Scope {
	case revocation.ScopeToken:
		return r.ID == q.ID
	case revocation.ScopeSession:
		return r.ID == q.SessionID
	case revocation.ScopeKey:
		return r.ID == q.KeyID
	case revocation.ScopeSubject:
		return r.ID == q.Subject && older(e, q)
	case revocation.ScopeTenant:
		return r.ID == q.Tenant && older(e, q)
	}
	return r.ID == q.Issuer && older(e, q)
}

func older(e revocation.Entry, q revocation.Query) bool {
	if q.HasRev {
		return q.Rev.Epoch < e.Cursor.Epoch || q.Rev.Epoch == e.Cursor.Epoch && q.Rev.Seq < e.Cursor.Seq
	}
	return q.IssuedAt.Before(e.At.Add(time.Second - 1).Truncate(time.Second))
}

// Few names, so that rules meet; few moments, so that edges are hit.
var (
	someID     = rapid.SampledFrom([]string{"a", "b", "a|b", issuer})
	someClaim  = rapid.SampledFrom([]string{"", "a", "b", "a|b"})
	someCursor = rapid.Custom(func(t *rapid.T) revocation.Cursor {
		return at(rapid.Uint64Range(0, 2).Draw(t, "epoch"), rapid.Uint64Range(1, 6).Draw(t, "seq"))
	})
	someTime = rapid.Custom(func(t *rapid.T) time.Time {
		return noon.Add(time.Duration(rapid.IntRange(0, 8).Draw(t, "half seconds")) * 500 * time.Millisecond)
	})
	someEntry = rapid.Custom(func(t *rapid.T) revocation.Entry {
		r := revocation.Rule{
			Scope:  rapid.SampledFrom([]revocation.Scope{"jti", "sid", "sub", "tid", "kid", "iss"}).Draw(t, "scope"),
			ID:     someID.Draw(t, "id"),
			Action: rapid.SampledFrom([]revocation.Action{revocation.Rotate, revocation.Revoke}).Draw(t, "action"),
		}
		if rapid.Bool().Draw(t, "bounded") {
			r.Until = someTime.Draw(t, "until")
		}
		if from := someTime.Draw(t, "from"); rapid.Bool().Draw(t, "later") && !from.After(r.Until) {
			r.From = from
		}
		return revocation.Entry{Cursor: someCursor.Draw(t, "cursor"), At: someTime.Draw(t, "at"), Rule: r}
	})
	someQuery = rapid.Custom(func(t *rapid.T) revocation.Query {
		q := revocation.Query{
			Issuer: rapid.SampledFrom([]string{issuer, issuer, issuer, "a"}).Draw(t, "iss"),
			ID:     someClaim.Draw(t, "jti"), SessionID: someClaim.Draw(t, "sid"), Subject: someClaim.Draw(t, "sub"),
			Tenant: someClaim.Draw(t, "tid"), KeyID: someClaim.Draw(t, "kid"),
			IssuedAt: someTime.Draw(t, "iat").Truncate(time.Second),
		}
		if q.HasRev = rapid.Bool().Draw(t, "has rev"); q.HasRev {
			q.Rev = someCursor.Draw(t, "rev")
		}
		return q
	})
)

// The index is compared with the oracle, whatever order and however often the
// rules come, and however they are swept in between.
func TestIndexIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, o := revocation.NewIndex(issuer), oracle{}
		clock := noon
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				batch := rapid.SliceOfN(someEntry, 1, 6).Draw(t, "batch")
				if err := x.Apply(batch...); err != nil {
					t.Fatal(err)
				}
				o = append(o, batch...)
			},
			"again": func(t *rapid.T) {
				shuffled := rapid.Permutation(slices.Clone(o)).Draw(t, "shuffled")
				if err := x.Apply(shuffled...); err != nil {
					t.Fatal(err)
				}
			},
			"sweep": func(t *rapid.T) {
				clock = clock.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "half seconds")) * 500 * time.Millisecond)
				x.Sweep(clock)
			},
			"": func(t *rapid.T) {
				for range 5 {
					compare(t, x, o, clock)
				}
				if x.Rules() > len(o) {
					t.Fatalf("%d rules kept of %d", x.Rules(), len(o))
				}
			},
		})
	})
}

func compare(t *rapid.T, x *revocation.Index, o oracle, clock time.Time) {
	q := someQuery.Draw(t, "query")
	now := clock.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "later")) * 250 * time.Millisecond)
	v := x.Check(now, &q)
	if want := o.check(now, q); v.Action != want {
		t.Fatalf("at %v the index says %v, the rules say %v", now, v, want)
	}
	if (v.Action == revocation.None) != (v == revocation.Verdict{}) {
		t.Fatalf("half a verdict: %+v", v)
	}
}
