package keeper_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// Whatever order things happen in: logins, requests that race, answers that are
// late or lost, a node without news, rights that change, releases side by side, a
// logout, a thief.
func TestAnySessionKeepsItsPromises(t *testing.T) { anyStory(t, false) }

// The same when logins are locked, and the thief has a copy of the token alone: he
// is told binding, whatever he does, and no owner is told anything but expired.
func TestAnyLockedSessionKeepsItsPromises(t *testing.T) { anyStory(t, true) }

func anyStory(t *testing.T, locked bool) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt.Fatalf)
		w.locked = locked
		w.login()
		seconds := func(name string, from, to int) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(rt, name)) * time.Second
		}
		node := func() int { return rapid.IntRange(0, 1).Draw(rt, "node") }
		leg := func() time.Duration { return seconds("answer takes", 0, int(way/time.Second)) }
		request := func(lost bool) func(*rapid.T) {
			return func(*rapid.T) { w.send(seconds("request takes", 0, int(way/time.Second)), lost) }
		}
		rt.Repeat(map[string]func(*rapid.T){
			"login":           func(*rapid.T) { w.login() },
			"request":         request(false),
			"another request": request(false),
			"a lost answer":   request(true),
			"moments":         func(*rapid.T) { w.pass(seconds("moments", 0, 3), node, leg) },
			"a while":         func(*rapid.T) { w.pass(seconds("a while", 4, 60), node, leg) },
			"half an hour":    func(*rapid.T) { w.pass(seconds("half an hour", 1700, 2100), node, leg) },
			"rights change": func(*rapid.T) {
				if err := w.nodes[0].RotateSubject(w.Context(), "ada"); err != nil {
					rt.Fatal(err)
				}
				w.follow()
			},
			"logout":     func(*rapid.T) { w.logout() },
			"no news":    func(*rapid.T) { w.deaf, w.wasDeaf = true, true },
			"news again": func(*rapid.T) { w.deaf = false; w.follow() },
			"a thief copies": func(*rapid.T) {
				if w.loot = w.jar; w.loot != "" {
					w.theft = !locked // who lacks the lock has stolen nothing
				}
			},
			"the thief requests": func(*rapid.T) {
				if w.loot == "" {
					return
				}
				next, reason := w.serve(w.nodes[node()], w.loot, nil)
				switch {
				case !locked:
					w.loot = next.token
				case reason != jwt.Binding && reason != jwt.Expired:
					rt.Fatalf("a thief without the lock is told %q", reason)
				}
			},
			"": func(*rapid.T) { w.follow(); w.check() },
		})
	})
}
