package sim

import "time"

// Whoever has a token that renews itself is a person who reads in three tabs, or
// a program that comes every seven minutes. The grace is made for requests and
// answers of up to 9 s each.
var (
	person = Scenario{Promise: NoLogout, Length: week, Tabs: 3, Reads: true, Rights: 0.002, Slow: 0.03, Slowest: 9 * time.Second}
	native = Scenario{Promise: NoLogout, Length: week, Tabs: 1, Jitter: 0.02, Rights: 0.01, Slow: 0.03, Slowest: 9 * time.Second}
)

func (s Scenario) named(name string, changes ...func(*Scenario)) Scenario {
	s.Name = name
	for _, change := range changes {
		change(&s)
	}
	return s
}

func unpromised(s *Scenario)         { s.Promise = Nothing }
func oneTab(s *Scenario)             { s.Tabs = 1 }
func retried(s *Scenario)            { s.Retries = 1 }
func apart(s *Scenario)              { s.Apart = 10 * time.Second }
func dying(s *Scenario)              { s.Deaths = 0.0005 }
func shownAtOnce(s *Scenario)        { s.Shows = true }
func lost(p float64) func(*Scenario) { return func(s *Scenario) { s.Lost = p } }

func slow(part float64, slowest time.Duration) func(*Scenario) {
	return func(s *Scenario) { s.Slow, s.Slowest = part, slowest }
}

func grace(d time.Duration) func(*Scenario) { return func(s *Scenario) { s.Grace = d } }

// Kept returns the scenarios of a token that renews itself, without a thief.
func Kept() []Scenario {
	return []Scenario{
		person.named("pages, nothing is lost"),
		person.named("pages, 1 % lost", lost(0.01)),
		person.named("pages, 1 % lost, one retry", lost(0.01), retried),
		person.named("pages, 5 % lost", lost(0.05)),
		person.named("pages, 5 % lost, one retry", lost(0.05), retried),
		person.named("pages in one tab, 5 % lost", oneTab, lost(0.05), unpromised),
		person.named("pages in one tab, 5 % lost, one retry", oneTab, lost(0.05), retried),
		person.named("pages, 2 % slow, up to 12 s", slow(0.02, 12*time.Second), unpromised),
		person.named("pages, 10 % slow, up to 20 s", slow(0.1, 20*time.Second), unpromised),
		person.named("pages, 10 % slow, up to 20 s, 30 s of grace", slow(0.1, 20*time.Second), grace(30*time.Second)),
		person.named("pages, nodes 10 s apart, 1 % lost, one retry", apart, lost(0.01), retried, unpromised),
		person.named("pages, nodes 10 s apart, 1 % lost, one retry, 20 s of grace", apart, lost(0.01), retried, grace(20*time.Second)),
		person.named("pages, fail-overs, 1 % lost, one retry", lost(0.01), retried, func(s *Scenario) { s.FailOver = 0.01 }),
		person.named("pages, the browser dies", dying, unpromised),
		person.named("pages, the browser dies, 2 minutes of grace", dying, grace(2*time.Minute)),
		native.named("a native client, 1 % lost", lost(0.01)),
		native.named("a native client, 5 % lost", lost(0.05), unpromised),
		native.named("a native client, 5 % lost, one retry", lost(0.05), retried),
		native.named("a native client, shown at once, 5 % lost", lost(0.05), shownAtOnce, unpromised),
		native.named("a native client, shown at once, 5 % lost, one retry", lost(0.05), retried, shownAtOnce),
	}
}

// KeptThefts returns the scenarios with a thief of a token that renews itself:
// at most a week. That a thief is found is promised where the owner shows a new
// token soon.
func KeptThefts() []Scenario {
	var all []Scenario
	for _, who := range []struct {
		thief Thief
		name  string
		found Promise
	}{
		{Naive, "a naive thief", EveryThief}, {First, "a thief who renews first", EveryThief}, {Late, "a thief who waits", EveryThief},
		{Shadow, "a shadow", Nothing}, {Patient, "a patient thief", Nothing},
	} {
		at := func(s *Scenario) { s.Thief, s.Promise, s.Rights, s.Behind = who.thief, who.found, 0, 5*time.Second }
		strays := func(s *Scenario) { s.Jitter = 0.1 }
		all = append(all,
			person.named(who.name+" of a person's token", at),
			native.named(who.name+" of a native client's, shown at once", at, strays, shownAtOnce),
			native.named(who.name+" of a native client's", at, strays, unpromised),
		)
	}
	return all
}
