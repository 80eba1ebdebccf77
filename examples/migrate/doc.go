// Package migrate shows how to move to Jotkeeper without logging anybody out.
//
// Each folder is one old system that is read beside the new one until a date:
// tokens of golang-jwt, opaque API tokens in a table, sessions of scs, tokens of
// Rails. Its tests play the evening: before, both, after. The guides in
// docs/guides/migrate-from-*.md quote these programs, and guides_test.go compares.
package migrate
