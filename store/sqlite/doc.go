// Package sqlite keeps every contract in one SQLite file.
//
// [Open] gives a [Backend] that writes through one connection: changes that
// wait at the same moment become one transaction with one sync of the disk, a
// savepoint each, and each caller hears of its own change after the commit.
// Reads run beside it on connections of their own. Several processes may have
// the same file open; one of them may be the server (Options.Server).
//
// It refuses to acknowledge what is not on the disk, to go on after the disk
// refused a write, and to touch a database that a newer version wrote.
package sqlite
