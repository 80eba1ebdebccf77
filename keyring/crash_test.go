package keyring_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwks"
	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
	"github.com/jotkeeper/jotkeeper/secret"
)

// A mortal store dies at one operation: before it happened, or after it did and
// before the answer came. The process behind it does nothing any more.
type mortal struct {
	keyring.Store
	left   int // operations to live
	landed bool
	dead   bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) step(op func() error) error {
	if m.dead {
		return errDead
	}
	if m.left--; m.left > 0 {
		return op()
	}
	m.dead = true
	if m.landed {
		op()
	}
	return errDead
}

func (m *mortal) Keys(ctx context.Context) (l []keyring.Record, err error) {
	err = m.step(func() (err error) { l, err = m.Store.Keys(ctx); return err })
	return l, err
}
func (m *mortal) Insert(ctx context.Context, r keyring.Record) error {
	return m.step(func() error { return m.Store.Insert(ctx, r) })
}
func (m *mortal) Swap(ctx context.Context, from, to keyring.Record) error {
	return m.step(func() error { return m.Store.Swap(ctx, from, to) })
}
func (m *mortal) Sweep(ctx context.Context, now time.Time) (n int, err error) {
	err = m.step(func() (err error) { n, err = m.Store.Sweep(ctx, now); return err })
	return n, err
}

// A copy of the set that somebody fetched, and may rely on until it is old.
type copied struct {
	set   *jwks.Set
	until time.Time
}

// A failer is a testing.T, or one of rapid's, which shrinks what fails.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

// A fleet is some nodes of one store, and all who fetched from them.
type fleet struct {
	t      failer
	name   string
	nodes  []*keyring.Ring
	copies []copied
	tokens map[string]time.Time // by key ID, when the last one expires
	silent int                  // times that no node could sign
}

// fetch takes a copy of what each node publishes.
func (f *fleet) fetch(now time.Time) {
	f.copies = slices.DeleteFunc(f.copies, func(c copied) bool { return c.until.Before(now) })
	for _, n := range f.nodes {
		set, maxAge := n.Publish(now)
		f.copies = append(f.copies, copied{set, now.Add(maxAge)})
	}
}

// check is the promise: what any node signs, now or in the last 15 minutes, each
// set verifies that somebody relies on.
func (f *fleet) check(now time.Time) {
	f.t.Helper()
	signed := 0
	for i, n := range f.nodes {
		raw, err := trySign(n, now)
		if err == nil {
			signed++
			kid := kidOf(f.t, raw)
			f.tokens[kid] = now.Add(15 * time.Minute)
		} else if jwt.ReasonOf(err) != jwt.Unavailable {
			f.t.Fatalf("%s: node %d at %s: %v", f.name, i, now, err)
		}
	}
	if signed == 0 {
		f.silent++
	}
	for kid, expires := range f.tokens {
		if !now.Before(expires) {
			delete(f.tokens, kid)
			continue
		}
		for _, c := range f.copies {
			if !now.Before(c.until) {
				continue
			}
			if snap, _ := c.set.Snapshot(now); snap.Key(kid) == nil {
				f.t.Fatalf("%s: at %s a set that may be relied on lacks the key of a live token", f.name, now)
			}
		}
		for i, n := range f.nodes {
			snap, _ := n.Snapshot(now)
			if snap.Key(kid) != nil {
				continue
			}
			if err := n.Missing(context.Background(), now, kid); err != nil && jwt.ReasonOf(err) != jwt.Unavailable {
				f.t.Fatalf("%s: at %s node %d does not find the key of a live token: %v", f.name, now, i, err)
			}
		}
	}
}

func kidOf(t failer, raw string) string {
	t.Helper()
	i, err := jwt.InspectUnverified(raw)
	if err != nil {
		t.Fatal(err)
	}
	var h struct{ Kid string }
	if err := json.Unmarshal(i.Header, &h); err != nil {
		t.Fatal(err)
	}
	return h.Kid
}

// TestA053CrashAtEveryStep kills a node before and after each operation of the
// store in each act, while another node lives on. Whatever was signed then, and
// in the two periods that follow, can be verified by every set in use.
func TestA053CrashAtEveryStep(t *testing.T) {
	_, oldMaster := master.Signing()
	newMaster := secret.Generate()
	before, changed := secret.NewRing(oldMaster, newMaster), secret.NewRing(newMaster, oldMaster)
	turn := noon.Add(2 * time.Hour)
	acts := map[string]struct {
		at  time.Time
		act func(cfg keyring.Config, now time.Time) error
	}{
		"turn":  {turn, openAnd(nil)},
		"sweep": {turn.Add(time.Hour), openAnd(nil)},
		"new master key": {noon.Add(time.Hour), func(cfg keyring.Config, now time.Time) error {
			cfg.Master = changed
			_, err := keyring.Open(context.Background(), now, cfg)
			return err
		}},
		"rotate": {noon.Add(time.Hour), openAnd(func(r *keyring.Ring, now time.Time) error {
			return r.Rotate(context.Background(), now, "")
		})},
		"rotate to EdDSA": {noon.Add(time.Hour), openAnd(func(r *keyring.Ring, now time.Time) error {
			return r.Rotate(context.Background(), now, jwt.EdDSA)
		})},
		"retire the active key":     {noon.Add(time.Hour), openAnd(onKey(0, (*keyring.Ring).Retire))},
		"retire the next key":       {noon.Add(time.Hour), openAnd(onKey(1, (*keyring.Ring).Retire))},
		"compromise the active key": {noon.Add(time.Hour), openAnd(onKey(0, (*keyring.Ring).Compromise))},
		"compromise the next key":   {noon.Add(time.Hour), openAnd(onKey(1, (*keyring.Ring).Compromise))},
	}
	deaths := 0
	for name, a := range acts {
		for k := 1; ; k++ {
			finished := false
			for _, landed := range []bool{false, true} {
				finished = crash(t, fmt.Sprintf("%s, step %d, landed %v", name, k, landed), before, a.at, k, landed, a.act)
				if !finished {
					deaths++
				}
			}
			if finished {
				break
			}
		}
	}
	t.Logf("%d acts, %d deaths", len(acts), deaths)
	if deaths < 60 {
		t.Errorf("only %d deaths: the acts are not what they were", deaths)
	}
}

func openAnd(act func(*keyring.Ring, time.Time) error) func(keyring.Config, time.Time) error {
	return func(cfg keyring.Config, now time.Time) error {
		r, err := keyring.Open(context.Background(), now, cfg)
		if err != nil || act == nil {
			return err
		}
		return act(r, now)
	}
}

func onKey(i int, act func(*keyring.Ring, context.Context, time.Time, string) error) func(*keyring.Ring, time.Time) error {
	return func(r *keyring.Ring, now time.Time) error {
		l, err := r.List(context.Background(), now)
		if err != nil {
			return err
		}
		return act(r, context.Background(), now, l[i].ID)
	}
}

// crash runs one act that dies at operation k and reports whether it finished
// before that.
func crash(t *testing.T, name string, master secret.Ring, at time.Time, k int, landed bool, act func(keyring.Config, time.Time) error) bool {
	t.Helper()
	s := &shelf{}
	cfg := config(s)
	cfg.Master = master
	cfg.Rotation = 2 * time.Hour
	f := &fleet{t: t, name: name, tokens: map[string]time.Time{}, nodes: []*keyring.Ring{open(t, noon, cfg)}}
	lives := f.nodes[0]
	for now := noon.Add(time.Minute); now.Before(at); now = now.Add(150 * time.Second) { // until a moment before the act
		tick(t, lives, now)
		f.fetch(now)
	}
	f.check(at)
	was := list(t, lives, at)

	m := &mortal{Store: s, left: k, landed: landed}
	mortalCfg := cfg
	mortalCfg.Store = m
	err := act(mortalCfg, at)
	if m.dead != (err != nil) {
		t.Fatalf("%s: dead %v, and the act says %v", name, m.dead, err)
	}
	if i := slices.IndexFunc(s.records, func(r keyring.Record) bool { return r.State == keyring.Compromised }); i >= 0 {
		tick(t, lives, at)                // its wake-up
		delete(f.tokens, s.records[i].ID) // those shall die
	}
	f.fetch(at)
	f.check(at)

	cfg.Store = s
	if m.dead {
		f.nodes = append(f.nodes, open(t, at, cfg))
	}
	f.fetch(at)
	f.check(at)
	for now := at; now.Before(at.Add(5 * time.Hour)); now = now.Add(150 * time.Second) {
		for _, n := range f.nodes {
			if err := n.Tick(t.Context(), now); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		f.check(now)
		f.fetch(now)
		f.check(now)
	}
	if f.silent > 0 {
		t.Errorf("%s: no node could sign, %d times", name, f.silent)
	}
	if now := list(t, f.nodes[len(f.nodes)-1], at.Add(5*time.Hour)); slices.ContainsFunc(now, func(i keyring.Info) bool { return i.ID == was[0].ID }) {
		t.Errorf("%s: the first key is still there", name)
	}
	return !m.dead
}

// The first start has nobody beside it, and nothing to fall back on.
func TestA053CrashInTheFirstStart(t *testing.T) {
	deaths := 0
	for _, landed := range []bool{false, true} {
		for k := 1; ; k++ {
			s := &shelf{}
			m := &mortal{Store: s, left: k, landed: landed}
			_, err := keyring.Open(t.Context(), noon, config(m))
			if !m.dead {
				break
			}
			deaths++
			if !errors.Is(err, errDead) {
				t.Errorf("dead at step %d, and Open says %v", k, err)
			}
			r := open(t, noon.Add(time.Minute), config(s))
			if got := states(t, r, noon.Add(time.Minute)); got != "active next" {
				t.Errorf("dead at step %d, landed %v: calendar %s", k, landed, got)
			}
			if _, err := verifier(t, r).Verify(t.Context(), noon.Add(time.Minute), sign(t, r, noon.Add(time.Minute))); err != nil {
				t.Errorf("dead at step %d, landed %v: %v", k, landed, err)
			}
		}
	}
	if deaths != 10 {
		t.Errorf("%d deaths, want five operations, each before and after", deaths)
	}
}
