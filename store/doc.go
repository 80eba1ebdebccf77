// Package store names what one backend keeps together.
//
// Each room that remembers something says how in a contract of its own. A [Set]
// is all of them over one backend; a [Backend] also changes several of them in
// one transaction, since a password, the sessions that it ends and the rules
// that tell of it are one change.
//
// It refuses to hold code: no query, no connection, no decision. Backends bring
// the first two, the rooms the third.
package store
