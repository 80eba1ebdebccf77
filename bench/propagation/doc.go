// Command propagation measures how soon a revocation is refused everywhere, and
// whether one is ever lost.
//
//	cd bench && go run ./propagation
//
// It runs itself again in other processes: an origin, which keeps its log in
// SQLite with every commit synced and serves the feed over TCP on the loopback;
// four processes with fifty verifiers each, every one with an index, a client
// and a connection of its own; later sixteen writers of the same log.
//
// A latency begins right before the origin calls Append, and ends when the
// verifier's Index.Check says revoked. Whoever waits for that asks every index
// again and again, a quarter of a millisecond apart, so no answer is seen early.
// Both moments are read from CLOCK_MONOTONIC, which the kernel keeps once for all
// processes of a machine, and subtracted as they are. Verifiers and origin share
// the cores: where each has a machine, they wait less for one another.
//
// The command fails if a rule that was acknowledged is missing at a verifier.
package main
