package revocation_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

var everyScope = []revocation.Scope{"jti", "sid", "sub", "tid", "kid", "iss"}

// asking is a token that names nothing but one ID in one scope.
func asking(scope revocation.Scope, id string) revocation.Query {
	q := revocation.Query{Issuer: issuer}
	switch scope {
	case revocation.ScopeToken:
		q.ID = id
	case revocation.ScopeSession:
		q.SessionID = id
	case revocation.ScopeSubject:
		q.Subject = id
	case revocation.ScopeTenant:
		q.Tenant = id
	case revocation.ScopeKey:
		q.KeyID = id
	}
	return q
}

// The index keeps the IDs that Jotkeeper makes as 16 bytes. Nothing else that
// could stand for the same bytes is the same ID.
func TestA204NoEffectAcrossSpellings(t *testing.T) {
	raw := []byte("\xfb\xff\xbf0123456789a\xfe\xff")
	canonical := base64.RawURLEncoding.EncodeToString(raw)
	if len(canonical) != 22 || canonical[21] != 'w' {
		t.Fatalf("the ID is %q", canonical)
	}
	spellings := []string{
		canonical, canonical[:21] + "x", canonical[:21] + "_", canonical[:21], canonical + "=", canonical + "==", canonical + "A",
		base64.RawStdEncoding.EncodeToString(raw), strings.ReplaceAll(canonical, "_", "/"), strings.ReplaceAll(canonical, "-", "+"), string(raw), string(raw) + "\x00", string(raw[:15]), string(raw[:15]) + "\x00",
		hex.EncodeToString(raw), strings.ToLower(canonical), strings.ToUpper(canonical), " " + canonical, canonical[:10] + "\n" + canonical[10:],
		strings.Repeat("A", 22), strings.Repeat("\x00", 16), strings.Repeat("A", 21) + "B", "\x00", "\x00\x00",
	}
	if !revocation.SameBytes(canonical, canonical) {
		t.Errorf("%q does not fit into a record", canonical)
	}
	for _, a := range spellings {
		for _, b := range spellings {
			if a != b && revocation.SameBytes(a, b) {
				t.Errorf("%q and %q are kept alike", a, b)
			}
		}
	}
	for _, scope := range everyScope[:5] {
		for i, revoked := range spellings {
			x := indexOf(t, entry(1, ended(scope, revoked)))
			for j, id := range spellings {
				q := asking(scope, id)
				if got := x.Check(noon, &q).Action == revocation.Revoke; got != (i == j) {
					t.Errorf("with the %s %q revoked, %q is revoked: %v", scope, revoked, id, got)
				}
			}
		}
	}
}

// A full index says so and holds on to what it has: its follower grows stale.
func TestAFullIndexForgetsNothing(t *testing.T) {
	defer revocation.LimitTables(20)()
	x := revocation.NewIndex(issuer)
	var err error
	ids := []string{}
	for err == nil {
		ids = append(ids, jwt.NewID())
		err = x.Apply(entry(uint64(len(ids)), ended(revocation.ScopeSession, ids[len(ids)-1])))
	}
	if n := uint64(len(ids) - 1); !errors.Is(err, revocation.ErrFull) || x.Cursor() != at(1, n) || n > 256*20 || n < 1000 {
		t.Fatalf("after %d rules: %v at %v", n, err, x.Cursor())
	}
	for _, id := range ids[:len(ids)-1] {
		if q := asking(revocation.ScopeSession, id); x.Check(noon, &q).Action != revocation.Revoke {
			t.Fatalf("%s is lost", id)
		}
	}
	if n := x.Sweep(noon.Add(2 * time.Hour)); n != len(ids)-1 {
		t.Errorf("swept %d", n)
	}
	if err := x.Apply(entry(uint64(len(ids)), ended(revocation.ScopeSession, "again"))); err != nil {
		t.Errorf("after a sweep there is room again: %v", err)
	}
}

// Neighbours share eight of their sixteen bytes. Among so many some share the
// table as well, and only the comparison keeps them apart.
func TestA204NeighboursAreNotOneID(t *testing.T) {
	x := indexOf(t, entry(1, ended(revocation.ScopeSession, base64.RawURLEncoding.EncodeToString([]byte("11111111AAAAAAAA")))))
	for n := range 20_000 {
		for _, format := range []string{"11111111%08d", "%08dAAAAAAAA"} {
			q := asking(revocation.ScopeSession, base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, format, n)))
			if v := x.Check(noon, &q); v.Action != revocation.None {
				t.Fatalf("%s is refused", q.SessionID)
			}
		}
	}
}

// What does not fit into a record is kept as it is: neither a long ID, nor an
// odd time, nor the 257th reason, nor the 9th epoch is rounded.
var (
	oddID     = rapid.SampledFrom([]string{"a", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "sixteen bytes ok", "7c9e6679-7425-40de-944b-e07fc1f90ae7", issuer})
	oddNumber = rapid.SampledFrom([]uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1<<34 - 1, 1 << 34, 1<<34 + 1, math.MaxUint64 - 1, math.MaxUint64})
	oddTime   = rapid.SampledFrom([]time.Time{
		{}, noon, noon.Add(time.Microsecond), noon.Add(time.Second), noon.Add(time.Hour),
		noon.Add((1<<21 - 2) * time.Second), noon.Add((1<<21 - 1) * time.Second), noon.Add(1 << 21 * time.Second), noon.AddDate(30, 0, 0),
		time.UnixMicro(1<<52 - 2), time.UnixMicro(1<<52 - 1), time.UnixMicro(1 << 52), time.UnixMicro(1<<58 + 1), time.UnixMicro(-1), time.UnixMicro(0), time.Unix(1, 0),
	})
	oddEntry = rapid.Custom(func(t *rapid.T) revocation.Entry {
		r := revocation.Rule{
			Scope: rapid.SampledFrom(everyScope).Draw(t, "scope"), ID: oddID.Draw(t, "id"),
			Action: rapid.SampledFrom([]revocation.Action{revocation.Rotate, revocation.Revoke}).Draw(t, "action"),
			Until:  oddTime.Draw(t, "until"), Reason: rapid.SampledFrom([]string{"", "logout", "lock"}).Draw(t, "reason"),
		}
		if from := oddTime.Draw(t, "from"); r.Until.IsZero() || !from.After(r.Until) {
			r.From = from
		}
		c := at(oddNumber.Draw(t, "epoch"), max(oddNumber.Draw(t, "seq"), 1))
		if c == at(math.MaxUint64, math.MaxUint64) { // stands for "whatever the token's rev"; no log gets there
			c.Epoch--
		}
		return revocation.Entry{Cursor: c, At: oddTime.Draw(t, "at"), Rule: r}
	})
	oddQuery = rapid.Custom(func(t *rapid.T) revocation.Query {
		q := asking(rapid.SampledFrom(everyScope).Draw(t, "scope"), oddID.Draw(t, "id"))
		q.IssuedAt = oddTime.Draw(t, "iat").Truncate(time.Second)
		if q.HasRev = rapid.Bool().Draw(t, "has rev"); q.HasRev {
			q.Rev = at(oddNumber.Draw(t, "epoch"), oddNumber.Draw(t, "seq"))
		}
		return q
	})
)

// A log may be longer than a packed record can count.
func TestALogOfAnyLengthIsKeptExactly(t *testing.T) {
	defer revocation.OnSync(func(string) error { return nil })()
	for _, seq := range []uint64{1, 1<<20 + 3, 1<<34 - 1, 1 << 34, 1<<34 + 7, 1<<50 + 1} {
		rule := revocation.Rule{Scope: revocation.ScopeSubject, ID: "42", Before: revocation.Cursor{Epoch: 1, Seq: seq}, Action: revocation.Revoke, Until: noon.Add(time.Hour)}
		x := revocation.NewIndex(issuer)
		if err := x.Apply(revocation.Entry{Cursor: rule.Before, At: noon, Rule: rule}); err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]*revocation.Index{"applied": x, "loaded": savedAndLoaded(t, x, t.TempDir())} {
			for rev, want := range map[uint64]revocation.Action{seq - 1: revocation.Revoke, seq: revocation.None, seq + 1: revocation.None} {
				q := asking(revocation.ScopeSubject, "42")
				q.Rev, q.HasRev = revocation.Cursor{Epoch: 1, Seq: rev}, true
				if v := x.Check(noon, &q); v.Action != want {
					t.Errorf("%s: a token of rule %d, a rule before %d: %v, want %v", name, rev, seq, v.Action, want)
				}
			}
		}
	}
}

func TestIndexIsExactAtTheEdges(t *testing.T) {
	defer revocation.OnSync(func(string) error { return nil })()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		entries := rapid.SliceOfN(oddEntry, 1, 40).Draw(rt, "entries")
		x, o := revocation.NewIndex(issuer), oracle(entries)
		if err := x.Apply(entries...); err != nil {
			rt.Fatal(err)
		}
		saved := savedAndLoaded(rt, x, dir)
		for range 20 {
			q, now := oddQuery.Draw(rt, "query"), oddTime.Draw(rt, "now")
			want := oracleAtTheEdges(o, now, q)
			if v := x.Check(now, &q); v.Action != want {
				rt.Fatalf("at %v the index says %v, the rules say %v", now, v, want)
			}
			if v := saved.Check(now, &q); v.Action != want {
				rt.Fatalf("at %v the loaded index says %v, the rules say %v", now, v, want)
			}
		}
	})
}

// oracleAtTheEdges knows in addition what the specification says of a rule that
// cannot tell its time.
func oracleAtTheEdges(o oracle, now time.Time, q revocation.Query) revocation.Action {
	strongest := revocation.None
	for _, e := range o {
		asked := q
		if e.At.IsZero() && e.Rule.Scope.Relative() && !q.HasRev {
			asked.IssuedAt, e.At = noon.Add(-time.Hour), noon
		}
		strongest = max(strongest, oracle{e}.check(now, asked))
	}
	return strongest
}

func savedAndLoaded(t interface{ Fatal(...any) }, x *revocation.Index, dir string) *revocation.Index {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := x.Save(dir); err != nil {
		t.Fatal(err)
	}
	y := revocation.NewIndex(issuer)
	if err := y.Load(dir); err != nil {
		t.Fatal(err)
	}
	if y.Rules() != x.Rules() || y.Cursor() != x.Cursor() {
		t.Fatal(fmt.Sprintf("%d rules at %v became %d at %v", x.Rules(), x.Cursor(), y.Rules(), y.Cursor()))
	}
	return y
}

func TestWordsAndEpochsNeverRunOut(t *testing.T) {
	x := revocation.NewIndex(issuer)
	for i := range uint64(600) {
		r := ended(revocation.ScopeSubject, fmt.Sprint("account-", i))
		r.Reason = fmt.Sprint("reason-", i)
		if err := x.Apply(revocation.Entry{Cursor: at(i+1, 7), At: noon, Rule: r}); err != nil {
			t.Fatal(err)
		}
	}
	if n := revocation.Extras(x); n != 592 {
		t.Errorf("%d rules of 600 epochs stand outside of records, want all but 8", n)
	}
	for _, x := range []*revocation.Index{x, savedAndLoaded(t, x, t.TempDir())} {
		for i := range uint64(600) {
			q := asking(revocation.ScopeSubject, fmt.Sprint("account-", i))
			q.HasRev, q.Rev = true, at(i+1, 6)
			want := revocation.Verdict{Action: revocation.Revoke, Scope: revocation.ScopeSubject, Reason: fmt.Sprint("reason-", i)}
			if v := x.Check(noon, &q); v != want {
				t.Fatalf("got %+v, want %+v", v, want)
			}
			if q.Rev.Seq++; x.Check(noon, &q).Action != revocation.None {
				t.Fatalf("the token of the rule's own cursor %v dies", q.Rev)
			}
		}
	}
}

// production is the n-th rule as a busy house makes them: sessions that end,
// accounts that log out everywhere, single tokens, a tenant now and then.
func production(n int, id string) revocation.Entry {
	scope := revocation.ScopeSession
	switch {
	case n%1000 == 0:
		scope = revocation.ScopeTenant
	case n%4 == 1:
		scope = revocation.ScopeSubject
	case n%4 == 2:
		scope = revocation.ScopeToken
	}
	r := ended(scope, id)
	r.Until = noon.Add(15*time.Minute + time.Duration(n)*time.Microsecond)
	e := entry(uint64(n+1), r)
	e.At = noon.Add(time.Duration(n) * time.Microsecond)
	return e
}

// A bound that is counted: all arrays of the structure, their spare room
// included, at every size from 100,000 rules on, after growing and after sweeping.
// A small index has more room, so that it is not copied again and again.
func TestMemoryARule(t *testing.T) {
	const bound, few = 48.0, 64.0
	x, most, mostOfFew := revocation.NewIndex(issuer), 0.0, 0.0
	measure := func() {
		each := float64(revocation.Footprint(x)) / float64(x.Rules())
		switch n := x.Rules(); {
		case n >= 100_000:
			most = max(most, each)
		case n >= 10_000:
			mostOfFew = max(mostOfFew, each)
		}
	}
	for n := range 130_000 {
		if err := x.Apply(production(n, jwt.NewID())); err != nil {
			t.Fatal(err)
		}
		if n%500 == 0 {
			measure()
		}
	}
	if n := x.Sweep(noon.Add(15*time.Minute + 20_000*time.Microsecond)); n != 20_000 {
		t.Fatalf("swept %d", n)
	}
	measure()
	x = savedAndLoaded(t, x, t.TempDir())
	measure()
	if revocation.Extras(x) != 0 {
		t.Errorf("%d ordinary rules do not fit into a record", revocation.Extras(x))
	}
	if most > bound || most < 32 {
		t.Errorf("%.1f bytes a rule, want at most %.0f", most, bound)
	}
	if mostOfFew > few {
		t.Errorf("%.1f bytes a rule while there are few, want at most %.0f", mostOfFew, few)
	}
	t.Logf("at most %.1f bytes a rule, %.1f from 10,000 on", most, mostOfFew)
}

// A million tokens that nobody revoked, among 100,000 rules. Their IDs come from
// the system's randomness, the table's hash has a seed of its own.
func TestNoFalseRefusalInAMillion(t *testing.T) {
	x := revocation.NewIndex(issuer)
	ids := make([]string, 100_000)
	for n := range ids {
		ids[n] = jwt.NewID()
		if err := x.Apply(production(n, ids[n])); err != nil {
			t.Fatal(err)
		}
	}
	random, raw := make([]byte, 1<<20), make([]byte, 22)
	q := revocation.Query{Issuer: issuer, KeyID: "key"}
	for n := range 1_000_000 {
		if n%(1<<14) == 0 {
			rand.Read(random)
		}
		base64.RawURLEncoding.Encode(raw, random[n%(1<<14)*64:][:16])
		q.ID, q.SessionID, q.Subject, q.Tenant = string(raw), string(raw[1:])+"A", string(raw[2:])+"AA", string(raw[3:])+"AAA"
		if v := x.Check(noon, &q); v != (revocation.Verdict{}) {
			t.Fatalf("token %d is refused: %+v for %+v", n, v, q)
		}
	}
	for n, id := range ids {
		q := asking(production(n, id).Rule.Scope, id)
		if v := x.Check(noon, &q); v.Action != revocation.Revoke {
			t.Fatalf("rule %d of 100,000 is not found", n)
		}
	}
}

func TestVerdictsAllocateNothing(t *testing.T) {
	long := "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	for _, id := range []string{"short", jwt.NewID(), long} {
		for _, scope := range everyScope {
			if scope == revocation.ScopeIssuer {
				id = issuer
			}
			x := indexOf(t, entry(1, ended(scope, id)))
			q := asking(scope, id)
			if n := testing.AllocsPerRun(100, func() {
				if x.Check(noon, &q).Action != revocation.Revoke {
					t.Fatal("not found")
				}
			}); n != 0 {
				t.Errorf("a refusal by %s allocates %v times", scope, n)
			}
		}
	}
}

// An account whose rules are replaced again and again, two by one: whoever looks
// meanwhile finds the token revoked.
func TestReadersNeverFallBetweenTwoRules(t *testing.T) {
	const rounds = 30_000
	revoke, rotate := ended(revocation.ScopeSubject, "42"), ended(revocation.ScopeSubject, "42")
	rotate.Action = revocation.Rotate
	x := indexOf(t, entry(1, revoke))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			q := asking(revocation.ScopeSubject, "42")
			q.HasRev = true
			for asked := 0; ; asked++ {
				if v := x.Check(noon, &q); v.Action != revocation.Revoke {
					t.Errorf("look %d: %+v", asked, v)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range uint64(rounds) {
		if err := x.Apply(entry(2+2*i, rotate), entry(3+2*i, revoke)); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	readers.Wait()
	if x.Rules() != 1 {
		t.Errorf("%d rules kept", x.Rules())
	}
}

// Sweeping, growing, saving and merging go on at once; the oracle is asked about
// everything that was acknowledged before.
func TestIndexIsExactUnderWay(t *testing.T) {
	defer revocation.OnSync(func(string) error { return nil })()
	const n = 4000
	x, dir := revocation.NewIndex(issuer), t.TempDir()
	acknowledged := make(chan int, n)
	var beside sync.WaitGroup
	done := make(chan struct{})
	until := func(step func()) {
		beside.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					step()
				}
			}
		})
	}
	until(func() { x.Sweep(noon) })
	until(func() {
		if err := x.Save(dir); err != nil {
			t.Error(err)
		}
	})
	ids := make([]string, n)
	for i := range ids {
		ids[i] = jwt.NewID()
	}
	beside.Go(func() {
		for i := range acknowledged {
			for _, j := range slices.Compact([]int{i, i / 2, 0}) {
				q := asking(production(j, ids[j]).Rule.Scope, ids[j])
				if v := x.Check(noon, &q); v.Action != revocation.Revoke {
					t.Errorf("after %d rules the rule %d is not in force", i+1, j)
				}
			}
			if q := asking(revocation.ScopeKey, ids[i]); x.Check(noon, &q).Action != revocation.None {
				t.Errorf("%s is refused as a key", ids[i])
			}
		}
	})
	for i := range ids {
		if err := x.Apply(production(i, ids[i])); err != nil {
			t.Fatal(err)
		}
		acknowledged <- i
	}
	close(acknowledged)
	close(done)
	beside.Wait()
	loaded := revocation.NewIndex(issuer)
	if err := errors.Join(x.Save(dir), loaded.Load(dir)); err != nil || loaded.Rules() != n {
		t.Errorf("%d rules of %d loaded, %v", loaded.Rules(), n, err)
	}
}
