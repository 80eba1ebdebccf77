package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jotkeeper/jotkeeper/account"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/revocation"
	"github.com/jotkeeper/jotkeeper/session"
	"github.com/jotkeeper/jotkeeper/store"
	"github.com/jotkeeper/jotkeeper/store/memory"
	"github.com/jotkeeper/jotkeeper/store/sqlite"
)

// An answer is what a call returned.
type answer []any

// A call is one operation with its arguments, ready to be made on any backend.
type call struct {
	name string
	make func(store.Set) answer
}

// draw helpers: few names, so that calls meet.
type dice struct{ *rapid.T }

func (d dice) pick(what string, of ...string) string { return rapid.SampledFrom(of).Draw(d.T, what) }
func (d dice) number(what string, below int) int     { return rapid.IntRange(0, below-1).Draw(d.T, what) }
func (d dice) maybe(what string) bool                { return rapid.Bool().Draw(d.T, what) }
func (d dice) sid(what string) string                { return d.pick(what, "s1", "s2", "s3") }
func (d dice) owner(what string) string              { return d.pick(what, "ada", "bob") }
func (d dice) when(what string) time.Time {
	n := d.number(what, 8)
	if n == 0 {
		return time.Time{}
	}
	return evening.Add(time.Duration(n) * time.Minute)
}

func (d dice) person() account.Row {
	r := account.Row{ID: int64(d.number("id", 5)), Identifier: d.pick("identifier", "ada", "bob", "eve", "äöü<&>"), Scope: d.pick("scope", "", "read"),
		Credential: int64(d.number("credential", 3)), Locked: d.maybe("locked"), Failures: d.number("failures", 3), LastLoginAt: d.when("login"), Revision: int64(1 + d.number("revision", 2))}
	if d.maybe("claims") {
		r.Claims = map[string]json.RawMessage{"plan": json.RawMessage(d.pick("claim", `"gold"`, ` [1, 2]`, `{"a":"<b>"}`, `{`))}
	}
	return r
}

func (d dice) key() keyring.Record {
	return keyring.Record{ID: d.pick("kid", "k1", "k2", "k3"), Period: int64(d.number("period", 3)), State: keyring.State(d.pick("state", "next", "active")),
		Sealed: []byte(d.pick("sealed", "", "x")), CreatedAt: d.when("created"), GoneAt: d.when("gone"), Revision: int64(1 + d.number("revision", 2))}
}

func (d dice) session() session.Row {
	r := session.Row{ID: d.sid("sid"), Account: d.owner("account"), State: session.State(d.pick("state", "active", "active", "active", "ended")),
		EndedAt: d.when("ended"), Generation: uint32(d.number("generation", 3)), Idle: d.when("idle"), Absolute: d.when("absolute"),
		CreatedAt: d.when("created"), SeenAt: d.when("seen"), Revision: int64(1 + d.number("revision", 2)), Agent: "'; DROP TABLE session; --\x00ü"}
	if d.maybe("methods") {
		r.Methods = []string{"pwd"}
		r.Events = []session.Event{{At: d.when("event"), Kind: "login"}}
	}
	if d.number("child", 4) == 0 {
		r.Parent = d.sid("parent")
	}
	return r
}

func (d dice) rule() revocation.Rule {
	return revocation.Rule{Scope: revocation.Scope(d.pick("scope", "jti", "sid", "sub", "kid", "tid", "iss", "wrong")), ID: d.pick("id", "a", "b", "c", ""),
		From: d.when("from"), Until: d.when("until"), Action: revocation.Action(d.number("action", 4)), Reason: d.pick("reason", "", "logout")}
}

func (d dice) rules() (list []revocation.Rule) {
	for range d.number("rules", 3) {
		list = append(list, d.rule())
	}
	return list
}

func (d dice) ending() session.Ending {
	e := session.Ending{Account: d.owner("account"), Parents: d.maybe("parents"), Epoch: d.maybe("epoch"), Reason: d.pick("reason", "logout", "lock"), Now: d.when("now"), Until: d.when("until"), Rules: d.rules()}
	for range d.number("ids", 3) {
		e.IDs = append(e.IDs, d.sid("end"))
	}
	if d.maybe("except") {
		e.Except = d.sid("except")
	}
	if d.maybe("event") {
		e.Event = session.Event{At: evening, Kind: "ended"}
	}
	return e
}

// call draws one operation of any contract.
func (d dice) call() call {
	ctx := context.Background()
	p, k, s, e, rules := d.person(), d.key(), d.session(), d.ending(), d.rules()
	n, now, sid := d.number("n", 6), d.when("moment"), d.sid("sid")
	scope := revocation.Scope(d.pick("state scope", "jti", "sid", "sub"))
	cursor := revocation.Cursor{Epoch: uint64(d.number("cursor epoch", 3)), Seq: uint64(d.number("cursor", 12))}
	calls := []call{
		{"Accounts.Insert", func(x store.Set) answer { id, err := x.Accounts.Insert(ctx, p); return answer{id, err} }},
		{"Accounts.Find", func(x store.Set) answer { r, err := x.Accounts.Find(ctx, p.ID); return answer{r, err} }},
		{"Accounts.FindIdentifier", func(x store.Set) answer {
			r, err := x.Accounts.FindIdentifier(ctx, p.Identifier)
			return answer{r, err}
		}},
		{"Accounts.Swap", func(x store.Set) answer { to := p; to.Identifier = k.ID; return answer{x.Accounts.Swap(ctx, p, to)} }},
		{"Accounts.List", func(x store.Set) answer { l, err := x.Accounts.List(ctx, p.ID, n); return answer{l, err} }},
		{"Accounts.Fail", func(x store.Set) answer { c, err := x.Accounts.Fail(ctx, p.ID, now); return answer{c, err} }},
		{"Accounts.Forgive", func(x store.Set) answer { return answer{x.Accounts.Forgive(ctx, p.ID, n)} }},
		{"Keys.Keys", func(x store.Set) answer { l, err := x.Keys.Keys(ctx); return answer{l, err} }},
		{"Keys.Insert", func(x store.Set) answer { return answer{x.Keys.Insert(ctx, k)} }},
		{"Keys.Swap", func(x store.Set) answer { to := k; to.Period = int64(n); return answer{x.Keys.Swap(ctx, k, to)} }},
		{"Keys.Sweep", func(x store.Set) answer { c, err := x.Keys.Sweep(ctx, now); return answer{c, err} }},
		{"Sessions.Epoch", func(x store.Set) answer { c, err := x.Sessions.Epoch(ctx, s.Account); return answer{c, err} }},
		{"Sessions.Insert", func(x store.Set) answer {
			c, err := x.Sessions.Insert(ctx, s, int64(n/3), session.Cap{Limit: n % 3, Until: now})
			return answer{c, err}
		}},
		{"Sessions.Find", func(x store.Set) answer { r, c, err := x.Sessions.Find(ctx, sid); return answer{r, c, err} }},
		{"Sessions.Swap", func(x store.Set) answer { to := s; to.Generation++; return answer{x.Sessions.Swap(ctx, s, to)} }},
		{"Sessions.End", func(x store.Set) answer { l, c, err := x.Sessions.End(ctx, e); return answer{l, c, err} }},
		{"Sessions.List", func(x store.Set) answer { l, err := x.Sessions.List(ctx, s.Account, now); return answer{l, err} }},
		{"Sessions.Sweep", func(x store.Set) answer { c, err := x.Sessions.Sweep(ctx, now); return answer{c, err} }},
		{"Revocations.Head", func(x store.Set) answer { c, err := x.Revocations.Head(ctx); return answer{c, err} }},
		{"Revocations.Read", func(x store.Set) answer { l, err := x.Revocations.Read(ctx, cursor, n); return answer{l, err} }},
		{"Revocations.Append", func(x store.Set) answer { c, err := x.Revocations.Append(ctx, now, rules...); return answer{c, err} }},
		{"Revocations.State", func(x store.Set) answer {
			m, err := x.Revocations.State(ctx, now, scope, "a", "b", "c", "s1", "s2")
			return answer{m, err}
		}},
		{"Revocations.Compact", func(x store.Set) answer { c, err := x.Revocations.Compact(ctx, now); return answer{c, err} }},
	}
	return rapid.SampledFrom(calls).Draw(d.T, "call")
}

// sentinels are the errors that callers branch on.
var sentinels = []error{account.ErrNotFound, account.ErrConflict, account.ErrTaken, keyring.ErrNotFound, keyring.ErrConflict,
	session.ErrNotFound, session.ErrConflict, revocation.ErrSnapshotRequired, revocation.ErrBadRule, store.ErrUnavailable, errUndo}

// plain makes answers comparable: an error is what it is to those who branch
// on it, an empty list is none.
func (a answer) plain() []string {
	var out []string
	for _, v := range a {
		err, failed := v.(error)
		switch list := reflect.ValueOf(v); {
		case failed:
			out = append(out, "error "+sentinel(err))
		case list.IsValid() && list.Kind() == reflect.Slice && list.Len() == 0:
			out = append(out, "none")
		default:
			out = append(out, fmt.Sprintf("%+v", v))
		}
	}
	return out
}

func sentinel(err error) string {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s.Error()
		}
	}
	return "of another kind"
}

var errUndo = errors.New("undo")

// TestSameAsMemory makes random calls, alone and in transactions that may be
// undone, on SQLite and on the maps: the answers are equal.
func TestSameAsMemory(t *testing.T) {
	succeeded := map[string]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		d := dice{rt}
		b, err := sqlite.Open(t.Context(), t.TempDir()+"/j.db", sqlite.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer b.Close()
		m := memory.New()
		defer m.Close()
		for range rapid.IntRange(1, 30).Draw(rt, "length") {
			calls := []call{d.call()}
			inside := d.number("together", 3) == 0
			for inside && d.maybe("more") {
				calls = append(calls, d.call())
			}
			undo := inside && d.maybe("undo")
			want, got := play(m, calls, inside, undo), play(b, calls, inside, undo)
			for i := range want {
				if !reflect.DeepEqual(got[i].plain(), want[i].plain()) {
					rt.Fatalf("%s (of %d, together %v) on SQLite:\n%q\nin memory:\n%q", calls[min(i, len(calls)-1)].name, len(calls), inside, got[i].plain(), want[i].plain())
				}
				if i < len(calls) && want[i][len(want[i])-1] == nil {
					succeeded[calls[i].name] = true
				}
			}
		}
	})
	if len(succeeded) < 20 {
		t.Errorf("only %d of 23 calls ever succeeded: %v", len(succeeded), succeeded)
	}
}

// play makes calls on a backend, the last answer being what Together returned.
func play(b store.Backend, calls []call, inside, undo bool) (answers []answer) {
	if !inside {
		return []answer{calls[0].make(b.Set())}
	}
	err := b.Together(context.Background(), func(tx store.Set) error {
		answers = nil
		for _, c := range calls {
			answers = append(answers, c.make(tx))
		}
		if undo {
			return errUndo
		}
		return nil
	})
	return append(answers, answer{err})
}
