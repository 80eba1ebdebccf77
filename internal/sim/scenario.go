package sim

import "time"

// A Scenario is what a world is like.
type Scenario struct {
	Name      string
	Promise   Promise
	Length    time.Duration // at most
	Tabs      int           // of one browser
	Reads     bool          // a person opens pages: several requests at once, soon another page, or a pause of up to 20 minutes; no timers
	Rights    float64       // chance for each page that the rights of the account change
	Jitter    float64       // how far a timer strays from half of a token's life
	Slow      float64       // part of the requests and answers that take up to Slowest
	Slowest   time.Duration
	Sleep     float64       // chance of a browser to fall asleep for 1–4 h, for each refresh of its slowest tab
	Lost      float64       // part of the answers that do not arrive
	Retries   int           // of a lost answer, 2–10 s later
	Deaths    float64       // part of the answers after which the browser dies within 30 s
	Apart     time.Duration // how far the clocks of two nodes are apart; 0: one node
	FailOver  float64       // part of the rotations that a fail-over within 20 s undoes
	Sightings bool          // verifiers report what they see
	Thief     Thief
	Behind    time.Duration // how long a shadow comes after the owner
	Grace     time.Duration // of a token that renews itself; 0: the usual
	Shows     bool          // a client that is given a token shows it at once
}

// A Promise is what a scenario must show of our design.
type Promise int

const (
	// Nothing is promised: the row tells what it costs.
	Nothing Promise = iota
	// NoLogout promises that nobody is logged out.
	NoLogout
	// EveryTheft promises that every theft is found, after a few refreshes.
	EveryTheft
	// EveryThief promises that every thief is found, sooner or later.
	EveryThief
)

const week = 7 * day

func (s Scenario) nodes() int {
	if s.Apart > 0 {
		return 2
	}
	return 1
}

// Honest returns the scenarios without a thief: a week of a browser with four
// tabs.
func Honest() []Scenario {
	tabs := Scenario{
		Promise: NoLogout, Length: week, Tabs: 4, Jitter: 0.02,
		Slow: 0.02, Slowest: 12 * time.Second, Sleep: 0.02, Sightings: true,
	}
	with := func(name string, change func(*Scenario)) Scenario {
		s := tabs
		s.Name = name
		change(&s)
		return s
	}
	return []Scenario{
		with("nothing is lost", func(*Scenario) {}),
		with("1 % lost", func(s *Scenario) { s.Lost = 0.01 }),
		with("1 % lost, one retry", func(s *Scenario) { s.Lost, s.Retries = 0.01, 1 }),
		with("5 % lost", func(s *Scenario) { s.Lost, s.Promise = 0.05, Nothing }),
		with("5 % lost, one retry", func(s *Scenario) { s.Lost, s.Retries = 0.05, 1 }),
		with("10 % slow, up to 20 s", func(s *Scenario) { s.Slow, s.Slowest = 0.1, 20*time.Second }),
		with("10 % slow, up to 40 s", func(s *Scenario) { s.Slow, s.Slowest, s.Promise = 0.1, 40*time.Second, Nothing }),
		with("the browser dies", func(s *Scenario) { s.Deaths = 0.005 }),
		with("the browser dies, 1 % lost, one retry", func(s *Scenario) { s.Deaths, s.Lost, s.Retries, s.Promise = 0.005, 0.01, 1, Nothing }),
		with("nodes 10 s apart, 1 % lost, one retry", func(s *Scenario) { s.Apart, s.Lost, s.Retries = 10*time.Second, 0.01, 1 }),
		with("fail-overs", func(s *Scenario) { s.FailOver = 0.01 }),
		with("fail-overs, 1 % lost, one retry", func(s *Scenario) { s.FailOver, s.Lost, s.Retries, s.Promise = 0.01, 0.01, 1, Nothing }),
		with("fail-overs, nodes 10 s apart", func(s *Scenario) { s.FailOver, s.Apart = 0.01, 10*time.Second }),
	}
}

// Thefts returns the scenarios with a thief: at most a week, the owner awake.
func Thefts() []Scenario {
	var all []Scenario
	for _, who := range []struct {
		thief   Thief
		name    string
		promise Promise
	}{{Naive, "a naive thief", EveryTheft}, {Careful, "a careful thief", EveryTheft}, {Shadow, "a shadow", Nothing}} {
		for _, seen := range []bool{true, false} {
			for _, tabs := range []int{1, 4} {
				s := Scenario{
					Name: who.name, Promise: who.promise, Thief: who.thief, Length: week, Tabs: tabs, Jitter: 0.1,
					Slow: 0.02, Slowest: 12 * time.Second, Sightings: seen, Behind: 20 * time.Second,
				}
				if !seen {
					s.Name += ", no sightings"
				}
				if tabs > 1 {
					s.Name += ", four tabs"
				}
				all = append(all, s)
			}
		}
	}
	return all
}
