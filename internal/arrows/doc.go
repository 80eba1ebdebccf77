// Package arrows tests which room may import which.
//
// A room is a package with one sentence. table_test.go lists the rooms that
// exist, the rooms each may import, and the rooms that own each third-party
// library; a new room starts as a line there. The other tests here hold the
// sources to the house's budgets of size and to its habits of testing.
//
// It refuses exceptions that nobody needs any more: each is a line with its
// reason, and fails once the sources do without it.
//
// There is nothing to import: everything lives in test files.
package arrows
