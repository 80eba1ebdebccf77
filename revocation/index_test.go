package revocation_test

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/revocation"
)

func TestEachScopeFindsItsToken(t *testing.T) {
	ids := map[revocation.Scope]string{
		revocation.ScopeToken: "token", revocation.ScopeSession: "session", revocation.ScopeSubject: "42",
		revocation.ScopeTenant: "acme", revocation.ScopeKey: "key", revocation.ScopeIssuer: issuer,
	}
	q := ada()
	for scope, id := range ids {
		x := indexOf(t, entry(6, ended(scope, id)))
		if v := x.Check(noon, &q); v != (revocation.Verdict{Action: revocation.Revoke, Scope: scope, Reason: "test"}) {
			t.Errorf("a %s rule for %q says %+v", scope, id, v)
		}
		for other := range ids {
			if other == scope {
				continue
			}
			if v := indexOf(t, entry(6, ended(other, id))).Check(noon, &q); v != (revocation.Verdict{}) {
				t.Errorf("a %s rule takes the %s %q for its own: %+v", other, scope, id, v)
			}
		}
	}
}

// A revocation list that is keyed without its issuer, or joins names with a
// separator, lets one tenant log another one out.
func TestA204NoEffectAcrossIssuersOrSeparators(t *testing.T) {
	t.Run("another issuer's token", func(t *testing.T) {
		var all []revocation.Entry
		for i, r := range []revocation.Rule{
			ended(revocation.ScopeToken, "token"), ended(revocation.ScopeSession, "session"), ended(revocation.ScopeSubject, "42"),
			ended(revocation.ScopeTenant, "acme"), ended(revocation.ScopeKey, "key"), ended(revocation.ScopeIssuer, "https://other.example.com"),
			ended(revocation.ScopeIssuer, issuer),
		} {
			all = append(all, entry(uint64(6+i), r))
		}
		x := indexOf(t, all...)
		for _, iss := range []string{"https://other.example.com", issuer + "/", "HTTPS://ID.EXAMPLE.COM", ""} {
			q := ada()
			q.Issuer = iss
			if v := x.Check(noon, &q); v != (revocation.Verdict{}) {
				t.Errorf("rules of %s reach a token of %q: %+v", issuer, iss, v)
			}
		}
	})
	t.Run("separators", func(t *testing.T) {
		hostile := []string{"a|b", "a:b", "a/b", "a\x00b", "a b", "a", "b", "jti", "jti:a", "sid|a", "a\n", "a%00b", "a*", "%", "*", "é", "e\u0301"}
		for _, revoked := range hostile {
			x := indexOf(t, entry(1, ended(revocation.ScopeToken, revoked)))
			for _, id := range hostile {
				v := x.Check(noon, &revocation.Query{Issuer: issuer, ID: id, SessionID: "a", Subject: "b"})
				if got, want := v.Action == revocation.Revoke, id == revoked; got != want {
					t.Errorf("with jti %q revoked, %q is revoked: %v", revoked, id, got)
				}
			}
		}
	})
	t.Run("claims that are missing", func(t *testing.T) {
		x := indexOf(t, entry(1, ended(revocation.ScopeTenant, "acme")))
		if v := x.Check(noon, &revocation.Query{Issuer: issuer, ID: "token"}); v.Action != revocation.None {
			t.Errorf("a token without tenant: %+v", v)
		}
	})
}

func TestIndexWithoutIssuerStaysClosed(t *testing.T) {
	x := revocation.NewIndex("")
	if err := x.Apply(entry(1, ended(revocation.ScopeToken, "token"))); !errors.Is(err, revocation.ErrBadRule) {
		t.Fatalf("got %v, want ErrBadRule", err)
	}
	if !x.Stale(noon) {
		t.Fatal("it calls itself fresh")
	}
}

// "Log out everywhere" kills what was signed before it and nothing after, even
// within the same second.
func TestRelativeRulesCompareCursorsNotClocks(t *testing.T) {
	for _, scope := range []revocation.Scope{revocation.ScopeSubject, revocation.ScopeTenant, revocation.ScopeIssuer} {
		id := map[revocation.Scope]string{revocation.ScopeSubject: "42", revocation.ScopeTenant: "acme", revocation.ScopeIssuer: issuer}[scope]
		x := indexOf(t, entry(6, ended(scope, id)))
		for rev, want := range map[revocation.Cursor]revocation.Action{
			{}: revocation.Revoke, at(0, 99): revocation.Revoke, at(1, 5): revocation.Revoke, // before
			at(1, 6): revocation.None, at(1, 7): revocation.None, at(2, 0): revocation.None, // the rule itself, after, a later epoch
		} {
			q := ada()
			q.Rev = rev
			q.IssuedAt = noon.Add(-time.Hour) // says nothing: the token has a rev
			if v := x.Check(noon, &q); v.Action != want {
				t.Errorf("%s rule at 1:6, token of %v: %v, want %v", scope, rev, v.Action, want)
			}
		}
	}
}

func TestAbsoluteRulesDoNotBelieveRev(t *testing.T) {
	for scope, id := range map[revocation.Scope]string{
		revocation.ScopeToken: "token", revocation.ScopeSession: "session", revocation.ScopeKey: "key",
	} {
		x := indexOf(t, entry(6, ended(scope, id)))
		q := ada()
		q.Rev, q.IssuedAt = at(1<<64-1, 1<<64-1), noon.Add(time.Hour)
		if v := x.Check(noon, &q); v.Action != revocation.Revoke {
			t.Errorf("%s: a token that says it is from the future gets away: %+v", scope, v)
		}
	}
}

func TestForeignTokensAreJudgedByTheSecond(t *testing.T) {
	rule := entry(6, ended(revocation.ScopeSubject, "42"))
	rule.At = noon.Add(500 * time.Millisecond)
	x := indexOf(t, rule)
	for iat, want := range map[time.Duration]revocation.Action{
		-time.Hour: revocation.Revoke, 0: revocation.Revoke, time.Second: revocation.None, time.Hour: revocation.None,
	} {
		q := revocation.Query{Issuer: issuer, Subject: "42", IssuedAt: noon.Add(iat)}
		if v := x.Check(noon, &q); v.Action != want {
			t.Errorf("rule of 12:00:00.5, token of %v: %v, want %v", q.IssuedAt, v.Action, want)
		}
	}
	exact := indexOf(t, entry(6, ended(revocation.ScopeSubject, "42"))) // at 12:00:00.0
	if v := exact.Check(noon, &revocation.Query{Issuer: issuer, Subject: "42", IssuedAt: noon}); v.Action != revocation.None {
		t.Errorf("a token of the rule's own full second was signed after it: %+v", v)
	}
	timeless := entry(6, ended(revocation.ScopeSubject, "42"))
	timeless.At = time.Time{}
	if v := indexOf(t, timeless).Check(noon, &revocation.Query{Issuer: issuer, Subject: "42", IssuedAt: noon}); v.Action != revocation.Revoke {
		t.Errorf("a rule that cannot tell its time must kill all: %+v", v)
	}
}

func TestWeakerRulesNeverHideStrongerOnes(t *testing.T) {
	revoke := ended(revocation.ScopeSubject, "42")
	rotate := revoke
	rotate.Action, rotate.Reason = revocation.Rotate, "rights"
	young, old := ada(), ada()
	young.Rev, old.Rev = at(1, 7), at(1, 5)
	for name, order := range map[string][]revocation.Entry{
		"revoke, then rotate": {entry(6, revoke), entry(8, rotate)},
		"read out of order":   {entry(8, rotate), entry(6, revoke)},
		"read twice":          {entry(6, revoke), entry(8, rotate), entry(6, revoke), entry(8, rotate)},
	} {
		x := indexOf(t, order...)
		if v := x.Check(noon, &old); v.Action != revocation.Revoke || v.Reason != "test" {
			t.Errorf("%s: the older token: %+v", name, v)
		}
		if v := x.Check(noon, &young); v.Action != revocation.Rotate || v.Reason != "rights" {
			t.Errorf("%s: the token between the two: %+v", name, v)
		}
		if x.Rules() != 2 {
			t.Errorf("%s: %d rules kept", name, x.Rules())
		}
	}
	x := indexOf(t, entry(6, rotate), entry(8, revoke), entry(9, rotate))
	if v := x.Check(noon, &young); v.Action != revocation.Revoke {
		t.Errorf("a revoke between two rotates: %+v", v)
	}
	narrow := indexOf(t, entry(6, rotate), entry(7, ended(revocation.ScopeKey, "key")))
	if v := narrow.Check(noon, &old); v.Action != revocation.Revoke || v.Scope != revocation.ScopeKey {
		t.Errorf("a stronger rule of a wider scope: %+v", v)
	}
}

func TestCoveredRulesTakeNoRoom(t *testing.T) {
	x := revocation.NewIndex(issuer)
	for seq := uint64(1); seq <= 1000; seq++ {
		r := ended(revocation.ScopeSubject, "42")
		r.Until = noon.Add(time.Hour + time.Duration(seq)*time.Second)
		if err := x.Apply(entry(seq, r)); err != nil {
			t.Fatal(err)
		}
	}
	if x.Rules() != 1 {
		t.Errorf("a thousand logouts of one account keep %d rules", x.Rules())
	}
}

func TestRuleWaitsForItsHour(t *testing.T) {
	r := ended(revocation.ScopeToken, "token")
	r.From = noon.Add(10 * time.Second)
	x := indexOf(t, entry(1, r))
	q := ada()
	for offset, want := range map[time.Duration]revocation.Action{
		0: revocation.None, 10*time.Second - time.Microsecond: revocation.None, 10 * time.Second: revocation.Revoke,
		time.Hour: revocation.Revoke, time.Hour + time.Microsecond: revocation.None,
	} {
		if v := x.Check(noon.Add(offset), &q); v.Action != want {
			t.Errorf("%v after noon: %v, want %v", offset, v.Action, want)
		}
	}
}

func TestSweepForgetsOnlyWhatIsOver(t *testing.T) {
	short, long, forever := ended(revocation.ScopeToken, "a"), ended(revocation.ScopeToken, "b"), ended(revocation.ScopeToken, "c")
	short.Until, forever.Until = noon.Add(time.Minute), time.Time{}
	both := ended(revocation.ScopeToken, "b")
	both.Action, both.Until = revocation.Rotate, noon.Add(2*time.Hour)
	x := indexOf(t, entry(1, short), entry(2, long), entry(3, forever), entry(4, both))
	if n := x.Sweep(noon.Add(time.Minute)); n != 0 || x.Rules() != 4 {
		t.Errorf("at its Until a rule is still in force; swept %d, kept %d", n, x.Rules())
	}
	if n := x.Sweep(noon.Add(time.Minute + time.Microsecond)); n != 1 || x.Rules() != 3 {
		t.Errorf("after it: swept %d, kept %d", n, x.Rules())
	}
	if n := x.Sweep(noon.Add(90 * time.Minute)); n != 1 || x.Rules() != 2 {
		t.Errorf("one of two rules on one ID: swept %d, kept %d", n, x.Rules())
	}
	q := revocation.Query{Issuer: issuer, ID: "b"}
	if v := x.Check(noon.Add(90*time.Minute), &q); v.Action != revocation.Rotate {
		t.Errorf("the other rule on that ID: %+v", v)
	}
	if x.Cursor() != at(1, 4) {
		t.Errorf("sweeping moved the cursor to %v", x.Cursor())
	}
}

func TestApplyMovesTheCursorOverNoGap(t *testing.T) {
	rule := ended(revocation.ScopeToken, "token")
	x := indexOf(t, entry(1, rule), entry(2, rule))
	if x.Cursor() != at(1, 2) {
		t.Fatalf("after 1:1 and 1:2 the cursor is %v", x.Cursor())
	}
	// The origin applies its own 1:5 before it has seen another process's 1:3 and 1:4.
	if err := x.Apply(entry(5, rule)); err != nil || x.Cursor() != at(1, 2) {
		t.Fatalf("1:5 hides what stands before it: cursor %v, %v", x.Cursor(), err)
	}
	next := entry(1, rule)
	next.Cursor.Epoch = 2
	if err := x.Apply(next, entry(1, rule)); err != nil || x.Cursor() != at(1, 2) {
		t.Fatalf("another epoch, or an old entry, moves it: cursor %v, %v", x.Cursor(), err)
	}
}

func TestNonsenseStopsTheCursorButNotTheOthers(t *testing.T) {
	x := revocation.NewIndex(issuer)
	good, bad := ended(revocation.ScopeToken, "token"), ended("planet", "earth")
	if err := x.Apply(entry(1, good), entry(2, bad), entry(3, ended(revocation.ScopeSession, "session"))); !errors.Is(err, revocation.ErrBadRule) {
		t.Fatalf("got %v, want ErrBadRule", err)
	}
	if x.Cursor() != at(1, 1) || x.Rules() != 2 {
		t.Errorf("cursor %v, %d rules; want 1:1 and both good ones", x.Cursor(), x.Rules())
	}
}

func TestQueryOfReadsTheClaims(t *testing.T) {
	c := &jwt.Access{Tenant: "acme", Revision: "1:5"}
	c.Issuer, c.ID, c.SessionID, c.Subject = issuer, "token", "session", "42"
	c.IssuedAt = jwt.Time(noon.Unix())
	got := revocation.QueryOf(c, "key")
	want := ada()
	if !got.IssuedAt.Equal(noon) {
		t.Errorf("iat is %v", got.IssuedAt)
	}
	if got.IssuedAt = want.IssuedAt; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	c.Revision = ""
	if revocation.QueryOf(c, "key").HasRev {
		t.Error("a rev out of nothing")
	}
	x := indexOf(t, entry(1, ended(revocation.ScopeSubject, "42")))
	for _, garbage := range []string{"9:99 ", "99", "+9:9", "09:9", "x"} {
		c.Revision = garbage
		c.IssuedAt = jwt.Time(noon.Add(time.Hour).Unix())
		q := revocation.QueryOf(c, "key")
		if v := x.Check(noon, &q); v.Action != revocation.Revoke {
			t.Errorf("rev %q makes the token young: %+v", garbage, v)
		}
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	x := revocation.NewIndex(issuer)
	for i := range uint64(5000) {
		if err := x.Apply(entry(i+1, ended(revocation.ScopeSession, fmt.Sprint("session-", i)))); err != nil {
			t.Fatal(err)
		}
	}
	c := &jwt.Access{Tenant: "acme", Revision: "1:6000"}
	c.Issuer, c.ID, c.Subject = issuer, "token", "42"
	for sid, want := range map[string]revocation.Action{"session-77": revocation.Revoke, "alive": revocation.None} {
		c.SessionID = sid
		if n := testing.AllocsPerRun(100, func() {
			q := revocation.QueryOf(c, "key")
			if v := x.Check(noon, &q); v.Action != want {
				t.Fatalf("%s: %+v", sid, v)
			}
		}); n != 0 {
			t.Errorf("checking %s allocates %v times", sid, n)
		}
	}
	c.Revision = "not a cursor"
	if n := testing.AllocsPerRun(100, func() { revocation.QueryOf(c, "key") }); n != 0 {
		t.Errorf("a malformed rev allocates %v times", n)
	}
}

// Whoever sees a cursor sees every rule up to there, while rules pour in, the
// table grows and is swept.
func TestReadersNeverMissWhatTheCursorPromises(t *testing.T) {
	const n = 20000
	x := revocation.NewIndex(issuer)
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	writers.Go(func() {
		for i := uint64(1); i <= n; i++ {
			if err := x.Apply(entry(i, ended(revocation.ScopeSession, fmt.Sprint(i)))); err != nil {
				t.Error(err)
			}
			if i%5000 == 0 {
				x.Sweep(noon)
			}
		}
	})
	for range 2 {
		readers.Go(func() {
			for {
				seen := x.Cursor().Seq
				for i := seen; i > 0 && i+20 > seen; i-- {
					q := revocation.Query{Issuer: issuer, SessionID: fmt.Sprint(i)}
					if v := x.Check(noon, &q); v.Action != revocation.Revoke {
						t.Errorf("at cursor %d the rule %d is not in force", seen, i)
						return
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if x.Rules() != n || x.Stats().Cursor != at(1, n) {
		t.Errorf("%d rules at %v", x.Rules(), x.Cursor())
	}
}

func TestStatsCountVerdicts(t *testing.T) {
	rotate := ended(revocation.ScopeToken, "other")
	rotate.Action = revocation.Rotate
	x := indexOf(t, entry(1, ended(revocation.ScopeToken, "token")), entry(2, rotate))
	for id, times := range map[string]int{"token": 3, "other": 2, "free": 5} {
		for range times {
			x.Check(noon, &revocation.Query{Issuer: issuer, ID: id})
		}
	}
	x.Heard(noon)
	want := revocation.Stats{Rules: 2, Cursor: at(1, 2), Heard: noon, Revoked: 3, Rotated: 2}
	if got := x.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The feed has room for times that no calendar has.
func TestTimesBeyondAllTime(t *testing.T) {
	farthest := time.UnixMilli(math.MaxInt64)
	for _, end := range []time.Time{farthest, farthest.Add(-time.Millisecond), time.UnixMilli(math.MaxInt64 / 1000), time.UnixMilli(math.MaxInt64 / 2)} {
		until, from := ended(revocation.ScopeSession, "until"), ended(revocation.ScopeSession, "from")
		until.Until = end
		from.From, from.Until = end, time.Time{}
		x := revocation.NewIndex(issuer)
		if err := x.Apply(entry(1, until), entry(2, from)); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]revocation.Action{"until": revocation.Revoke, "from": revocation.None} {
			if v := x.Check(noon, &revocation.Query{Issuer: issuer, SessionID: id}); v.Action != want {
				t.Errorf("%s %d: %v, want %v", id, end.UnixMilli(), v.Action, want)
			}
		}
	}
}
