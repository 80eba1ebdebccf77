// Package memory keeps every contract in maps.
//
// It is a whole backend for tests and for programs that may forget: it passes
// the same suite as the databases (store/storetest), and random sequences of
// calls are answered as SQLite answers them. One transaction runs at a time; an
// error undoes it step by step.
//
// It refuses to outlive its process, and it has no limits of its own.
package memory
