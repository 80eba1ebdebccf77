// Command jotkeeper is the one binary.
//
// It holds the auth server, the token tools that work offline, the operator's
// hand on keys, sessions, accounts. This package wires: it owns flags,
// environment, files, signals, exit codes, listeners; what a session or a key
// is, the rooms decide. Every command is reached through run, which takes all
// that a process has, so that a test can be a process.
//
// It refuses to listen to others without TLS, to use what others can read, to
// take a secret from an argument, and to put a new key in the place of a lost
// one.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
