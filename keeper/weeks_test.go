package keeper_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jotkeeper/jotkeeper/jwt"
)

// An answer that is late brings the old token back into the jar, where it stays:
// by then the newer one must not have been made. It was found by asking what the
// jar holds when answers overtake each other.
func TestLateAnswersAreNoLogout(t *testing.T) {
	w := newWorld(t, t.Fatalf)
	node := func() int { return 0 }
	slow, quick := func() time.Duration { return 9 * time.Second }, func() time.Duration { return 0 }
	rights := func() {
		if err := w.nodes[0].RotateSubject(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		w.follow()
	}
	w.login()
	first := w.jar
	rights()
	w.send(0, false)
	w.pass(0, node, slow) // its answer is under way for 9 s
	w.send(0, false)
	w.pass(0, node, quick)
	second := w.jar
	rights() // again
	for range 2 {
		w.send(0, false)
		w.pass(time.Second, node, quick)
	}
	w.pass(30*time.Second, node, quick) // the slow one arrives; the person reads
	w.send(0, false)
	w.pass(time.Second, node, quick)
	w.check()
	if w.jar == first || w.jar == second || w.jar == "" || len(w.issued) != 3 {
		t.Errorf("after 3 changes of rights the session had %d tokens; refused %v", len(w.issued), w.refused)
	}
}

// weeks is how many user-weeks are played, by JOTKEEPER_SIM; without it a few
// days are.
func weeks(t *testing.T) int {
	text := os.Getenv("JOTKEEPER_SIM")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("JOTKEEPER_SIM=%q is no number of weeks", text)
	}
	return n
}

// TestWeeksOfLostAnswers plays weeks of people who read and click, open several
// things at once, sit in trains, and go away. Nobody is logged out but by going
// away for longer than a token lives. A page of which nothing arrived is loaded
// again. Of those who never do that, some come back to a token that expired: its
// half was over, and the only answer since then was lost.
//
//	JOTKEEPER_SIM=100 go test ./keeper -count=1 -v -run Weeks
func TestWeeksOfLostAnswers(t *testing.T) {
	days, seeds := 1, 3
	if n := weeks(t); n > 0 {
		days, seeds = 7, n
	}
	for _, c := range []struct {
		name    string
		loss    float64
		stoical bool
	}{{"nothing is lost", 0, false}, {"1 % lost", 0.01, false}, {"5 % lost", 0.05, false}, {"5 % lost, and nothing is loaded again", 0.05, true}} {
		t.Run(c.name, func(t *testing.T) {
			requests, renewals, lost, forced := 0, 0, 0, 0
			for seed := range seeds {
				p := &person{world: newWorld(t, t.Fatalf), random: rand.New(rand.NewPCG(uint64(seed), uint64(1000*c.loss))), loss: c.loss, stoical: c.stoical}
				for range days {
					p.day()
				}
				requests, renewals = requests+p.requests, renewals+p.renewals
				lost, forced = lost+p.lost, forced+p.forced
			}
			t.Logf("%d user-days: %d requests, %d answers lost, %d renewals, %d forced logouts", days*seeds, requests, lost, renewals, forced)
			if forced > 0 && !c.stoical {
				t.Errorf("%d forced logouts in %d user-days", forced, days*seeds)
			}
			if renewals == 0 || c.loss > 0 && lost == 0 {
				t.Error("nothing happened")
			}
		})
	}
}

type person struct {
	*world
	random  *rand.Rand
	loss    float64
	stoical bool // loads no page again

	renewals, lost, forced int
}

func (p *person) chance(x float64) bool { return p.random.Float64() < x }

func (p *person) between(from, to time.Duration) time.Duration {
	return from + time.Duration(p.random.Float64()*float64(to-from))
}

// takes is how long one way is: now and then seconds.
func (p *person) takes() time.Duration {
	if p.chance(0.03) {
		return p.between(time.Second, way)
	}
	return p.between(20*time.Millisecond, 300*time.Millisecond)
}

func (p *person) node() int { return p.random.IntN(2) }

// day is ten hours of use, then a night: it begins with a login.
func (p *person) day() {
	p.login()
	evening := p.clock.read().Add(10 * time.Hour)
	for p.clock.read().Before(evening) {
		for range 1 + p.random.IntN(10) {
			p.page()
		}
		if p.chance(0.1) {
			p.changeRights()
		}
		p.idle(p.between(time.Minute, 20*time.Minute))
		if p.jar == "" {
			p.forced += p.refused[jwt.Expired]
			p.refused = map[jwt.Reason]int{}
			p.renewals += len(p.issued) - 1
			p.login()
		}
	}
	p.renewals += len(p.issued) - 1
	p.idle(14 * time.Hour)
	p.refused = map[jwt.Reason]int{}
}

// page is a page that fires several requests, which the person reads.
func (p *person) page() {
	for {
		arrive := 0
		for range 1 + p.random.IntN(6) {
			lost := p.chance(p.loss)
			p.send(p.takes(), lost)
			if lost {
				p.lost++
			} else {
				arrive++
			}
		}
		if arrive > 0 || p.stoical {
			break
		}
		p.idle(p.between(5*time.Second, 30*time.Second))
	}
	p.idle(p.between(time.Second, time.Minute))
}

func (p *person) idle(d time.Duration) {
	p.pass(d, p.node, p.takes)
	p.check()
}

func (p *person) changeRights() {
	if err := p.nodes[0].RotateSubject(p.Context(), "ada"); err != nil {
		p.fatal("changing rights: %v", err)
	}
	p.follow()
}
