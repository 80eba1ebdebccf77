// Command jwt measures what verifying a token costs, here and in other
// libraries, beside the bare signature check.
//
//	cd bench && go run ./jwt
//
// All contenders run in turns within one process, round after round, so that
// what disturbs the machine disturbs all of them. The unit is CPU time of the
// process (getrusage), garbage collection included: the wall clock of a shared
// machine says nothing. A ratio is taken within a round; shown is the median of
// the rounds with the smallest and the largest.
//
// Each library is as strict as its options allow, and must accept the tokens
// before it is timed.
package main
