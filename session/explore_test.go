package session

import (
	"strings"
	"testing"
	"time"
)

// TestNoHonestUserIsLoggedOut searches the real table for the shortest story in
// which an honest client is told that its session is over. Each search
// ends because there is no state left: the stories may be of any length.
func TestNoHonestUserIsLoggedOut(t *testing.T) {
	for _, c := range []struct {
		name string
		conditions
	}{
		{"tabs that race, answers that are lost", conditions{delay: 2, flights: 3, losses: 2}},
		{"a request that stalls", conditions{delay: 1, flights: 2, stalls: 9}},
		{"a fail-over", conditions{delay: 2, flights: 3, failures: 1}},
		{"two fail-overs", conditions{delay: 2, flights: 2, failures: 2}},
		{"nodes apart", conditions{delay: 2, flights: 2, skew: 1, losses: 2}},
		{"nodes apart and a fail-over", conditions{delay: 2, flights: 2, skew: 1, failures: 1}},
		{"a browser that dies", conditions{delay: 2, flights: 2, deaths: 1}},
		{"a browser that dies, nodes apart", conditions{delay: 1, flights: 2, deaths: 1, skew: 1}},
		{"a request that stalls, verifiers with any clock", conditions{delay: 1, flights: 2, stalls: 9, fast: 100}},
		{"a fail-over, verifiers with any clock", conditions{delay: 2, flights: 3, failures: 1, fast: 100}},
		{"a browser that dies, verifiers 10 s ahead", conditions{delay: 2, flights: 2, deaths: 1, fast: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.table = realTable()
			found := c.explore()
			if found.trace != nil || !found.exhausted {
				t.Fatal(found)
			}
			t.Log(found)
		})
	}
}

// TestTheExplorerFindsWhatIsKnown gives the explorer tables and conditions that
// are known to log honest users out. One that found nothing there would prove
// nothing by finding nothing elsewhere.
func TestTheExplorerFindsWhatIsKnown(t *testing.T) {
	figures := func(hold, settle time.Duration) table {
		real := realTable()
		real.policy.Hold, real.policy.Settle = hold, settle
		return real
	}
	for _, c := range []struct {
		name   string
		events int
		ends   string // what the last event says
		conditions
	}{
		{"the earlier table, tabs at the window's edge", 10, "RT2 arrives: reused", conditions{table: earlierTable(), delay: 2, flights: 2}},
		{"the earlier table, short delays", 16, "reused", conditions{table: earlierTable(), delay: 1, flights: 3}},
		{"the earlier table, a fail-over", 8, "reused", conditions{table: earlierTable(), delay: 0, flights: 2, failures: 1}},
		{"the earlier figures, a fail-over", 28, "reused", conditions{table: figures(60*time.Second, 60*time.Second), delay: 2, flights: 2, failures: 1}},
		{"the earlier figures, a browser that dies", 22, "reused", conditions{table: figures(60*time.Second, 60*time.Second), delay: 2, flights: 2, deaths: 1}},
		{"settle of 80 s, a request that stalls", 26, "reused", conditions{table: figures(90*time.Second, 80*time.Second), delay: 1, flights: 2, stalls: 9}},
		{"slower than promised", 53, "reused", conditions{table: realTable(), delay: 4, flights: 2}},
		{"a fail-over and lost answers", 37, "reused", conditions{table: realTable(), delay: 1, flights: 2, failures: 1, losses: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := c.explore()
			if found.trace == nil {
				t.Fatalf("%v, although there is one", found)
			}
			if last := found.trace[len(found.trace)-1]; !strings.Contains(last, c.ends) {
				t.Errorf("the last event is %q, want %q in it", last, c.ends)
			}
			if len(found.trace) != c.events {
				t.Errorf("%d events, want %d", len(found.trace), c.events)
			}
			t.Log(found)
		})
	}
}

// earlierTable is a table that this one replaced. It had no hold, no late and
// no late count; it repeated the refresh token within grace, healed one
// generation only and went on from there, and took every sighting at its word.
func earlierTable() table {
	t := realTable()
	t.renews = outcome.issues
	t.policy.Hold, t.policy.Settle = t.policy.Grace, 0
	var refresh func(row Row, p presented, now time.Time, policy Policy) (Row, outcome)
	refresh = func(row Row, p presented, now time.Time, policy Policy) (Row, outcome) {
		shown, current := int64(p.generation), int64(row.Generation)
		recent := now.Sub(row.RotatedAt) <= policy.Grace
		switch {
		case shown == current && now.Sub(row.RotatedAt) < policy.Grace:
			return row, same
		case shown == current:
			return advanced(row, current+1, 0, now), rotate
		case shown == current-1 && (recent || row.ConfirmedAt.IsZero() || now.Sub(row.ConfirmedAt) <= policy.Drain):
			return row, replay
		case shown == current+1:
			row.Generation++
			return refresh(row, p, now, policy)
		default:
			return row, reused
		}
	}
	t.step = refresh
	return t
}

// TestA087AnOldTokenBuysNothing searches for a way to get something for a
// refresh token that was replaced: for a grandparent, for a parent whose child
// is confirmed, for one that is shown again and again, to clocks that step back.
func TestA087AnOldTokenBuysNothing(t *testing.T) {
	found := exploreStale(realTable())
	if found.trace != nil || !found.exhausted {
		t.Fatal(found)
	}
	t.Log(found)
}

// TestA110EveryThiefIsFound searches for the theft that goes on for the most
// refreshes of an active owner: the thief who rotates first and waits for the
// owner to confirm, and every other. By chance he may come so close to the
// owner's refresh that he looks like a second tab; each such luck is counted.
func TestA110EveryThiefIsFound(t *testing.T) {
	for _, c := range []struct {
		name string
		hunt
	}{
		{"no sightings", hunt{survives: 4}},
		{"sightings", hunt{survives: 4, sightings: true}},
		{"lucky once", hunt{survives: 9, lucky: 1}},
		{"lucky twice", hunt{survives: 14, lucky: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.table = realTable()
			found := c.explore()
			if found.trace != nil || !found.exhausted {
				t.Fatal(found)
			}
			t.Log(found)
			c.survives--
			if closer := c.explore(); closer.trace == nil {
				t.Errorf("he survives less than %d refreshes: %v", c.survives+1, closer)
			} else {
				t.Log(closer)
			}
		})
	}
}
