// Command revocation measures what asking for a revocation costs: here, beside
// one EXISTS of a Redis on the same machine, and beside a warm cache in front of
// it.
//
//	cd bench && go run ./revocation
//
// All contenders run in turns within one process, round after round, so that
// what disturbs the machine disturbs all of them. The unit is CPU time of this
// process (getrusage), garbage collection included; what Redis itself uses is
// not counted. A ratio is taken within a round; shown is the median of the
// rounds with the smallest and the largest.
//
// A check asks for everything that a token says: jti, sid, sub, tid, key and
// issuer. There are 32,768 tokens that nobody revoked, so that their look-ups
// come by every cache line of a table rather than by a warm few.
package main
