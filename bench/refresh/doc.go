// Command refresh measures what a refresh costs over HTTP, on a disk that
// syncs every commit.
//
//	cd bench && go run ./refresh
//
// It builds the program, puts tens of thousands of sessions into a store, runs
// `jotkeeper serve` on it, and lets 16 clients in another process refresh each
// of them once. Every answer must be a rotation: a new refresh token, one
// generation on. At the end the store is opened again and each session must be
// at that generation, so the figure counts durable rotations alone.
//
// In turns with that, round after round, another process swaps session rows
// straight in a store of its own on the same disk (what is possible there
// without HTTP, tokens and signatures), and syncs a small file again and again
// (what one sync costs). The last table tells how soon the server is ready
// and what memory it holds when idle.
//
// Client and server share the machine's cores. With -keep the store stays.
package main
