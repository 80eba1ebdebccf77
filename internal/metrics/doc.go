// Package metrics exports the rooms' counts to Prometheus.
//
// It is the one room that knows Prometheus, so the others stay free of it.
// Every label takes its values from a closed list: what does not stand in the
// list is counted as "other", so nobody can grow the server's memory by
// thinking up new values.
//
// It refuses labels made of what a client sent: no path, no name, no address.
package metrics
