// Package sqldb keeps the store contracts in SQL given a dialect.
//
// The SQL of every contract stands here once. A driver room (store/sqlite)
// brings what differs: how a connection is opened, how its errors are told
// apart, how a closure becomes a transaction, and how other processes' changes
// are noticed. It does so as a [Database].
//
// The texts are meant to run on any SQL database: times are integers that the
// caller chose (microseconds, UTC, 0 for never), no statement asks the database
// for the time or for a random number, and numbers that must be dense in the
// order of the commits come from a counter row that is updated inside the
// transaction. An auto-increment column cannot give them: it hands a number out
// before the commit, so a reader who has seen number 8 may never see number 7,
// committed later.
//
// It refuses to decide: no deadline, no reuse policy, no password rule is
// known here.
package sqldb
