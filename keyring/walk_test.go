package keyring_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jotkeeper/jotkeeper/jwt"
	"github.com/jotkeeper/jotkeeper/keyring"
)

// TestA047NobodySignsBeforeAllCanKnow lets three nodes of one store live through
// whatever order of ticks, reloads, restarts, outages and operators' acts, and
// looks at who signs after each. A key signs only when it has been in the store
// for twice max-age, and each set that may be relied on has it.
func TestA047NobodySignsBeforeAllCanKnow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &shelf{}
		cfg := config(s)
		cfg.Rotation = time.Hour
		now := noon
		f := &fleet{t: rt, name: "walk", tokens: map[string]time.Time{}}
		down := make([]*bool, 3)
		boot := func(i int) *keyring.Ring {
			c := cfg
			down[i] = new(bool)
			c.Store = &cut{s, down[i]}
			c.MaxAge = 5 * time.Minute
			return open(t, now, c)
		}
		for i := range 3 {
			f.nodes = append(f.nodes, boot(i))
		}
		born := map[string]time.Time{}
		look := func() {
			for n, r := range s.records {
				if _, known := born[r.ID]; !known {
					born[r.ID] = now
					if n == 0 && now.Equal(noon) {
						born[r.ID] = noon.Add(-time.Hour) // the very first
					}
				}
			}
			f.fetch(now)
			f.check(now)
			for kid := range f.tokens {
				if age := now.Sub(born[kid]); age < 10*time.Minute {
					rt.Fatalf("a key signs that is in the store for %s", age)
				}
			}
		}
		look()
		for range rapid.IntRange(10, 60).Draw(rt, "acts") {
			i := rapid.IntRange(0, 2).Draw(rt, "node")
			r := f.nodes[i]
			var err error
			switch rapid.SampledFrom([]string{"wait", "wait", "tick", "tick", "reload", "restart", "cut", "mend", "rotate", "rotate alg", "retire"}).Draw(rt, "act") {
			case "wait":
				now = now.Add(time.Duration(rapid.IntRange(1, 1200).Draw(rt, "seconds")) * time.Second)
			case "tick":
				err = r.Tick(t.Context(), now)
			case "reload":
				err = r.Reload(t.Context(), now)
			case "restart":
				f.nodes[i] = boot(i)
			case "cut":
				*down[i] = true
			case "mend":
				*down[i] = false
			case "rotate":
				err = r.Rotate(t.Context(), now, "")
			case "rotate alg":
				err = r.Rotate(t.Context(), now, jwt.EdDSA)
			case "retire":
				err = r.Retire(t.Context(), now, rapid.SampledFrom(s.records).Draw(rt, "key").ID)
			}
			if err != nil && !*down[i] {
				rt.Fatal(err)
			}
			look()
		}
	})
}
