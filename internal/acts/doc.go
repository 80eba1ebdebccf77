// Package acts runs each act that spans rooms as one transaction.
//
// A change within one room is one call of its store. Some changes are not: a
// new password ends sessions, a lock ends them too, a sign-up makes an account
// and a session. Each of those is one method here, called by the HTTP handlers
// and by the command line alike, so that neither can forget the other half.
//
// The order is the same in each: hash and draw random bits, then the
// transaction, which denies before it grants and may run again, then sign. A
// crash between leaves an account more closed, never more open.
//
// It refuses to decide: what a password must be, which sessions are alive and
// when keys change are for the rooms.
package acts
