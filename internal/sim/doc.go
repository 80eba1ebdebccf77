// Package sim replays weeks of refreshes in synthetic time.
//
// The explorer of package session searches step for the shortest way to break
// its promises, in steps of ten seconds. This room asks the other question: how
// often does it happen to people? Browsers with several tabs, slow lines, lost
// answers, thieves: all of them talk to the real session.Sessions over a real
// store, only the hours are not. So do those whose one token renews itself, with
// the real keeper.Keeper. Beside these run the designs of others, each as a small
// model of its rule, in the very same world.
//
// A week is played in less than a second, in one goroutine, without a clock.
// Every story follows from its scenario, its design with a seed, so whatever
// happens can be seen again.
//
// It refuses to be part of the product: only tests import it, its random
// numbers are predictable on purpose.
package sim
