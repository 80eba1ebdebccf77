// Package town plays the whole system for weeks in synthetic time.
//
// Two auth servers over one store, each with its own index and feed; services
// that verify and follow; people with several devices, who log in, come and go,
// log out, end what they left open, change passwords, are locked. The rooms are
// the real ones, with net/http in between; only the lines are not, and the
// clock, which moves when everybody waits (testing/synctest). Administrators
// act, keys change, answers are lost, lines are cut, servers die between a
// commit and its answer.
//
// While the town lives everything that is answered is held against the truth:
// who was logged in and who ended what, when. One seed names one history of
// acts and faults:
//
//	go test -v ./internal/town -run 'Town/seed=4711'
//
// It stands beside internal/sim, not in it. That room compares rules of refresh
// in one goroutine, over session and a store, without a network; this one asks
// whether the rooms keep together what each of them keeps alone.
//
// It refuses to be part of the product: there is nothing in it but tests.
package town
