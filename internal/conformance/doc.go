// Package conformance drives any verifier through the vectors of the specification.
//
// The verifier is a command that reads a case per line and writes an answer per
// line (docs/spec/conformance.md). It is not trusted to end, to answer or to be
// JSON: whatever it does is a result of its case, and the next case goes to a new
// process.
package conformance
